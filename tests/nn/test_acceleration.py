"""Kernels under torch.nn's own classes: its numbers, whatever is around a call, and its own kernels for the rest."""

import itertools
import threading
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, weight_norm
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import cellwright
from agreement import assert_agree, double
from cellwright import accelerate, use_backend

T, B, I, H = 50, 3, 4, 7
KINDS = [("LSTM", {}), ("LSTM", {"proj_size": 3}), ("GRU", {}), ("RNN", {}), ("RNN", {"nonlinearity": "relu"})]
FORMS = ["padded", "packed", "alone"]

pytestmark = pytest.mark.usefixtures("backends_by_size")


def made(kind, **options):
    torch.manual_seed(0)
    layer = getattr(nn, kind)(I, H, **options)
    for weight in layer.parameters():
        weight.data.normal_(std=0.5)
    return layer


def x(form="padded", batch_first=False, dtype=torch.float32, steps=T):
    drawn = torch.randn(steps, B, I, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    if form == "alone":
        return drawn[:, 0]
    drawn = drawn.transpose(0, 1) if batch_first else drawn
    if form == "packed":
        return pack_padded_sequence(drawn, [20, steps, 7], batch_first=batch_first, enforce_sorted=False)
    return drawn


def flat(found):
    """Tensors, in order, of outputs and states; packed ones by their rows."""
    if isinstance(found, torch.Tensor):
        return [found]
    if isinstance(found, PackedSequence):
        return [found.data, found.batch_sizes]
    return [t for one in found for t in flat(one)]


def passes(layer, *given):
    """Outputs, states and the gradients of all weights, from the same seed."""
    torch.manual_seed(5)
    layer.zero_grad()
    found = flat(layer(*given))
    sum((k + 1) * t.double().square().sum() for k, t in enumerate(found) if t.is_floating_point()).backward()
    return found, {name: weight.grad.clone() for name, weight in layer.named_parameters()}


def accelerated(layer, *given):
    """The same by our kernels, and nothing else."""
    with use_backend("compiled"), accelerate() as kernels:
        found = passes(layer, *given)
    assert kernels.left == {}
    assert sum(kernels.taken.values()) == 1
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_numbers_gradients_and_layout_are_torch_s(kind, options, form):
    """Dropout between layers included: the same numbers are drawn."""
    for layers, both, batch_first, bias in itertools.product((1, 2), *[(False, True)] * 3):
        some = {"num_layers": layers, "bidirectional": both, "batch_first": batch_first, "bias": bias}
        layer = made(kind, dropout=0.3 * (layers - 1), dtype=torch.float64, **some, **options)
        given = x(form, batch_first, torch.float64)
        wanted, found = passes(layer, given), accelerated(layer, given)
        assert_agree(found, wanted)
        assert [t.stride() for t in found[0]] == [t.stride() for t in wanted[0]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_in_float32_numbers_are_those_of_float64(kind, options, form):
    layer = made(kind, num_layers=2, bidirectional=True, **options)
    assert_agree(accelerated(layer, x(form)), passes(double(layer), x(form, dtype=torch.float64)))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_states_that_are_given_are_read_and_get_gradients(kind):
    layer = made(kind, num_layers=2, dtype=torch.float64)
    for weight in layer.parameters():
        weight.requires_grad_(False)
    found = []
    for on in (False, True):
        states = [torch.full((2, B, H), 0.1 * k, dtype=torch.float64, requires_grad=True) for k in (1, 2)]
        with use_backend("compiled"):
            kernels = accelerate()
            if not on:
                kernels.off()
            results = flat(layer(x(dtype=torch.float64), tuple(states) if kind == "LSTM" else states[0]))
            kernels.off()
        assert bool(kernels.taken) == on
        sum(t.square().sum() for t in results).backward()
        found.append([*results, *(s.grad for s in states if s.grad is not None)])
    assert_agree(found[1], found[0])
    assert len(found[0]) == (5 if kind == "LSTM" else 3)


def test_a_gradient_can_be_differentiated_again():
    layer, given = made("GRU", dtype=torch.float64), x(dtype=torch.float64).requires_grad_()

    def second():
        (first,) = torch.autograd.grad(layer(given)[0].square().sum(), given, create_graph=True)
        return torch.autograd.grad(first.square().sum(), list(layer.parameters()))

    wanted = second()
    with accelerate() as kernels:
        assert_agree(second(), wanted)
    assert kernels.taken == {"gru": 1}


# --- which calls are taken -----------------------------------------------------------------------------
def test_large_calls_are_taken_small_ones_left_and_both_counted():
    layer = made("GRU")
    with accelerate() as kernels:
        layer(x())
        layer(x(steps=1))
        layer(x(steps=1))
    assert kernels.taken == {"gru": 1}
    assert kernels.left == {"torch's own kernel of gru is as fast at this size, or was asked for": 2}
    with accelerate() as others:
        for kind in ("GRU", "RNN"):
            made(kind)(x().new_empty(T, 0, I))
    assert others.left == {"there is no step to compute": 2}
    assert str(kernels).splitlines() == [
        "calls taken: 1 (gru 1); left to torch's own kernels: 2",
        "     2  torch's own kernel of gru is as fast at this size, or was asked for",
    ]


def ragged(steps):
    return pack_padded_sequence(x(steps=steps), [steps, steps, steps - 1])


@pytest.mark.parametrize(
    ("kind", "given", "bound"),
    [("GRU", lambda steps: x(steps=steps), 6), ("RNN", lambda steps: x(steps=steps), 20), ("LSTM", ragged, 5)],
)
def test_from_half_as_many_steps_again_as_our_layers_it_takes_calls(kind, given, bound):
    """At the bound of `backends.bounds` both take as long, and here torch.nn's own Python comes on top."""
    layer = made(kind)
    for steps in range(bound - 1, 2 * bound):
        with accelerate() as kernels:
            layer(given(steps))
        assert bool(kernels.taken) == (steps * 2 // 3 >= bound)
        ours = getattr(cellwright, kind)(I, H).explain(given(steps)).name
        assert (ours == "compiled") == (steps >= bound)


@pytest.mark.parametrize("options", [{}, {"num_layers": 3, "dropout": 0.5}, {"batch_first": True, "bias": False}])
def test_one_step_of_the_lstm_is_torch_s_kernel_of_single_steps(options):
    layer = made("LSTM", dtype=torch.float64, **options)
    given = x(batch_first=layer.batch_first, dtype=torch.float64, steps=1)
    wanted = passes(layer, given)
    with accelerate() as kernels:
        found = passes(layer, given)
    assert_agree(found, wanted)
    (reason,) = kernels.left
    assert reason.startswith("one step is the work of torch's kernel of single steps")


def test_one_step_in_both_directions_is_left():
    layer = made("LSTM", bidirectional=True)
    wanted = passes(layer, x(steps=1))
    with accelerate() as kernels:
        assert_agree(passes(layer, x(steps=1)), wanted, share=0)
    assert list(kernels.left) == ["torch's own kernel of lstm is as fast at this size, or was asked for"]


@pytest.mark.parametrize("lowered", ["autocast", "parameters"])
@pytest.mark.parametrize(
    ("kind", "form", "taken"), [("LSTM", "padded", False), ("GRU", "padded", True), ("RNN", "packed", True)]
)
def test_in_bfloat16_results_have_torch_s_types_and_the_padded_lstm_is_onednn_s(kind, form, taken, lowered):
    layer, given = made(kind), x(form)
    if lowered == "parameters":
        layer, given = layer.bfloat16(), x(form, dtype=torch.bfloat16)
    exact = passes(double(layer), double_of(given))
    with torch.autocast("cpu", torch.bfloat16, enabled=lowered == "autocast"):
        if not (torch.ops.mkldnn._is_mkldnn_bf16_supported() or taken):
            pytest.skip("oneDNN has no bfloat16 here, and torch.nn's LSTM raises")
        wanted = passes(layer, given)
        with accelerate() as kernels:
            found = passes(layer, given)
    assert bool(kernels.taken) == taken
    assert [t.dtype for t in found[0]] == [t.dtype for t in wanted[0]]
    for one, other in zip(found[0], exact[0], strict=True):
        if one.is_floating_point():
            assert_agree(one.double(), other, share=0.05)


def double_of(given):
    return PackedSequence(given.data.double(), *given[1:]) if isinstance(given, PackedSequence) else given.double()


class Tagged(torch.Tensor):
    """A tensor of a class of its own."""


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (lambda: x().as_subclass(Tagged), "the input is a Tagged on cpu"),
        (lambda: x().new_empty(T, 0, I), "there is no step to compute"),
    ],
)
def test_what_kernels_cannot_compute_is_left_with_the_reason(given, reason):
    layer = made("GRU")
    wanted = layer(given())
    with accelerate() as kernels:
        found = layer(given())
    assert_agree(flat(found), flat(wanted), share=0)
    (said,) = kernels.left
    assert said.startswith(reason)


def test_wrong_sizes_are_refused_by_torch_as_before():
    layer = made("GRU")
    layer._flat_weights[1] = torch.zeros(3 * H, H + 1)
    messages = []
    for on in (False, True):
        kernels = accelerate()
        if not on:
            kernels.off()
        with pytest.raises(RuntimeError) as raised:
            layer(x())
        messages.append(str(raised.value))
        kernels.off()
    assert messages[0] == messages[1]
    assert list(kernels.left) == ["sizes do not fit together, which is for torch to say"]


def test_a_function_mode_sees_torch_s_own_calls():
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    layer = made("GRU")
    with accelerate() as kernels, Mode():
        layer(x())
    assert torch.gru in seen
    assert list(kernels.left) == ["a torch function mode is on, which is to see torch's own calls"]


# --- what it is on for ---------------------------------------------------------------------------------
def test_subclasses_and_computed_weights_are_reached():
    class Mine(nn.GRU):
        def forward(self, input, hx=None):
            return super().forward(2 * input, hx)

    torch.manual_seed(0)
    layers = [Mine(I, H), parametrizations.weight_norm(nn.GRU(I, H), "weight_hh_l0")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        layers.append(weight_norm(nn.GRU(I, H), "weight_hh_l0"))
    for layer in layers:
        given = x(dtype=torch.float64)
        wanted = passes(layer.double(), given)
        assert_agree(accelerated(layer, given), wanted)


def test_weights_of_functional_call_are_those_that_count():
    layer = made("LSTM", dtype=torch.float64)
    others = {name: torch.ones_like(weight) / 10 for name, weight in layer.named_parameters()}
    wanted = torch.func.functional_call(layer, others, (x(dtype=torch.float64),))
    with use_backend("compiled"), accelerate() as kernels:
        found = torch.func.functional_call(layer, others, (x(dtype=torch.float64),))
    assert_agree(flat(found), flat(wanted))
    assert kernels.taken == {"lstm": 1}


def test_classes_and_modules_stay_torch_s():
    layer = made("GRU")
    before = type(layer), nn.GRU.forward, dict(vars(layer))
    with accelerate():
        layer(x())
        assert (type(layer), nn.GRU.forward, dict(vars(layer))) == before
    assert "gru" not in vars(torch._VF)


# --- the switch ----------------------------------------------------------------------------------------
def test_it_nests_and_is_switched_off_by_its_own_switch():
    layer = made("GRU")
    outer = accelerate()
    with accelerate() as inner:
        layer(x())
    layer(x())
    assert inner.taken == {"gru": 1}
    assert outer.taken == {"gru": 2}
    assert outer.on
    assert not inner.on
    outer.off()
    outer.off()
    layer(x())
    assert outer.taken == {"gru": 2}
    assert not outer.on


def test_an_error_within_the_block_switches_it_off():
    with pytest.raises(ZeroDivisionError), accelerate() as kernels:
        1 / 0  # noqa: B018
    assert not kernels.on


def test_what_others_have_put_in_torch_s_place_stays_there_with_a_warning():
    seen, theirs = [], torch._VF.gru
    torch._VF.gru = mine = lambda *given: [seen.append(given), theirs(*given)][1]
    try:
        with pytest.warns(UserWarning, match="torch._VF.gru has been replaced by .* which stays there"), accelerate():
            made("GRU")(x())
        assert len(seen) == 1
        assert torch._VF.gru is mine
    finally:
        torch._VF.gru = theirs
    with accelerate() as kernels:  # put back in this way, it is torch's again
        made("GRU")(x())
    assert kernels.taken == {"gru": 1}


def test_what_others_put_over_ours_stays_there():
    theirs = torch._VF.gru
    seen = []
    with accelerate():
        ours = torch._VF.gru
        torch._VF.gru = lambda *given: [seen.append(given), ours(*given)][1]
    try:
        made("GRU")(x())
        assert len(seen) == 1
    finally:
        del torch._VF.gru
    assert torch._VF.gru is theirs


def test_calls_of_all_threads_are_taken_and_counted():
    layer, each = made("GRU", dtype=torch.float64), 20
    wanted, found = flat(layer(x(dtype=torch.float64))), []

    def work():
        for _ in range(each):
            found.append(flat(layer(x(dtype=torch.float64))))
            with accelerate():
                pass

    with accelerate() as kernels:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert kernels.taken == {"gru": 4 * each}
    for one in found:
        assert_agree(one, wanted)


# --- programs ------------------------------------------------------------------------------------------
class Model(nn.Module):
    def __init__(self, kind="GRU"):
        super().__init__()
        self.layer, self.head = made(kind), nn.Linear(H, 2)

    def forward(self, input):
        return self.head(self.layer(input * 2)[0])


@pytest.mark.slow
@pytest.mark.parametrize("allow", [False, True])
def test_torch_compile_gives_the_same_before_within_and_after(allow):
    """Without allow_rnn the layer runs at once, by our kernels; with it the program has torch's operation."""
    torch._dynamo.reset()
    model = Model()
    wanted = double(model)(double(x()))
    with torch._dynamo.config.patch(allow_rnn=allow):
        before, within = (torch.compile(model, backend="eager") for _ in range(2))
        assert_agree(before(x()), wanted)
        with accelerate() as kernels:
            assert_agree(before(x()), wanted)
            assert_agree(within(x()), wanted)
            if allow:
                assert_agree(torch.compile(model, backend="eager", fullgraph=True)(x()), wanted)
        assert kernels.taken == ({} if allow else {"gru": 2})
        assert_agree(before(x()), wanted)
        assert_agree(within(x()), wanted)
    torch._dynamo.reset()


@pytest.mark.slow
def test_after_a_reset_of_dynamo_the_layer_still_runs_at_once():
    model = Model()
    wanted = double(model)(double(x()))
    with accelerate() as kernels:
        for _ in range(2):
            torch._dynamo.reset()
            assert_agree(torch.compile(model, backend="eager")(x()), wanted)
    assert kernels.taken == {"gru": 2}
    torch._dynamo.reset()


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True])
def test_exported_programs_have_torch_s_operation(strict):
    model = Model()
    with accelerate() as kernels:
        program = torch.export.export(model, (x(),), strict=strict)
        assert "cellwright" not in str(program.graph)
        assert torch.ops.aten.gru.input in [node.target for node in program.graph.nodes]
        assert kernels.taken == {}
    assert_agree(program.module()(x()), double(model)(double(x())))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_programs_of_torch_jit_have_torch_s_operation(kind):
    model, operation = Model(kind), {"RNN": "aten::rnn_tanh"}.get(kind, f"aten::{kind.lower()}")
    with accelerate(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        traced, scripted = torch.jit.trace(model, x()), torch.jit.script(model)
    assert not [each for each in warned if "cellwright" in each.filename]
    for program in (traced, scripted):
        assert operation in str(program.inlined_graph)
        assert_agree(program(x(steps=9)), double(model)(double(x(steps=9))))


def test_torch_fx_sees_one_node():
    with accelerate():
        traced = torch.fx.symbolic_trace(Model())
    assert [node.target for node in traced.graph.nodes if node.op == "call_module"] == ["layer", "head"]


def test_the_switch_is_not_needed_by_our_own_layers():
    """They find torch's kernels without the names that are exchanged."""
    layer = cellwright.GRU(I, H)
    with accelerate() as kernels:
        layer(x(steps=1))
        layer(x())
    assert (kernels.taken, kernels.left) == ({}, {})
