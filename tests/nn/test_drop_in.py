"""What torch.nn's layers are and do, beside their numbers: `torch.nn` is the reference of every test here."""

import copy
import io
import pickle
import re
import warnings

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize
from torch.nn.utils.rnn import pack_sequence

import cellwright
from agreement import assert_agree, double, error
from cellwright.backends import dispatch
from cellwright.cells.language import State, tanh

ARGUMENTS = [
    ("LSTM", (3, 5, 2, True, False, 0.0, True, 2)),
    ("LSTM", (3, 4)),
    ("LSTM", (3, 4, 1, False)),
    ("GRU", (3, 5, 3, True, True, 0.5, True)),
    ("RNN", (3, 5, 2, "relu", False, True, 0.5, True)),
    ("RNN", (3, 5)),
    ("LSTMCell", (3, 4)),
    ("LSTMCell", (3, 4, False)),
    ("GRUCell", (3, 4)),
    ("RNNCell", (3, 4, True, "relu")),
]


def both(kind, *args, seed=3, **options):
    """torch's module and ours, made from the same seed."""
    made = []
    for home in (torch.nn, cellwright):
        torch.manual_seed(seed)
        made.append(getattr(home, kind)(*args, **options))
    return made


@pytest.mark.parametrize(("kind", "args"), ARGUMENTS)
def test_same_seed_gives_the_same_weights_and_leaves_the_same_randomness(kind, args):
    theirs, ours = both(kind, *args)
    torch.manual_seed(3)
    getattr(torch.nn, kind)(*args)
    after = torch.rand(1)
    torch.manual_seed(3)
    getattr(cellwright, kind)(*args)
    assert torch.rand(1) == after
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(("kind", "args"), ARGUMENTS)
def test_state_dict_goes_both_ways(kind, args):
    theirs, ours = both(kind, *args)
    for a, b in ((ours, theirs), (theirs, ours)):
        a.reset_parameters()
        b.load_state_dict(a.state_dict(), strict=True)
        for name, weight in a.state_dict().items():
            assert torch.equal(b.state_dict()[name], weight)


def test_all_weights_come_as_in_torch():
    theirs, ours = both("LSTM", 3, 5, 2, bidirectional=True, proj_size=2)
    for a, b in zip(ours.all_weights, theirs.all_weights, strict=True):
        assert len(a) == len(b)
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_dropout_draws_the_masks_of_torch(kind):
    theirs, ours = both(kind, 3, 5, 3, dropout=0.5)
    x = torch.randn(7, 4, 3)
    results = []
    for module, given in ((theirs.double(), double(x)), (ours, x)):
        torch.manual_seed(1)
        results.append((module(given)[0], torch.rand(1)))
    assert_agree(results[1][0], results[0][0])
    assert results[1][1] == results[0][1]  # as many random numbers were drawn
    assert not torch.equal(ours(x)[0], ours(x)[0])
    ours.eval()
    assert torch.equal(ours(x)[0], ours(x)[0])


def test_dropout_leaves_the_share_and_the_mean_that_it_promises():
    layer = cellwright.RNN(1, 50, 2, nonlinearity="relu", dropout=0.3)
    with torch.no_grad():
        for name, weight in layer.named_parameters():  # the upper layer passes on what it is given
            weight.copy_(torch.eye(50) if name == "weight_ih_l1" else torch.zeros_like(weight))
        layer.bias_ih_l0.fill_(1.0)
        passed = layer(torch.zeros(100, 40, 1))[0]
    assert (passed == 0).float().mean().item() == pytest.approx(0.3, abs=0.005)
    assert passed.mean().item() == pytest.approx(1.0, abs=0.01)
    assert_agree(passed.unique(), [0.0, 1 / 0.7])


