"""ONNX nodes, one after the other, from Python calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir


class Writer:
    """Nodes in the order of their calls.

    w = Writer(value.dtype)
    y = w.op("Add", x, w.number(1.0))
    w.nodes
    """

    def __init__(self, dtype: ir.DataType) -> None:
        """dtype: of the numbers that `number` writes."""
        import onnx_ir as ir

        self.dtype = dtype
        self._ir = ir
        self._tape = ir.tape.Tape()

    @property
    def nodes(self) -> Sequence[ir.Node]:
        """What has been written."""
        return self._tape.nodes

    def op(self, name: str, *inputs: ir.Value | None, **attributes: Any) -> ir.Value:
        """The result of a node."""
        return self._tape.op(name, list(inputs), attributes)

    def several(self, name: str, count: int, *inputs: ir.Value | None, **attributes: Any) -> Sequence[ir.Value]:
        """The results of a node that has `count` of them."""
        return self._tape.op_multi_out(name, list(inputs), attributes, num_outputs=count)

    def integers(self, values: int | Sequence[int]) -> ir.Value:
        """An int64 constant of dimension 0 or 1."""
        return self._constant(np.array(values, np.int64))

    def number(self, value: float) -> ir.Value:
        """A constant of dimension 0 in the writer's type."""
        return self._constant(np.array(value, self.dtype.numpy()))

    def numbers(self, values: Sequence[Sequence[float]]) -> ir.Value:
        """A constant matrix in the writer's type."""
        return self._constant(np.array(values, self.dtype.numpy()))

    def _constant(self, values: Any) -> ir.Value:
        return self.op("Constant", value=self._ir.tensor(values))

    def input(self, name: str, dtype: ir.DataType | None = None) -> ir.Value:
        """An input of a body, of the writer's type unless it is given."""
        return self._ir.Value(name=name, type=self._ir.TensorType(dtype or self.dtype))

    def truth(self, name: str) -> ir.Value:
        """An input of a body that is true or false."""
        return self.input(name, self._ir.DataType.BOOL)

    def body(self, inputs: Sequence[ir.Value], outputs: Sequence[ir.Value]) -> ir.Graph:
        """The nodes as the body of another's node."""
        return self._ir.Graph(inputs, outputs, nodes=self.nodes, name="step")

    # --- what several places ask for ----------------------------------------------------------------
    def transposed(self, matrix: ir.Value) -> ir.Value:
        """(M, N) -> (N, M)."""
        return self.op("Transpose", matrix, perm=[1, 0])

    def unsqueeze(self, value: ir.Value, axis: int) -> ir.Value:
        """The value with a dimension of size 1 at `axis`."""
        return self.op("Unsqueeze", value, self.integers([axis]))

    def join(self, values: Sequence[ir.Value], axis: int) -> ir.Value:
        """Values one after the other along a dimension that they have."""
        return values[0] if len(values) == 1 else self.op("Concat", *values, axis=axis)

    def stack(self, values: Sequence[ir.Value]) -> ir.Value:
        """Values along a new first dimension."""
        return self.join([self.unsqueeze(value, 0) for value in values], 0)

    def select(self, value: ir.Value, index: int) -> ir.Value:
        """value[index]."""
        return self.op("Gather", value, self.integers(index), axis=0)

    def size(self, value: ir.Value, axis: int) -> ir.Value:
        """Of a dimension, an int64 of dimension 0."""
        return self.op("Squeeze", self.op("Shape", value, start=axis, end=axis + 1))

    def steps(self, value: ir.Value) -> ir.Value:
        """(T, …) of which only the shape is read -> 0 … T − 1."""
        return self.op("Range", self.integers(0), self.size(value, 0), self.integers(1))

    def within(self, value: ir.Value, lengths: ir.Value) -> ir.Value:
        """(T, …) of which only the shape is read, lengths (B) int64 -> (T, B, 1), true where a step lies within."""
        return self.unsqueeze(self.op("Less", self.unsqueeze(self.steps(value), 1), self.unsqueeze(lengths, 0)), 2)


def record(w: Writer) -> None:
    """Add the nodes to the graph that torch.onnx is writing, from within a translation."""
    from onnxscript import evaluator

    recorder: Any = evaluator.default()
    recorder.nodes.extend(w.nodes)
