"""explain() says before what a call then does."""

import pytest
import torch

import cellwright
from cellwright.backends import dispatch

X, CUTS = torch.randn(5, 3, 2), torch.zeros(5, 3, dtype=torch.bool)
CALLS = [
    (cellwright.LSTM(2, 4, 3, bidirectional=True), {}),
    (cellwright.LSTM(2, 4, 3, bidirectional=True), {"lengths": [5, 0, 2]}),
    (cellwright.LSTM(2, 4, 2), {"lengths": [0, 0, 0]}),
    (cellwright.LSTM(2, 4, 2), {"reset": CUTS}),
    (cellwright.LSTM(2, 4, 2, learn_initial_state=True), {"reset": CUTS}),
    (cellwright.LSTM(2, 4, 2), {"return_gates": True}),
    (cellwright.LSTM(2, 4, 2, proj_size=3), {}),
    (cellwright.GRU(2, 4, 2, zoneout=0.5, recurrent_dropout=0.5), {}),
    (cellwright.Recurrent("peephole", 2, 4, 2), {}),
]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(("layer", "arguments"), CALLS)
def test_explain_is_what_every_layer_of_the_stack_does(monkeypatch, layer, arguments):
    taken = []
    choose = dispatch.choose

    def spy(call):
        taken.append(choose(call))
        return taken[-1]

    explained = layer.explain(X, **arguments)
    monkeypatch.setattr(dispatch, "choose", spy)
    layer(X, **arguments)
    assert taken == [explained] * layer.num_layers
    assert explained.reason


def test_explain_draws_no_random_numbers():
    layer = cellwright.LSTM(2, 4, recurrent_dropout=0.5, zoneout=0.1)
    torch.manual_seed(0)
    expected = layer(X)[0]
    torch.manual_seed(0)
    layer.explain(X)
    assert torch.equal(layer(X)[0], expected)


def test_a_path_that_is_asked_for_is_taken_or_raises():
    layer = cellwright.LSTM(2, 4)
    with cellwright.use_backend("reference"):
        assert str(layer.explain(X)) == "reference: asked for by use_backend"
    with (
        cellwright.use_backend("torch"),
        pytest.raises(RuntimeError, match="'torch' was asked for and cannot run: torch"),
    ):
        layer(X, return_gates=True)
