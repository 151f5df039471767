"""The operations of a step in ONNX: all of them, and cells that ship with no module but use them."""

import pytest
import torch

from calls import attending, spiking, waving
from cellwright.cells.definition import PER_PROJECTION, cell
from cellwright.cells.language import State, exp, log, maximum, mean, minimum, select, sqrt, tanh
from cellwright.cells.operations import OPERATIONS
from cellwright.nn import Recurrent
from cellwright.onnx import operations, to_onnx
from strange_cells import crossing, input_alone, shared, trading


@cell(projections="a b", gates="", state="h c", parameters={"scale": PER_PROJECTION})
def everything(x, u, s, p):
    """Whatever trading and crossing leave out."""
    spread = sqrt(mean((x.a - mean(x.a)) * (x.a - mean(x.a))) + 0.1)
    a = p.scale.a * (x.a - mean(x.a)) / spread + minimum(u.a, 0.5)
    k = log(1 + exp(-abs(a))) - maximum(p.scale.b, s.c)
    return State(h=tanh(select(x.b > u.b, a, k)), c=0.5 * k)


OF_CALLS = [waving, attending, spiking]


def test_every_operation_has_a_row():
    assert operations.OPERATIONS.keys() == OPERATIONS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("own", [everything, *OF_CALLS, trading, crossing, shared, input_alone], ids=str)
def test_own_cells(own, tmp_path, opened, same):
    torch.manual_seed(0)
    layer = Recurrent(own, 3, 4, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.7, 0.7)
    to_onnx(layer, tmp_path / "layer.onnx", initial_state=True)
    state = [torch.rand_like(s) for s in hidden(layer)]
    lengths = torch.tensor([6, 1, 3, 2])
    same(layer, opened(tmp_path / "layer.onnx"), input=torch.randn(4, 6, 3), lengths=lengths, state=state)


def hidden(layer):
    start = layer.initial_state(4)
    return (start,) if isinstance(start, torch.Tensor) else start
