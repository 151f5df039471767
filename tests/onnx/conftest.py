import copy
import functools

import numpy as np
import pytest
import torch

import cellwright
from agreement import assert_agree, double
from cellwright.onnx.runtimes import RUNTIMES

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(autouse=True, scope="session")
def torchs_table_is_read_once():
    """torch.onnx reads its table of operators anew at each export, half of the time: here each export gets a copy."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry
    except ImportError:  # of another version, whose exports take longer then
        yield
        return
    read = functools.cache(ONNXRegistry.from_torchlib)

    def copied(*given, **named):
        table = copy.copy(read(*given, **named))
        table.functions = {operator: [*functions] for operator, functions in table.functions.items()}
        return table

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(copied))
        yield


class File:
    """An ONNX file, called with tensors by name, in one runtime or in several that have to agree."""

    def __init__(self, path, *, everywhere=False):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        runtimes = [one for one in RUNTIMES.values() if everywhere and one.installed]
        self.runs = {str(one): one.open(path.read_bytes()) for one in runtimes or [RUNTIMES["onnxruntime"]]}

    def __call__(self, **inputs):
        names = [output.name for output in self.session.get_outputs()]
        given = {name: np.asarray(value) for name, value in inputs.items()}
        found = [{n: torch.tensor(v) for n, v in zip(names, run(given), strict=True)} for run in self.runs.values()]
        for runtime, other in zip(self.runs, found, strict=True):
            assert_agree(other, double(found[0]), name=runtime)  # the file is in float32; its caller has float64
        return found[0]

    @property
    def metadata(self):
        return self.session.get_modelmeta().custom_metadata_map


@pytest.fixture
def opened():
    """The file at a path, in ONNX Runtime; `everywhere`: in every runtime that is installed."""
    return File


@pytest.fixture
def same():
    """Compare a layer's file with the layer by its equations in plain PyTorch, in float64."""

    def compare(layer, file, *, share=None, state=None, lengths=None, input=None):
        named = {} if state is None else {f"{n}_0": s for n, s in zip(layer.cell.states, state, strict=True)}
        found = file(input=input, **({} if lengths is None else {"lengths": lengths}), **named)
        hx = None if state is None else double(state[0] if len(state) == 1 else tuple(state))
        with torch.no_grad(), cellwright.use_backend("reference"):
            output, end = double(layer)(double(input), hx, lengths=lengths)
        ends = (end,) if isinstance(end, torch.Tensor) else end
        assert list(found) == ["output", *(f"{name}_n" for name in layer.cell.states)]
        assert_agree([*found.values()], [output, *ends], share)

    return compare
