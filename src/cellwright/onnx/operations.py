"""The operations of a step as ONNX: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cellwright.cells import Definition
from cellwright.cells.expression import OPERATIONS as LANGUAGE
from cellwright.compiler.ir.program import LEAVES, Program, forward
from cellwright.onnx.writer import Writer

if TYPE_CHECKING:
    import onnx_ir as ir

Write = Callable[..., "ir.Value"]


def _plain(name: str) -> Write:
    """The operation that ONNX has under that name."""
    return lambda w, *operands: w.op(name, *operands)


OPERATIONS: dict[str, Write] = {
    "add": _plain("Add"),
    "subtract": _plain("Sub"),
    "multiply": _plain("Mul"),
    "divide": _plain("Div"),
    "power": _plain("Pow"),
    "negate": _plain("Neg"),
    "minimum": _plain("Min"),
    "maximum": _plain("Max"),
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "relu": _plain("Relu"),
    "exp": _plain("Exp"),
    "log": _plain("Log"),
    # ONNX has none; what rounding 1 + a loses is no more than a float's distance from 1 to the next.
    "log1p": lambda w, a: w.op("Log", w.op("Add", w.number(1.0), a)),
    "sqrt": _plain("Sqrt"),
    "sin": _plain("Sin"),
    "cos": _plain("Cos"),
    "atan": _plain("Atan"),
    "absolute": _plain("Abs"),
    "floor": _plain("Floor"),
    "greater": _plain("Greater"),
    "select": _plain("Where"),
    "mean": lambda w, a: w.op("ReduceMean", a, w.integers([-1]), keepdims=1),
    "sum": lambda w, a: w.op("ReduceSum", a, w.integers([-1]), keepdims=1),
    "amax": lambda w, a: w.op("ReduceMax", a, w.integers([-1]), keepdims=1),
    "straight_through": lambda w, a: a,
}


def step(
    w: Writer,
    cell: Definition,
    given: Mapping[str, ir.Value],
    product: Callable[[str, ir.Value], ir.Value],
    whole: Callable[[ir.Value], ir.Value],
) -> dict[str, ir.Value]:
    """Write the traced step of a cell: each new state and output, from the inputs by their names, "x.i", "s.c", …

    `product` writes what U's rows of a projection, "u.n", make of a value of the step, and `whole` one number a unit of
    what may be one of a row or of a unit.
    """
    program = forward(cell)
    wide = _wide(program, cell)

    def full(k: int) -> ir.Value:
        return values[k] if wide[k] else whole(values[k])

    within = {
        f"u.{name}": program.outputs[f"operand.{k}"]
        for k, one in enumerate(cell.trace.products)
        for name in one.projections
    }
    values: dict[int, ir.Value] = {}
    for k in sorted(program.needed(program.outputs.values())):
        node = program.nodes[k]
        if node.name in within:
            values[k] = product(node.name, full(within[node.name]))
        elif node.op == "input":
            values[k] = given[node.name]
        elif node.op == "number":
            values[k] = w.number(node.number)
        else:
            reduces = LANGUAGE[node.op].reduces
            values[k] = OPERATIONS[node.op](w, *(full(o) if reduces else values[o] for o in node.reads))
    return {output.partition(".")[2]: full(place) for output, place in program.outputs.items()}


def _wide(program: Program, cell: Definition) -> list[bool]:
    """Of each node, whether it has the shape (B, H) whatever comes with the call."""
    found: list[bool] = []
    for node in program.nodes:
        if node.op in LEAVES:
            found.append(node.op == "input" and node.name[0] in "xus" and node.name not in cell.streams)
        else:
            found.append(not LANGUAGE[node.op].reduces and any(found[o] for o in node.reads))
    return found
