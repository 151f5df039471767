"""The logarithm of a softmax from what is left of the largest: onnx.reference takes that of a probability, which is 0
where a score lies 104 below the largest, and ends in −∞."""

from __future__ import annotations

from typing import Any

from cellwright.onnx.writer import Writer, record


def log_softmax(input: Any, dim: int, dtype: int | None = None) -> Any:
    """`torch.log_softmax` for torch.onnx's table of translations."""
    w = Writer(input.dtype)
    if dtype is not None:
        input = w.op("Cast", input, to=dtype)
    axis = w.integers([dim])
    below = w.op("Sub", input, w.op("ReduceMax", input, axis, keepdims=1))
    found = w.op("Sub", below, w.op("Log", w.op("ReduceSum", w.op("Exp", below), axis, keepdims=1)))
    record(w)
    return found
