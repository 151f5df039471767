"""A standard node as every runtime computes it: forward, without `sequence_lens`, which several leave unread.

It runs on through the padding, and then each sequence's own end is looked up: a state that the node gives of each step
in its output. An LSTM does not give its c, so that c is held still through the padding by gates: an input more, zero
within a length, closes i and opens f beyond. Where nothing reads the c, there is no such input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from cellwright.onnx.directions import Direction
from cellwright.onnx.standard import STANDARD, node
from cellwright.onnx.writer import Writer

if TYPE_CHECKING:
    import onnx_ir as ir

SATURATING = 1e4
"""What holds a gate open or closed: far above what biases and |h| < 1 add to it, and within half precision's range."""


def write(w: Writer, one: Direction) -> tuple[ir.Value, list[ir.Value]]:
    """One direction: (T, B, H), and the state after, (B, H) each."""
    if one.lengths is None:
        return _run(w, one)
    held = STANDARD[one.cell.key].held if one.used[2:] == [True] else {}
    output, after = _run(w, _holding(w, one, held) if held else one)
    last = w.op("Sub", one.lengths, w.integers(1))
    at_end = w.unsqueeze(w.op("Equal", w.unsqueeze(w.steps(output), 1), w.unsqueeze(last, 0)), 2)  # (T, B, 1)
    own = w.op("ReduceSum", w.op("Where", at_end, output, w.number(0.0)), w.integers([0]), keepdims=0)  # (B, H)
    some = w.unsqueeze(w.op("Greater", one.lengths, w.integers(0)), 1)
    h = w.op("Where", some, own, one.state[0])
    return w.op("Where", one.within, output, w.number(0.0)), [h, *after[1:]]


def _run(w: Writer, one: Direction) -> tuple[ir.Value, list[ir.Value]]:
    """The node over all steps, padding included."""
    output, end = node(w, one.cell, one.input, None, [w.unsqueeze(s, 0) for s in one.state], [one.weights])
    return output, [w.select(s, 0) for s in end]


def _holding(w: Writer, one: Direction, held: Mapping[str, int]) -> Direction:
    """The direction with an input more, which beyond a length moves each held gate to its end."""
    zero = w.number(0.0)
    x = w.op("Where", one.within, one.input, zero)
    beyond = w.op("Where", one.within, zero, w.number(SATURATING))
    hidden = int(one.weights.recurrent.shape[1])
    column = w.numbers([[float(held.get(gate, 0))] for gate in one.cell.projections for _ in range(hidden)])
    weights = replace(one.weights, input=w.join([one.weights.input, column], 1))
    return replace(one, input=w.join([x, beyond], 2), weights=weights)
