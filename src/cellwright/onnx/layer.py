"""The operator `cellwright::layer` in ONNX: a standard node where one computes the cell, else a Scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cellwright.backends import custom_op
from cellwright.cells import registry
from cellwright.onnx import directions, masked, scan, standard
from cellwright.onnx.arguments import LayerArguments
from cellwright.onnx.writer import Writer, record

if TYPE_CHECKING:
    import onnx_ir as ir

    Write = Callable[[Writer, LayerArguments], list[ir.Value]]


def translation(told: list[str], used: Sequence[Sequence[bool]], *, portable: bool) -> Callable[..., Any]:
    """What writes the operator down; it tells of each layer what it became, and why.

    used: of each layer in the order of their calls, which results are read.
    """

    def translate(
        cell: str,
        input: Any,
        lengths: Any,
        state: Any,
        weights: Any,
        resets: Any,
        fresh: Any,
        streams: Any,
        arithmetic: str,
        gates: Any,
    ) -> Any:
        """The operator for torch.onnx's table of translations: the same arguments and results, as ONNX's values.

        How it is multiplied is for a file's runtime to say. Many arguments: those of the operator.
        """
        assert not gates, "the file's writer refuses gates"
        definition, directions = registry.find(cell), int(state[0].shape[0])
        each = len(weights) // directions
        arguments = LayerArguments(
            cell=definition,
            input=input,
            lengths=lengths,
            state=state,
            weights=[custom_op.weights_of(definition, weights[d * each : (d + 1) * each]) for d in range(directions)],
            reset=resets[0] if resets else None,
            fresh=fresh or (),
            streams=custom_op.streams_of(definition, streams) if streams else (),
            used=used[len(told)],
        )
        write, what = _form(arguments, portable)
        told.append(what)
        w = Writer(arguments.dtype)
        found = write(w, arguments)
        record(w)
        return found

    return translate


def _form(arguments: LayerArguments, portable: bool) -> tuple[Write, str]:
    """What writes the layer, and what it becomes and why."""
    obstacle = _obstacle(arguments, portable)
    if obstacle:
        return partial(directions.write, one=scan.write), f"a Scan, for {obstacle}"
    node = f"ONNX's {standard.STANDARD[arguments.cell.key].op}"
    if portable:
        return partial(directions.write, one=masked.write), f"{node}, forward, its lengths by masks"
    return standard.write, node


def _obstacle(arguments: LayerArguments, portable: bool) -> str | None:
    """Why no standard node computes the layer, or None."""
    node = standard.STANDARD.get(arguments.cell.key)
    if node is None:
        return f"ONNX has no node for the cell {arguments.cell.name}"
    if arguments.weights[0].projection is not None:
        return "ONNX's nodes project no state"
    if arguments.reset is not None:
        return "ONNX's nodes know no resets"
    if arguments.dtype.name != "FLOAT":
        return "ONNX Runtime has these nodes in float32 only"
    if portable and not node.plain:
        return f"not every runtime computes the cell {arguments.cell.name} by ONNX's {node.op}"
    return None
