"""Single steps against torch.nn's, and against the layers."""

import pytest
import torch

import cellwright
from agreement import assert_agree
from calls import OF_X
from cellwright.cells import CELLS

I, H, B = 3, 5, 4
KINDS = [("LSTMCell", {}), ("GRUCell", {}), ("RNNCell", {}), ("RNNCell", {"nonlinearity": "relu"})]


def both(kind, **options):
    theirs = getattr(torch.nn, kind)(I, H, dtype=torch.float64, **options)
    for weight in theirs.parameters():
        weight.data.normal_(std=0.5)
    ours = getattr(cellwright, kind)(I, H, dtype=torch.float64, **options)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_values_and_every_gradient_are_those_of_torch(path, kind, options, bias, initial, batched):
    theirs, ours = both(kind, bias=bias, **options)
    rows = (B,) if batched else ()
    x = torch.randn(*rows, I, dtype=torch.float64, requires_grad=True)
    count = (2 if kind == "LSTMCell" else 1) if initial else 0
    states = [torch.randn(*rows, H, dtype=torch.float64, requires_grad=True) for _ in range(count)]
    hx = None if not states else tuple(states) if len(states) > 1 else states[0]
    results = []
    for module in (theirs, ours):
        new = module(x, hx)
        new = list(new) if isinstance(new, tuple) else [new]
        loss = sum((k + 1) * s.square().sum() for k, s in enumerate(new))
        results.append((new, torch.autograd.grad(loss, [x, *states, *module.parameters()])))
    assert_agree(results[1], results[0])


@pytest.mark.parametrize("cell", [name for name in OF_X if not CELLS[name].outputs])
def test_steps_one_by_one_equal_the_layer(cell):
    layer = cellwright.Recurrent(cell, I, H, dtype=torch.float64)
    for weight in layer.parameters():
        weight.data.normal_(std=0.5)
    step = cellwright.RecurrentCell(cell, I, H, dtype=torch.float64)
    step.load_state_dict({name.removesuffix("_l0"): weight for name, weight in layer.state_dict().items()})
    x, state, outputs = torch.randn(6, B, I, dtype=torch.float64), None, []
    for t in range(6):
        state = step(x[t], state)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    assert_agree(torch.stack(outputs), layer(x)[0])


X = torch.zeros(2, 3)
BAD = [
    ("LSTMCell", (torch.zeros(2, 2, 3),), r"LSTMCell: input has 3 dimensions; expected \(batch, features\) or"),
    ("LSTMCell", (torch.zeros(2, 4),), "LSTMCell: input has 4 features; expected input_size = 3"),
    ("LSTMCell", (X.double(),), "LSTMCell: input is torch.float64 and the weights are torch.float32"),
    ("LSTMCell", (X.long(),), r"input.to\(torch.float32\), or an embedding before the layer, where they are indices"),
    ("LSTMCell", (X, (torch.zeros(3, 5), torch.zeros(3, 5))), r"h_0 has shape \(3, 5\); expected \(batch, hidden\)"),
    ("LSTMCell", (X, (torch.zeros(2, 5), torch.zeros(2, 4))), r"c_0 has shape \(2, 4\); .* = \(2, 5\)"),
    ("LSTMCell", (X, (torch.zeros(1, 2, 5), torch.zeros(1, 2, 5))), r"h_0 has 3 dimensions; expected \(batch, hidden"),
    ("GRUCell", (X, torch.zeros(1, 2, 5)), "GRUCell: h_0 has 3 dimensions"),
    ("GRUCell", (X, torch.zeros(3, 5)), r"GRUCell: h_0 has shape \(3, 5\)"),
    ("RNNCell", (X, torch.zeros(2, 4)), r"RNNCell: h_0 has shape \(2, 4\)"),
]


@pytest.mark.parametrize(("kind", "args", "text"), BAD)
def test_wrong_calls_raise_what_torch_raises_and_say_more(kind, args, text):
    with pytest.raises(Exception) as expected:  # noqa: PT011 - its type is what is compared
        getattr(torch.nn, kind)(I, H)(*args)
    with pytest.raises(expected.type, match=text):
        getattr(cellwright, kind)(I, H)(*args)


@pytest.mark.parametrize("sizes", [(3, 0), (0, 4), (0, 0)])
@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "RNNCell"])
def test_sizes_of_zero_answer_as_in_torch(kind, sizes):
    results = []
    for home in (torch.nn, cellwright):
        torch.manual_seed(0)
        step = getattr(home, kind)(*sizes, dtype=torch.float64)
        x = torch.ones(2, sizes[0], dtype=torch.float64, requires_grad=True)
        new = step(x)
        state = new if isinstance(new, tuple) else (new,)
        results.append([state, torch.autograd.grad(sum(s.sum() for s in state), [x, *step.parameters()])])
    assert_agree(results[1], results[0])


def test_repr():
    assert repr(cellwright.LSTMCell(3, 4, bias=False)) == repr(torch.nn.LSTMCell(3, 4, bias=False))
    assert repr(cellwright.RecurrentCell("mgu", 3, 4)) == "RecurrentCell(mgu, 3, 4)"
