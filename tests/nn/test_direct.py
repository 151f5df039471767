"""Small calls: the short way to torch's kernels is taken where `explain` says so, with torch.nn's results."""

import copy
import sys
import threading
from functools import partial
from unittest.mock import Mock, patch

import pytest
import torch
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
from agreement import assert_agree
from cellwright.backends import dispatch
from cellwright.nn import direct

I, H, B = 3, 5, 4
LENGTHS = [2, 4, 1, 3]
KINDS = [("LSTM", {}), ("GRU", {}), ("RNN", {}), ("RNN", {"nonlinearity": "relu"})]
FORMS = ["padded", "batch first", "alone", "packed", "packed whole", "lengths"]

pytestmark = pytest.mark.usefixtures("backends_by_size")


def pair(kind, **options):
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(I, H, dtype=torch.float64, **options)
    for weight in theirs.parameters():
        weight.data.normal_(std=0.5)
    ours = getattr(cellwright, kind)(I, H, dtype=torch.float64, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def was_direct(layer, *args, **named):
    """The result, and whether it came the short way."""
    long_way = AssertionError("the long way")
    with patch.multiple(dispatch, layer=Mock(side_effect=long_way), layer_on=Mock(side_effect=long_way)):
        try:
            return layer(*args, **named), True
        except AssertionError:
            pass
    return layer(*args, **named), False


def states(kind, stack, *batch):
    count = 2 if kind == "LSTM" else 1
    found = tuple(torch.randn(stack, *batch, H, dtype=torch.float64).requires_grad_() for _ in range(count))
    return found if count == 2 else found[0]


def flat(found):
    """Tensors, in order, of outputs and states; packed ones by their rows."""
    if isinstance(found, torch.Tensor):
        return [found]
    if isinstance(found, torch.nn.utils.rnn.PackedSequence):
        return [found.data, found.batch_sizes]
    return [t for one in found for t in flat(one)]


def gradients(found, wanted):
    loss = sum((k + 1) * t.square().sum() for k, t in enumerate(flat(found)) if t.is_floating_point())
    return torch.autograd.grad(loss, wanted)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("initial", [False, True])
@pytest.mark.parametrize("time", [1, 4])
@pytest.mark.parametrize(("layers", "both"), [(1, False), (3, False), (2, True)])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_results_and_gradients_are_those_of_torch_the_short_way(kind, options, layers, both, time, initial, form):
    more = {"num_layers": layers, "bidirectional": both, "batch_first": form == "batch first", "bias": not both}
    theirs, ours = pair(kind, **options, **more)
    stack = layers * (1 + both)
    shape = {"alone": (time, I), "batch first": (B, time, I)}.get(form, (time, B, I))
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    hx = states(kind, stack, *([] if form == "alone" else [B])) if initial else None
    lengths = [time] * B if form == "packed whole" else [min(n, time) for n in LENGTHS]

    def given():
        return pack_padded_sequence(x, lengths, enforce_sorted=False) if "packed" in form or form == "lengths" else x

    expected = theirs(given(), hx)
    if form == "lengths":
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(expected[0], total_length=time)
        expected = output, expected[1]
        found, short = was_direct(ours, x, hx, lengths=lengths)
        assert ours.explain(x, hx, lengths=lengths).name == "torch"
    else:
        found, short = was_direct(ours, given(), hx)
        assert ours.explain(given(), hx).name == "torch"
    assert short
    assert_agree(flat(found), flat(expected))
    inputs = [x, *(flat(hx) if initial else [])]
    wanted = gradients(expected, [*inputs, *theirs.parameters()])
    assert_agree(gradients(found, [*inputs, *ours.parameters()]), wanted)


@pytest.mark.parametrize("time", [1, 3])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_dropout_between_layers_draws_what_torch_draws(kind, time):
    theirs, ours = pair(kind, num_layers=3, dropout=0.4)
    x = torch.randn(time, B, I, dtype=torch.float64)
    for training in (True, False):
        results = []
        for layer in (theirs.train(training), ours.train(training)):
            torch.manual_seed(3)
            results.append(flat(layer(x)))
        assert_agree(results[1], results[0])


# --- the choice ----------------------------------------------------------------------------------------
ELSEWHERE = [
    {"recurrent_dropout": 0.5},
    {"zoneout": 0.5},
    {"learn_initial_state": True},
    {"state_batch_first": True},
    {"checkpoint_every": 2},
    {"proj_size": 2},
]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("options", ELSEWHERE, ids=str)
def test_what_torch_nn_has_not_goes_the_long_way(options):
    assert not was_direct(cellwright.LSTM(I, H, **options), torch.randn(3, B, I))[1]


def test_calls_that_ask_for_more_go_the_long_way():
    layer, x = cellwright.LSTM(I, H), torch.randn(3, B, I)
    cuts = torch.zeros(3, B, dtype=torch.bool)
    for named in ({"return_gates": True}, {"reset": cuts}, {"return_sequences": False}, {"lengths": [3, 0, 1, 2]}):
        assert not was_direct(layer, x, **named)[1]
    with cellwright.use_backend("compiled"):
        assert not was_direct(layer, x)[1]
    with cellwright.use_backend("torch"):
        assert was_direct(layer, torch.randn(200, 64, I))[1]
    with torch.autocast("cpu", torch.bfloat16):
        assert not was_direct(layer, x)[1]


@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("form", ["padded", "packed", "lengths"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_the_short_way_is_taken_where_explain_says_torch(kind, form, trains):
    """Over sizes on both sides of every bound."""
    layer, names = getattr(cellwright, kind)(2, 64), []
    for time in (1, 4, 5, 6, 13, 14, 17, 18, 20, 28, 40):
        for batch in (2, 700):
            x = torch.randn(time, batch, 2)
            named = {"lengths": [1 + k % time for k in range(batch)]} if form == "lengths" else {}
            given = pack_padded_sequence(x, [time] + [1] * (batch - 1)) if form == "packed" else x
            with torch.set_grad_enabled(trains), patch.object(dispatch, "layer", side_effect=AssertionError):
                names.append(layer.explain(given, **named).name)
                if names[-1] == "torch":
                    layer(given, **named)
                else:
                    with pytest.raises(AssertionError):
                        layer(given, **named)
    assert {"torch", "compiled"} == set(names)


def test_explain_names_the_size_and_what_it_means_for_bits():
    said = str(cellwright.LSTM(I, H).explain(torch.randn(1, B, I)))
    assert said == (
        "torch: torch's own kernel of lstm is faster at T = 1, B = 4, H = 5 "
        "(the bits of a row are the same within one backend only)"
    )
    said = str(cellwright.Recurrent("mgu", I, H).explain(torch.randn(1, B, I)))
    assert said.startswith("reference: packing the weights would take longer than the steps at T = 1, B = 4, H = 5")
    assert cellwright.Recurrent("mgu", I, H).explain(torch.randn(2, B, I)).name == "compiled"


def test_an_option_that_is_set_later_counts():
    layer, x = cellwright.LSTM(I, H, 2), torch.randn(3, B, I)
    assert was_direct(layer, x)[1]
    layer.zoneout = 0.5
    assert not was_direct(layer, x)[1]
    layer.zoneout = 0.0
    layer.dropout = 0.5
    assert was_direct(layer, x)[1]
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])
    layer.recurrent_dropout = 0.5
    assert not was_direct(layer, x)[1]
    layer.recurrent_dropout, layer.batch_first = 0.0, True
    assert layer(x)[0].shape == (3, B, H)
    assert layer(x)[1][0].shape == (2, 3, H)


def test_an_option_that_another_thread_sets_while_they_are_found_counts(monkeypatch):
    """What was found before eval() was kept after it: the layer dropped outputs in all its later small calls."""
    layer, x = cellwright.LSTM(I, H, 2, dropout=0.9), torch.randn(3, B, I)
    find = direct._options

    def interrupted(options):
        found = find(options)
        thread = threading.Thread(target=layer.eval)
        thread.start()
        thread.join()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(direct, "_options", interrupted)
        layer(x)
    assert not layer.training
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_what_is_kept_of_a_layer_is_no_part_of_it():
    layer, x = cellwright.LSTM(I, H), torch.randn(3, B, I)
    before = set(layer.__getstate__())
    was_direct(layer, x)
    assert set(layer.__getstate__()) == before
    copied = copy.deepcopy(layer)
    copied.batch_first = True
    assert was_direct(copied, x)[0][1][0].shape == (1, 3, H)
    assert was_direct(layer, x)[0][1][0].shape == (1, B, H)


# --- weights are read at every call --------------------------------------------------------------------
def test_weights_that_change_in_any_way_count():
    theirs, ours = pair("LSTM")
    x = torch.randn(2, B, I, dtype=torch.float64)
    ours(x)
    for layer in (theirs, ours):
        layer.weight_hh_l0.data.mul_(2)
        layer.bias_ih_l0 = torch.nn.Parameter(layer.bias_hh_l0.detach() + 1)
    assert_agree(ours(x), theirs(x))
    other = {name: p.detach() * 0.5 for name, p in ours.named_parameters()}
    found = torch.func.functional_call(ours, other, (x,))
    theirs.load_state_dict(other)
    assert_agree(found, theirs(x))


def test_parametrised_weights_go_the_long_way_and_count():
    layer = cellwright.LSTM(I, H)
    x = torch.randn(2, B, I)
    parametrizations.weight_norm(layer, "weight_hh_l0")
    found, short = was_direct(layer, x)
    assert not short
    layer.parametrizations.weight_hh_l0.original0.data.mul_(3)
    assert not torch.equal(layer(x)[0], found[0])


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_results_may_be_written_into(kind):
    """torch.nn gives memory of its own for output and state; so do we where one step is one kernel."""
    layer = getattr(cellwright, kind)(I, H)
    output, state = layer(torch.randn(1, B, I, requires_grad=True))
    h = state[0] if isinstance(state, tuple) else state
    kept = h.detach().clone()
    output.mul_(2)
    assert torch.equal(h, kept)
    h.zero_()
    output.sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


# --- single steps --------------------------------------------------------------------------------------
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_single_steps_have_the_bits_of_torch(kind, options, alone):
    theirs = getattr(torch.nn, f"{kind}Cell")(I, H, **options)
    ours = getattr(cellwright, f"{kind}Cell")(I, H, **options)
    ours.load_state_dict(theirs.state_dict())
    x, h = torch.randn(B, I), torch.randn(B, H)
    if alone:
        x, h = x[0], h[0]
    for hx in (None, (h, h.sin()) if kind == "LSTM" else h):
        found, short = was_direct(ours, x, hx)
        assert short
        for a, b in zip(flat(found), flat(theirs(x, hx)), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("kind", "hx", "part"),
    [
        ("LSTM", lambda h: (h, h.double()), "expected the same"),
        ("LSTM", lambda h: (h, h[:1]), "has shape"),
        ("LSTM", lambda h: (h,), "1 tensor"),
        ("GRU", lambda h: h[:, None].expand(-1, H, -1), "3 dimensions"),
        ("RNN", lambda h: h[:, :-1], "has shape"),
    ],
)
def test_what_the_kernel_of_a_step_would_take_or_say_in_its_own_words_is_refused_as_ever(kind, hx, part):
    step = getattr(cellwright, f"{kind}Cell")(I, H)
    with pytest.raises((RuntimeError, ValueError, TypeError), match=part):
        step(torch.randn(B, I), hx(torch.randn(B, H)))


def test_a_step_of_another_cell_is_the_references():
    step, x = cellwright.RecurrentCell("peephole", I, H), torch.randn(B, I)
    found = step(x)
    with cellwright.use_backend("reference"):
        assert all(torch.equal(a, b) for a, b in zip(found, step(x), strict=True))
    assert direct.step(step, x, None) is None


def functions(call):
    """How many functions of Python a call goes through, after a first one; the least of some calls.

    What is freed meanwhile may call others, of whatever ran before.
    """
    call()
    counts = []
    for _ in range(5):
        found = []
        sys.setprofile(lambda frame, event, _, found=found: found.append(frame) if event == "call" else None)
        try:
            call()
        finally:
            sys.setprofile(None)
        counts.append(len(found))
    return min(counts)


@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_a_small_call_goes_through_no_more_functions_than_torchs(kind, given):
    """Behind a kernel each costs a microsecond: with 28 of them a layer trained at 0.92 of torch.nn's speed."""
    x, h = torch.randn(2, 3, 8), torch.randn(1, 3, 8)
    packed = pack_padded_sequence(x, [2, 1, 1])
    counts = []
    for module in (cellwright, torch.nn):
        layer, cell = getattr(module, kind)(8, 8), getattr(module, f"{kind}Cell")(8, 8)
        of_layer, of_cell = [((s, s) if kind == "LSTM" else s) if given else None for s in (h, h[0])]
        calls = [partial(layer, x, of_layer), partial(layer, packed, of_layer), partial(cell, x[0], of_cell)]
        counts.append([functions(call) for call in calls])
    ours, theirs = counts
    assert all(a <= b for a, b in zip(ours, [*theirs[:2], theirs[2] + 1], strict=True)), counts
