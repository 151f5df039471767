"""What the operator `cellwright::layer` was given, as ONNX's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellwright.cells import Definition

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class LayerArguments:
    """The operator's arguments, as ONNX's values.

    input    (T, B, I)
    lengths  (B) int64, or None: T each
    state    one (D, B, ·) a state of the cell
    weights  one a direction: `reference.Weights` of values
    reset    (T, B) bool, or None
    fresh    one (D, B, ·) a state: what a reset restores; zeros where empty
    streams  one mapping a direction
    used     which of the results, output and each state after, anything reads
    """

    cell: Definition
    input: ir.Value
    lengths: ir.Value | None
    state: Sequence[ir.Value]
    weights: Sequence[Any]
    reset: ir.Value | None
    fresh: Sequence[ir.Value]
    streams: Sequence[Mapping[str, ir.Value]]
    used: Sequence[bool]

    @property
    def dtype(self) -> ir.DataType:
        """Of all its numbers."""
        assert self.input.dtype is not None
        return self.input.dtype
