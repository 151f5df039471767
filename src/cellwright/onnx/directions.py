"""A layer as one recurrence forward in time a direction.

The second reads each sequence from its own last step to its first, turned round by a gathered order. So no node needs
to run in reverse, which several runtimes do not, and one that reads a direction knows only of steps that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cellwright.cells import Definition
from cellwright.cells.definition import PER_STEP
from cellwright.onnx.arguments import LayerArguments
from cellwright.onnx.writer import Writer

if TYPE_CHECKING:
    import onnx_ir as ir

    Turn = Callable[[ir.Value], ir.Value]
    Result = tuple[ir.Value, list[ir.Value]]


@dataclass(frozen=True)
class Direction:
    """One direction of a layer, in the order in which it reads.

    input    (T, B, I)
    lengths  (B) int64, or None: T each
    within   (T, B, 1), true where a step lies within its length, or None
    state    one (B, ·) a state of the cell
    weights  `reference.Weights` of values
    resets     (T, B, 1), true where a step begins anew, or None
    fresh    one (B, ·) a state: what a reset restores; zeros where empty
    streams  by name, those of a step (T, B, ·)
    used     which of the results, output and each state after, anything reads
    """

    cell: Definition
    input: ir.Value
    lengths: ir.Value | None
    within: ir.Value | None
    state: Sequence[ir.Value]
    weights: Any
    resets: ir.Value | None
    fresh: Sequence[ir.Value]
    streams: Mapping[str, ir.Value]
    used: Sequence[bool]


def write(w: Writer, arguments: LayerArguments, one: Callable[[Writer, Direction], Result]) -> list[ir.Value]:
    """The layer, `one` writing each direction: output (T, B, D·P) and the state after (D, B, ·) each."""
    within = None if arguments.lengths is None else w.within(arguments.input, arguments.lengths)
    turned = []
    for d in range(len(arguments.weights)):
        turn = _turn(w, arguments) if d else _as_it_stands
        output, end = one(w, _direction(w, arguments, d, within, turn))
        turned.append((turn(output), end))
    states = [w.stack(parts) for parts in zip(*(end for _, end in turned), strict=True)]
    return [w.join([output for output, _ in turned], 2), *states]


def _direction(w: Writer, arguments: LayerArguments, d: int, within: ir.Value | None, turn: Turn) -> Direction:
    streams = arguments.streams[d] if arguments.streams else {}
    resets = None
    if arguments.reset is not None:
        resets = turn(w.unsqueeze(arguments.reset, 2))
        resets = _one_later(w, resets) if d else resets
    return Direction(
        cell=arguments.cell,
        input=turn(arguments.input),
        lengths=arguments.lengths,
        within=within,
        state=[w.select(s, d) for s in arguments.state],
        weights=arguments.weights[d],
        resets=resets,
        fresh=[w.select(s, d) for s in arguments.fresh],
        streams={name: turn(s) if arguments.cell.streams[name] == PER_STEP else s for name, s in streams.items()},
        used=arguments.used,
    )


def _as_it_stands(value: ir.Value) -> ir.Value:
    return value


def _turn(w: Writer, arguments: LayerArguments) -> Turn:
    """What turns each sequence of (T, B, F) round; what lies beyond a length stays there. Twice, all is as before."""
    steps = w.steps(arguments.input)  # (T)
    if arguments.lengths is None:
        back = w.op("Sub", w.op("Sub", w.size(arguments.input, 0), w.integers(1)), steps)
        return lambda value: w.op("Gather", value, back, axis=0)
    steps, lengths = w.unsqueeze(steps, 1), w.unsqueeze(arguments.lengths, 0)  # (T, 1), (1, B)
    back = w.op("Sub", w.op("Sub", lengths, w.integers(1)), steps)
    source = w.unsqueeze(w.op("Where", w.op("Less", steps, lengths), back, steps), 2)  # (T, B, 1)
    # Element by element, since the number of a row among T·B is a product that tract does not make of free dimensions.
    return lambda value: w.op("GatherElements", value, w.op("Expand", source, w.op("Shape", value)), axis=0)


def _one_later(w: Writer, resets: ir.Value) -> ir.Value:
    """reset[t] parts step t from step t − 1, so in reverse step t − 1 begins anew; nothing does at the first read."""
    first = w.op("Slice", resets, w.integers([0]), w.integers([1]), w.integers([0]))
    earlier = w.op("Slice", resets, w.integers([0]), w.integers([-1]), w.integers([0]))
    return w.op("Concat", w.op("And", first, w.op("Not", first)), earlier, axis=0)
