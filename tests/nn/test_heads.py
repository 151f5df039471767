"""Heads: units that see only their own part of the state through U."""

from dataclasses import replace

import pytest
import torch

import cellwright
from agreement import assert_agree
from cellwright import Recurrent, use_backend
from cellwright.nn import stack

T, B, I, H, HEADS = 6, 4, 3, 8, 4
LENGTHS = [6, 0, 3, 4]


def apart(layer: Recurrent, head: int) -> Recurrent:
    """A layer of one head's units alone, with its weights."""
    size = H // HEADS
    alone = Recurrent(layer.cell, I, size, dtype=torch.float64)
    units = slice(head * size, (head + 1) * size)
    with torch.no_grad():
        for name, parameter in alone.named_parameters():
            whole = getattr(layer, name)
            rows = whole.view(-1, H, *whole.shape[1:])[:, units]
            parameter.copy_(rows.reshape(parameter.shape))
    return alone


@pytest.mark.parametrize("where", ["reference", "compiled"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "slstm", "peephole"])
def test_each_head_is_a_layer_of_its_own(cell, where):
    torch.manual_seed(0)
    layer = Recurrent(cell, I, H, heads=HEADS, dtype=torch.float64)
    assert layer.weight_hh_l0.shape == (len(layer.cell.projections) * H, H // HEADS)
    x = torch.randn(T, B, I, dtype=torch.float64)
    with use_backend(where):
        output, _ = layer(x, lengths=LENGTHS)
        output.square().sum().backward()
        for head in range(HEADS):
            alone = apart(layer, head)
            found, _ = alone(x, lengths=LENGTHS)
            found.square().sum().backward()
            units = slice(head * (H // HEADS), (head + 1) * (H // HEADS))
            assert_agree(output[..., units], found)
            gradient = layer.weight_hh_l0.grad.view(-1, H, H // HEADS)[:, units]
            assert_agree(gradient.reshape(alone.weight_hh_l0.shape), alone.weight_hh_l0.grad)


# Panels of U of two heads and of one, of one letter and of two; a product within the step; heads that end within a
# register, and rows that are filled up.
PANELS = [("lstm", 96, 6), ("gru-2014", 40, 5), ("block-gru", 128, 2), ("gru", 60, 5)]


def _with_gradients(layer: Recurrent, x: torch.Tensor) -> list[torch.Tensor]:
    output, state = layer(x, lengths=LENGTHS)
    states = state if isinstance(state, tuple) else (state,)
    loss = output.square().sum() + sum(s.sum() for s in states)
    return [output.detach(), *torch.autograd.grad(loss, [x, *layer.parameters()])]


@pytest.mark.parametrize(("cell", "hidden", "heads"), PANELS)
def test_what_lies_between_heads_is_not_multiplied_and_nothing_is_missed(cell, hidden, heads, monkeypatch):
    """Against the reference, and to the bit against kernels that multiply all of U."""
    torch.manual_seed(0)
    layer = Recurrent(cell, I, hidden, heads=heads, bidirectional=True, dtype=torch.float64)
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    with use_backend("reference"):
        wanted = _with_gradients(layer, x)
    with use_backend("compiled"):
        found = _with_gradients(layer, x)
        with torch.no_grad():
            assert torch.equal(layer(x, lengths=LENGTHS)[0], found[0])
        whole = stack.dispatch.layer
        monkeypatch.setattr(stack.dispatch, "layer", lambda call: whole(replace(call, heads=1)))
        dense = _with_gradients(layer, x)
    assert_agree(found, wanted)
    assert all(map(torch.equal, found, dense))


def test_stacked_both_ways_streamed_compiled_and_frozen():
    layer = Recurrent("lstm", I, H, 2, heads=2, bidirectional=True)
    x = torch.randn(T, B, I)
    again = Recurrent("lstm", I, H, 2, heads=2, bidirectional=True)
    again.load_state_dict(layer.state_dict())
    assert torch.equal(layer(x, lengths=LENGTHS)[0], again(x, lengths=LENGTHS)[0])
    assert_agree(torch.compile(layer, backend="eager")(x)[0].detach().double(), layer(x)[0].detach().double())
    with torch.inference_mode():
        assert torch.equal(layer.eval().freeze()(x)[0], layer.unfreeze()(x)[0])
    one = Recurrent("gru", I, H, heads=2).eval()
    with use_backend("compiled"), torch.no_grad():
        stream = one.stream(batch=B)
        assert torch.equal(torch.stack([stream.step(step) for step in x]), one(x)[0])


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("lstm", {"heads": 3}, "heads is 3; expected a divisor of hidden_size = 8"),
        ("lstm", {"heads": 0}, "heads is 0; expected at least 1"),
        (
            "lstm",
            {"heads": 2, "proj_size": 4},
            "each head has its own U, and a projection mixes them: expected heads=1",
        ),
        ("mingru", {"heads": 2}, "each head has its own U, and the cell mingru has none: expected heads=1"),
    ],
)
def test_what_has_no_heads_is_refused(cell, options, message):
    with pytest.raises(ValueError, match=message):
        Recurrent(cell, I, H, **options)


def test_torch_has_no_heads():
    with pytest.raises(Exception, match="layers have no heads=2"):
        cellwright.to_torch(Recurrent("lstm", I, H, heads=2))