def test_dropout_of_one_layer_warns_as_torch_does():
    for home in (torch.nn, cellwright):
        with pytest.warns(UserWarning, match="num_layers"):
            home.LSTM(3, 4, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cellwright.LSTM(3, 4, 2, dropout=0.5)


BAD_CONSTRUCTIONS = [
    ("LSTM", (3, 4), {"dropout": 1.5, "num_layers": 2}),
    ("LSTM", (3, 4), {"dropout": True, "num_layers": 2}),
    ("LSTM", (3, 4), {"dropout": "a"}),
    ("LSTM", (3, 4), {"bias": 1}),
    ("LSTM", (3, 4), {"batch_first": 1}),
    ("LSTM", (3.0, 4), {}),
    ("LSTM", (3, 4.0), {}),
    ("LSTM", (0, 4), {}),
    ("LSTM", (3, -1), {}),
    ("LSTM", (3, 4), {"num_layers": 0}),
    ("LSTM", (3, 4), {"proj_size": 4}),
    ("LSTM", (3, 4), {"proj_size": -1}),
    ("LSTM", (3, 4), {"num_layers": 2.0}),
    ("LSTM", (3, 4), {"num_layers": "2"}),
    ("LSTM", (3, 4), {"proj_size": 1.0}),
    ("LSTM", ("3", 4), {}),
    ("GRU", (3, 4), {"proj_size": 2}),
    ("RNN", (3, 4), {"proj_size": 2}),
    ("RNN", (3, 4), {"nonlinearity": "gelu"}),
    ("RNN", (3, 4), {"nonlinearity": ["tanh"]}),
    ("LSTMCell", (3, -1), {}),
    ("LSTMCell", (3.0, 4), {}),
]


def error_of(do):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            do()
        except Exception as error:
            return error
    pytest.fail("nothing was raised")


@pytest.mark.parametrize(("kind", "args", "options"), BAD_CONSTRUCTIONS)
def test_wrong_options_raise_what_torch_raises(kind, args, options):
    theirs, ours = (error_of(lambda h=h: getattr(h, kind)(*args, **options)) for h in (torch.nn, cellwright))
    assert type(ours) is type(theirs)
    assert str(ours).startswith(f"{kind}: ")


@pytest.mark.parametrize("name", ["num_layers", "proj_size", "input_size", "hidden_size"])
@pytest.mark.parametrize("of", [np.int64, np.int32, np.uint8, torch.tensor])
def test_sizes_may_be_whole_numbers_of_any_type(name, of):
    """torch.nn takes numpy's for the first two; a size that was read from an array is one."""
    sizes = {"input_size": 3, "hidden_size": 4, "num_layers": 2, "proj_size": 2}
    layer = cellwright.LSTM(**sizes | {name: of(sizes[name])})
    assert type(getattr(layer, name)) is int
    assert repr(layer) == repr(torch.nn.LSTM(**sizes))


@pytest.mark.parametrize(
    "options",
    [
        *({"recurrent_dropout": bad} for bad in ("a", True, None, 1.0)),
        *({"zoneout": bad} for bad in ("a", [0.1], {"h": "a"}, {"k": 0.1}, -0.1)),
        {"forget_bias": "a"},
        *({name: bad} for name in ("learn_initial_state", "state_batch_first") for bad in (1, "no", None)),
        *({"checkpoint_every": bad} for bad in (0, "a", 2.5)),
    ],
)
def test_wrong_values_of_our_own_options_are_one_sentence(options):
    found = error_of(lambda: cellwright.LSTM(3, 4, **options))
    assert isinstance(found, TypeError | ValueError)
    (name,) = options
    assert re.match(
        rf"LSTM: {name}\b.*; expected|LSTM: zoneout names the state k; the cell lstm can keep h, c", str(found)
    )


X = torch.zeros(5, 2, 3)
H, C = torch.zeros(2, 2, 4), torch.zeros(2, 2, 4)
BAD_CALLS = [
    ("LSTM", (torch.zeros(3),), r"LSTM: input has 1 dimensions; expected 3, \(time, batch, features\), or 2"),
    ("LSTM", (torch.zeros(1, 5, 2, 3),), "LSTM: input has 4 dimensions; expected 3"),
    ("LSTM", (torch.zeros(5, 2, 7),), "LSTM: input has 7 features; expected input_size = 3"),
    ("LSTM", (X.double(),), r"LSTM: input is torch.float64 .*: input.to\(torch.float32\), or layer.to\(torch.float64"),
    ("LSTM", (X.long(),), r"input.to\(torch.float32\), or an embedding before the layer, where they are indices"),
    ("GRU", (X.bool(),), r"input is torch.bool .*: input.to\(torch.float32\), or an embedding before the layer"),
    ("LSTM", (torch.zeros(0, 2, 3),), r"LSTM: input has no step, shape \(0, 2, 3\); expected \(time, batch, features"),
    ("LSTM", (torch.zeros(0, 3),), r"LSTM: input has no step, shape \(0, 3\)"),
    ("LSTM", (X, (H[:1], C)), r"h_0 has shape \(1, 2, 4\); expected \(layers × directions, batch, units\) = \(2, 2, 4"),
    ("LSTM", (X, (H, C[:, :, :3])), r"c_0 has shape \(2, 2, 3\); .* = \(2, 2, 4\)"),
    ("LSTM", (X, (H[:, 0], C[:, 0])), r"h_0 has shape \(2, 4\); .* = \(2, 2, 4\)"),
    ("LSTM", (X[:, 0], (H, C)), r"h_0 has shape \(2, 2, 4\); expected \(layers × directions, units\) = \(2, 4\)"),
    ("LSTM", (X, H), "the state has 1 tensors; expected 2: h_0, c_0"),
    ("LSTM", (X, (H.double(), C)), "the state is torch.float64 and the input torch.float32"),
    ("GRU", (pack_sequence([torch.zeros(2, 7)]),), "input has 7 features; expected input_size = 3"),
    ("GRU", (pack_sequence([torch.zeros(2)]),), "the packed data have 1 dimensions; expected 2"),
    ("GRU", (torch.zeros(3),), "GRU: input has 1 dimensions"),
    ("GRU", (X, H[:, :1]), r"GRU: h_0 has shape \(2, 1, 4\); .* = \(2, 2, 4\)"),
    ("GRU", (X[:, 0], H), r"h_0 has shape \(2, 2, 4\); .* = \(2, 4\)"),
    ("RNN", (torch.zeros(3),), "RNN: input has 1 dimensions"),
    ("RNN", (X, H[:, :, :2]), r"RNN: h_0 has shape \(2, 2, 2\)"),
]


@pytest.mark.parametrize(("kind", "args", "text"), BAD_CALLS)
def test_wrong_calls_raise_what_torch_raises_and_say_more(kind, args, text):
    theirs, ours = both(kind, 3, 4, 2)
    expected, found = (error_of(lambda m=m: m(*args)) for m in (theirs, ours))
    assert type(found) is type(expected)
    with pytest.raises(type(expected), match=text):
        ours(*args)


def test_a_state_that_is_no_tensor_says_what_is_expected():
    with pytest.raises(TypeError, match="LSTM: the state is str; expected h_0, c_0: a tensor each"):
        cellwright.LSTM(3, 4)(X, "zeros")


def test_an_empty_batch_answers_as_torch_does(path):
    for module in both("LSTM", 3, 4, 2, bidirectional=True):
        output, (h, c) = module(torch.zeros(5, 0, 3))
        assert output.shape == (5, 0, 8)
        assert h.shape == c.shape == (4, 0, 4)


def test_arguments_stay_as_they_were(path):
    layer = cellwright.LSTM(3, 4, 2, bidirectional=True)
    x, h, c = torch.randn(5, 2, 3), torch.randn(4, 2, 4), torch.randn(4, 2, 4)
    before = [t.clone() for t in (x, h, c)]
    lengths, reset = torch.tensor([2, 5]), torch.zeros(5, 2, dtype=torch.bool)
    layer(x, (h, c), lengths=lengths)
    with dispatch.use_backend("reference"):
        layer(x, (h, c), lengths=lengths, reset=reset)
    assert all(torch.equal(a, b) for a, b in zip((x, h, c), before, strict=True))
    assert lengths.tolist() == [2, 5]
    assert not reset.any()


def saved_and_loaded(module):
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


COPIES = {"pickle": lambda m: pickle.loads(pickle.dumps(m)), "deepcopy": copy.deepcopy, "torch.save": saved_and_loaded}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "LSTMCell"])
def test_copies_compute_the_same_with_weights_of_their_own(kind, make):
    module = getattr(cellwright, kind)(3, 4)
    other = make(module)
    x = torch.randn(2, 3)
    assert torch.equal(torch.cat(other(x)[0:1]), torch.cat(module(x)[0:1]))
    with torch.no_grad():
        for weight in other.parameters():
            weight.zero_()
    assert all(w.abs().sum() > 0 for w in module.parameters())


