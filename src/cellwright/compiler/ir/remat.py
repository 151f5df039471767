"""What the forward pass saves and what the backward pass computes again.

The states before a step, the parameters and what comes with the call are at hand in the backward pass; the projections
x and u are not. Of what the derivative needs, the plan saves
    the results of costly operations on x and u (the gates' activations), and what is made of x and u directly;
    whatever is one number a row, which costs next to nothing to keep;
and the rest is computed again from those: for the LSTM i, f, g, o are saved, c and tanh(c) are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cellwright.cells.definition import Definition
from cellwright.cells.operations import OPERATIONS
from cellwright.compiler.ir.autodiff import derivative
from cellwright.compiler.ir.program import LEAVES, Program, forward

COSTLY = frozenset(
    {"sigmoid", "tanh", "exp", "log", "log1p", "sqrt", "sin", "cos", "atan", "power", "divide"}
    | {name for name, row in OPERATIONS.items() if row.reduces}
)


@dataclass(frozen=True)
class Plan:
    """The two programs of a training step.

    forward   inputs x u s p m; outputs state.* and saved.0, saved.1, … (one a unit), row.0, … (one a row)
    backward  inputs saved.*, row.*, s.*, p.*, m.*, d.*; outputs the cotangents x.* u.* s.* p.*
    saved     how many numbers a unit are saved; saved_rows those a row
    slots     how many places a row of gates has for them: more than `saved` where parts of the step still read x there
    """

    forward: Program
    backward: Program
    saved: int
    saved_rows: int
    slots: int


def training(cell: Definition, wanted: frozenset[str] = frozenset()) -> Plan:
    """Plan the training step of a cell, which gives the gradients of the `wanted` of its streams."""
    whole = derivative(cell, wanted)
    step = len(forward(cell).nodes)
    rows = whole.per_row()
    projections = frozenset(f"{root}.{name}" for root in "xu" for name in cell.projections)
    kept = _choose(whole, step, rows, projections)
    units = [i for i in kept if not rows[i]]
    per_row = [i for i in kept if rows[i]]
    names = {i: f"saved.{k}" for k, i in enumerate(units)} | {i: f"row.{k}" for k, i in enumerate(per_row)}

    saving = forward(cell)  # the derivative begins with the same nodes in the same order
    saving.outputs |= {name: i for i, name in names.items()}
    saving.verify()
    backward = rebuilt(whole, names)
    backward.verify()
    return Plan(saving, backward, len(units), len(per_row), len(units))


def _choose(whole: Program, step: int, rows: Sequence[bool], projections: frozenset[str]) -> list[int]:
    """The nodes of the step to save, in order."""
    used = whole.needed(whole.outputs.values())
    wanted = {o for i in used if i >= step for o in whole.nodes[i].operands if o < step}
    wanted |= {i for i in whole.outputs.values() if i < step}
    kept: set[int] = set()
    done: set[int] = set()

    def projection(index: int) -> bool:
        return whole.nodes[index].name in projections

    def reaches_projection(index: int) -> bool:
        """Whether the operands of a node come to x or u without passing another costly operation."""
        return any(
            projection(o) or (whole.nodes[o].op not in COSTLY and reaches_projection(o))
            for o in whole.nodes[index].reads
        )

    def resolve(index: int) -> None:
        if index in done:
            return
        done.add(index)
        node = whole.nodes[index]
        if (
            projection(index)
            or (rows[index] and node.op not in LEAVES)
            or (node.op in COSTLY and reaches_projection(index))
            or (node.op != "greater" and any(projection(o) for o in node.reads))
        ):
            kept.add(index)
        else:
            for operand in node.reads:
                resolve(operand)

    for index in sorted(wanted):
        resolve(index)
    return sorted(kept)


def rebuilt(whole: Program, names: dict[int, str]) -> Program:
    """The part of `whole` that its outputs need, with the named nodes read in place of computed.

    Of a value that has the gradient of another only the value is left, for the derivative is taken.
    """
    result = Program()
    moved: dict[int, int] = {}

    def move(index: int) -> int:
        if index not in moved:
            node = whole.nodes[index]
            if index in names:
                moved[index] = result.input(names[index])
            elif node.op == "input":
                moved[index] = result.input(node.name)
            elif node.op == "number":
                moved[index] = result.number(node.number)
            elif len(node.reads) < len(node.operands):
                (moved[index],) = map(move, node.reads)
            else:
                moved[index] = result.apply(node.op, *[move(o) for o in node.operands], line=node.line)
        return moved[index]

    result.outputs = {name: move(index) for name, index in whole.outputs.items()}
    return result
