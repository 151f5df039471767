"""What ONNX Runtime computes with a file, beside the module that the file was made from."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

from cellwright.errors import InputError
from cellwright.export.graph import Graph

COMPARED = ((5, 11), (1, 1))
"""Batch and time of what they are compared on."""
TOLERANCE = 1e-4
"""Of a difference, in units of the output's largest number, or of 1. Rounding in float32 leaves about 1e-6."""


def compare(path: Path, graph: Graph, content: bytes) -> float | None:
    """The largest difference of a number on random inputs; None where ONNX Runtime is not installed.

    Raises InputError for one too large; `path`, where the content is to be written, is named in it.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; it warns of what it rearranges
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for sizes in COMPARED:
        given = graph.draw(*sizes)
        expected = graph.module(**given)
        found = session.run(list(expected), {name: value.numpy() for name, value in given.items()})
        for (name, own), theirs in zip(expected.items(), found, strict=True):
            assert theirs.shape == own.shape, (name, theirs.shape, own.shape)
            wide = own.double()
            difference = float((torch.from_numpy(theirs).double() - wide).abs().max())
            allowed = TOLERANCE * max(1.0, float(wide.abs().max()))
            if not difference <= allowed:
                raise InputError(
                    f"{path}: not written, for in ONNX Runtime {onnxruntime.__version__} {name} differs by "
                    f"{difference:.2g} from the model's own numbers; expected at most {allowed:.2g}: report it, with "
                    "the model's config"
                )
            largest = max(largest, difference)
    return largest