def test_deepcopy_of_a_layer_whose_cell_no_module_holds():
    @cellwright.cell(projections="h", gates="", state="h")
    def local(x, u, s):
        return State(h=tanh(x.h + u.h))

    layer = cellwright.Recurrent(local, 3, 4)
    x = torch.randn(5, 2, 3)
    assert torch.equal(copy.deepcopy(layer)(x)[0], layer(x)[0])


def test_meta_device_and_to_empty():
    layer = cellwright.LSTM(3, 4, 2, device="meta")
    assert all(p.is_meta for p in layer.parameters())
    layer = layer.to_empty(device="cpu")
    theirs = torch.nn.LSTM(3, 4, 2)
    layer.load_state_dict(theirs.state_dict())
    assert_agree(layer(X)[0], double(theirs)(double(X))[0])


def test_to_moves_what_it_should():
    layer = cellwright.LSTM(3, 4, dtype=torch.float64, learn_initial_state=True)
    assert {p.dtype for p in layer.parameters()} == {torch.float64}
    assert layer(X.double())[0].dtype == torch.float64
    assert layer.float()(X)[0].dtype == torch.float32


def test_flatten_parameters_and_repr_are_there():
    layer = cellwright.LSTM(3, 4, 2, bidirectional=True, dropout=0.5)
    assert layer.flatten_parameters() is None
    assert repr(layer) == repr(torch.nn.LSTM(3, 4, 2, bidirectional=True, dropout=0.5))
    assert repr(cellwright.Recurrent("gru", 3, 4)) == "Recurrent(gru, 3, 4)"


