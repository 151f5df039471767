"""The operator `cellwright::layer` in ONNX: a standard node where one computes the cell, else a Scan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellwright import operator
from cellwright.cells import Definition, keys
from cellwright.export import scan, standard
from cellwright.export.writer import Writer

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Asked:
    """The operator's arguments, as ONNX's values.

    input    (T, B, I)
    lengths  (B) int64, or None: T each
    state    one (D, B, ·) a state of the cell
    weights  one a direction: `reference.Weights` of values
    reset    (T, B) bool, or None
    fresh    one (D, B, ·) a state: what a reset restores; zeros where empty
    streams  one mapping a direction
    """

    cell: Definition
    input: ir.Value
    lengths: ir.Value | None
    state: Sequence[ir.Value]
    weights: Sequence[Any]
    reset: ir.Value | None
    fresh: Sequence[ir.Value]
    streams: Sequence[Mapping[str, ir.Value]]

    @property
    def dtype(self) -> ir.DataType:
        """Of all its numbers."""
        assert self.input.dtype is not None
        return self.input.dtype

    @property
    def hidden(self) -> int:
        """H."""
        return int(self.weights[0].recurrent.shape[0]) // len(self.cell.projections)


def translation(told: list[str]) -> Callable[..., Any]:
    """What writes the operator down; it tells of each layer what it became, and why."""

    def translate(
        cell: str,
        input: Any,
        lengths: Any,
        state: Any,
        weights: Any,
        resets: Any,
        fresh: Any,
        streams: Any,
        record: Any,
    ) -> Any:
        """The operator for torch.onnx's table of translations: the same arguments and results, as ONNX's values."""
        from onnxscript import evaluator

        assert not record, "the file's writer refuses gates"
        definition, directions = keys.find(cell), int(state[0].shape[0])
        each = len(weights) // directions
        names = tuple(definition.streams)
        asked = Asked(
            cell=definition,
            input=input,
            lengths=lengths,
            state=state,
            weights=[operator.weights_of(definition, weights[k : k + each]) for k in range(0, len(weights), each)],
            reset=resets[0] if resets else None,
            fresh=fresh,
            streams=[dict(zip(names, streams[k:], strict=False)) for k in range(0, len(streams), len(names) or 1)],
        )
        obstacle = _obstacle(asked)
        told.append(f"a Scan, for {obstacle}" if obstacle else f"ONNX's {standard.STANDARD[cell].op}")
        w = Writer(asked.dtype)
        found = (scan if obstacle else standard).write(w, asked)
        recorder: Any = evaluator.default()  # torch.onnx's, of the graph that is being written
        recorder.nodes.extend(w.nodes)
        return found

    return translate


def _obstacle(asked: Asked) -> str | None:
    """Why no standard node computes the layer, or None."""
    if asked.cell.key not in standard.STANDARD:
        return f"ONNX has no node for the cell {asked.cell.name}"
    if asked.weights[0].projection is not None:
        return "ONNX's nodes project no state"
    if asked.reset is not None:
        return "ONNX's nodes know no resets"
    if asked.dtype.name != "FLOAT":
        return "ONNX Runtime has these nodes in float32 only"
    return None
