import numpy as np
import pytest
import torch

import cellwright

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


class File:
    """An ONNX file, called with tensors by name."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, **inputs):
        names = [output.name for output in self.session.get_outputs()]
        given = {name: np.asarray(value) for name, value in inputs.items()}
        return {n: torch.from_numpy(v) for n, v in zip(names, self.session.run(None, given), strict=True)}

    @property
    def metadata(self):
        return self.session.get_modelmeta().custom_metadata_map


@pytest.fixture
def opened():
    """The file at a path, in ONNX Runtime."""
    return File


@pytest.fixture
def same():
    """Compare a layer's file with the layer by its equations in plain PyTorch."""

    def compare(layer, file, *, tolerance=1e-5, state=None, lengths=None, input=None):
        named = {} if state is None else {f"{n}_0": s for n, s in zip(layer.cell.states, state, strict=True)}
        found = file(input=input, **({} if lengths is None else {"lengths": lengths}), **named)
        hx = None if state is None else state[0] if len(state) == 1 else tuple(state)
        with torch.no_grad(), cellwright.use_path("reference"):
            output, end = layer(input, hx, lengths=lengths)
        ends = (end,) if isinstance(end, torch.Tensor) else end
        assert list(found) == ["output", *(f"{name}_n" for name in layer.cell.states)]
        torch.testing.assert_close([*found.values()], [output, *ends], atol=tolerance, rtol=tolerance)

    return compare