class Double(torch.nn.Module):
    def forward(self, weight):
        return 2 * weight


def test_pytorch_65688_parametrised_weight_trains(path):
    torch.manual_seed(0)
    layer = cellwright.LSTM(3, 4)
    before = layer.weight_hh_l0.detach().clone()
    plain = layer(X + 1)[0]
    parametrize.register_parametrization(layer, "weight_hh_l0", Double())
    assert error(layer(X + 1)[0], plain) > 0.001
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        loss = layer(X + 1)[0].square().sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert error(layer.parametrizations.weight_hh_l0.original, before) > 0.001
    assert losses == sorted(losses, reverse=True)


def test_pytorch_32346_weights_replaced_from_outside_count(path):
    """Weight drop and functional_call put plain tensors in the place of parameters."""
    layer = cellwright.GRU(3, 4)
    halved = {name: weight.detach() / 2 for name, weight in layer.named_parameters()}
    found, _ = torch.func.functional_call(layer, halved, (X + 1,))
    other = cellwright.GRU(3, 4)
    other.load_state_dict(halved)
    assert torch.equal(found, other(X + 1)[0])


def test_old_weight_norm_hook_trains():
    layer = torch.nn.utils.parametrizations.weight_norm(cellwright.RNN(3, 4), "weight_hh_l0")
    layer(X + 1)[0].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for n, p in layer.named_parameters() if "hh" in n)


def test_pytorch_5878_backward_in_eval_mode(path):
    layer = cellwright.LSTM(3, 4, 2, dropout=0.5).eval()
    x = torch.randn(5, 2, 3, requires_grad=True)
    layer(x)[0].sum().backward()
    assert x.grad.abs().sum() > 0
    assert layer.weight_hh_l0.grad.abs().sum() > 0


def test_pytorch_5261_double_backward():
    layer = cellwright.LSTM(2, 3, dtype=torch.float64)
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    with dispatch.use_backend("reference"):
        assert torch.autograd.gradgradcheck(lambda x: layer(x, lengths=[3, 1])[0], [x])


def test_pytorch_134606_gradients_of_each_sample():
    """vmap over grad, against one backward a sample."""
    layer = cellwright.LSTM(3, 4)
    weights = {name: p.detach() for name, p in layer.named_parameters()}
    x = torch.randn(5, 2, 3)

    def loss(weights, sample):
        return torch.func.functional_call(layer, weights, (sample[:, None],))[0].square().sum()

    with dispatch.use_backend("reference"):
        found = torch.func.vmap(torch.func.grad(loss), (None, 1))(weights, x)
    for k in range(2):
        one = torch.func.grad(loss)(double(weights), double(x[:, k]))
        assert_agree({name: several[k] for name, several in found.items()}, one)
