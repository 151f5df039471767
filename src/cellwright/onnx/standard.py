"""The cells that ONNX has nodes for: LSTM, GRU and RNN, which take lengths.

    LSTM, GRU, RNN (X (T, B, I), W (D, G·H, I), R (D, G·H, H), B (D, 2·G·H), lengths (B), h (D, B, H), c, P (D, 3·H))
        -> Y (T, D, B, H), h (D, B, H), c

https://onnx.ai/onnx/operators/onnx__LSTM.html. What stands in Y beyond a length, and what a sequence without steps ends
with, is left open there, so that both are written down here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cellwright.cells import Definition
from cellwright.onnx.arguments import LayerArguments
from cellwright.onnx.writer import Writer

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Standard:
    """A node of ONNX that computes one of our cells.

    op           its name
    gates        ONNX's order of the gates, in our letters
    activations  where they are not what ONNX takes by default
    attributes   others that make it the same cell
    peepholes    the cell's parameters that are P, in ONNX's order
    held         the gates by which the state that is not in the output stays as it is: 1 where open, −1 where closed
    """

    op: str
    gates: str
    activations: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    peepholes: tuple[str, ...] = ()
    held: Mapping[str, int] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """Whether it has nothing that some runtimes leave unread (docs/onnx.md)."""
        return not (self.activations or self.peepholes or "input_forget" in self.attributes)


STANDARD: dict[str, Standard] = {
    "lstm": Standard("LSTM", "iofg", held={"i": -1, "f": 1}),
    "relu-lstm": Standard("LSTM", "iofg", activations=("Sigmoid", "Relu", "Relu")),
    "peephole": Standard("LSTM", "iofg", peepholes=("peephole_i", "peephole_o", "peephole_f")),
    # Of a coupled cell ONNX reads no weights for f, but has a place for them: those of i stand there.
    "coupled": Standard("LSTM", "ioig", attributes={"input_forget": 1}),
    "gru": Standard("GRU", "zrn", attributes={"linear_before_reset": 1}),  # reset after the product
    "gru-2014": Standard("GRU", "zrn"),
    "rnn": Standard("RNN", "h"),
    "rnn-relu": Standard("RNN", "h", activations=("Relu",)),
}
"""By the cell's key (`cellwright.cells.registry`)."""


def order(key: str, projections: tuple[str, ...]) -> list[int]:
    """Which of our projections stands at each place of ONNX's gates."""
    return [projections.index(letter) for letter in STANDARD[key].gates]


def write(w: Writer, arguments: LayerArguments) -> list[ir.Value]:
    """The layer as one node: output (T, B, D·H) and the state after (D, B, H) each."""
    lengths = None if arguments.lengths is None else w.op("Cast", arguments.lengths, to=6)  # int32
    output, end = node(w, arguments.cell, arguments.input, lengths, arguments.state, arguments.weights)
    if arguments.lengths is None:
        return [output, *end]
    output = w.op("Where", w.within(arguments.input, arguments.lengths), output, w.number(0.0))
    some = w.unsqueeze(w.op("Greater", arguments.lengths, w.integers(0)), 1)  # (B, 1)
    return [output, *(w.op("Where", some, after, before) for after, before in zip(end, arguments.state, strict=True))]


def node(
    w: Writer,
    cell: Definition,
    input: ir.Value,
    lengths: ir.Value | None,
    state: Sequence[ir.Value],
    weights: Sequence[Any],
) -> tuple[ir.Value, Sequence[ir.Value]]:
    """The node on (T, B, I): (T, B, D·H), of which what lies beyond a length is open, and the state after (D, B, H)."""
    kind, directions, hidden = STANDARD[cell.key], len(weights), int(weights[0].recurrent.shape[1])
    rows = w.integers([k * hidden + unit for k in order(cell.key, cell.projections) for unit in range(hidden)])

    def ordered(value: ir.Value) -> ir.Value:
        return w.op("Gather", value, rows, axis=0)

    biases = None
    if cell.bias and weights[0].input_bias is not None:
        both = [(ordered(one.input_bias), ordered(one.recurrent_bias)) for one in weights]
        biases = w.stack([w.join(pair, 0) for pair in both])
    own = [w.join([one.extra_parameters[name] for name in kind.peepholes], 0) for one in weights if kind.peepholes]
    attributes: dict[str, Any] = {
        **kind.attributes,
        "hidden_size": hidden,
        "direction": "bidirectional" if directions == 2 else "forward",
    }
    if kind.activations:
        attributes["activations"] = [*kind.activations] * directions
    y, *end = w.several(
        kind.op,
        1 + len(state),
        input,
        w.stack([ordered(one.input) for one in weights]),
        w.stack([ordered(one.recurrent) for one in weights]),
        biases,
        lengths,
        *state,
        *([w.stack(own)] if own else []),
        **attributes,
    )
    by_step = w.op("Transpose", y, perm=[0, 2, 1, 3])  # (T, B, D, H)
    return w.op("Reshape", by_step, w.integers([0, 0, directions * hidden])), end
