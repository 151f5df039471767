"""The operations of a step in ONNX: all of them, and cells that ship with no module but use them."""

import pytest
import torch

from calls import attending, spiking, waving
from cellwright.cells.definition import PER_PROJECTION, cell
from cellwright.cells.language import State, exp, log, maximum, mean, minimum, select, sqrt, tanh
from cellwright.cells.operations import OPERATIONS
from cellwright.errors import InputError
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


@cell(inputs="rain", state="store")
def bare(x, s):
    """No parameter at all."""
    return State(store=0.9 * s.store + x.rain)


def test_a_layer_without_parameters_is_exported_and_compiled(tmp_path):
    layer, x = Recurrent(bare, 1, 4), torch.rand(5, 2, 1)
    assert torch.equal(torch.compile(layer, backend="eager", fullgraph=True)(x)[0], layer(x)[0])
    assert max(to_onnx(layer, tmp_path / "layer.onnx").differences.values()) < 1e-5


def test_a_layer_that_reads_more_than_its_input_is_told_how(tmp_path):
    with pytest.raises(InputError, match=r"reads rain beside the input; expected a module that calls the layer"):
        to_onnx(Recurrent(beside, 3, 4), tmp_path / "layer.onnx")


@cell(projections="a", gates="", inputs="rain", state="h")
def beside(x, u, s):
    """An input beside what W multiplies."""
    return State(h=tanh(x.a + u.a) + x.rain)


def hidden(layer):
    start = layer.initial_state(4)
    return (start,) if isinstance(start, torch.Tensor) else start
