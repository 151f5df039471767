"""A program over the units of one row.

Where the program reduces no units, as a mean does, this is one loop over the row's units, a register of them at a time.
Each reduction ends a pass over the units: a value that needs it is computed in a later pass. What a later pass needs
again is computed again from the inputs, or, where that would be costly, kept in a scratch row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llvmlite import ir
from llvmlite.ir import IRBuilder as Builder
from llvmlite.ir import Value

from cellwright.compiler.codegen import vectormath
from cellwright.compiler.codegen.ir_builder import at, count, integer
from cellwright.compiler.codegen.vector import Lanes, Vector, i32, i64
from cellwright.compiler.ir.program import Node, Program
from cellwright.compiler.ir.remat import COSTLY

Read = Callable[[Value], Vector]  # unit -> its lanes
Write = Callable[[Value, Vector], object]

EMIT: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": vectormath.power,
    "negate": lambda a: -a,
    "minimum": lambda a, b: a.minimum(b),
    "maximum": lambda a, b: a.maximum(b),
    "sigmoid": vectormath.sigmoid,
    "tanh": vectormath.tanh,
    "relu": lambda a: a.maximum(0.0),
    "exp": vectormath.exp,
    "log": vectormath.log,
    "log1p": vectormath.log1p,
    "sqrt": lambda a: a.call("sqrt"),
    "sin": vectormath.sin,
    "cos": vectormath.cos,
    "atan": vectormath.atan,
    "absolute": lambda a: a.call("fabs"),
    "floor": lambda a: a.call("floor"),
    "greater": lambda a, b: a > b,
    "select": lambda c, a, b: a.select(c, b),
    "straight_through": lambda a: a,
}


@dataclass(frozen=True)
class Reduction:
    """How the units of a row become one number.

    start    what it is of no unit
    combine  of what was found so far, and further units
    divides  whether it is divided by the number of units in the end
    """

    start: float
    combine: Callable[[Vector, Vector], Vector]
    divides: bool = False


REDUCE = {
    "mean": Reduction(0.0, lambda total, a: total + a, divides=True),
    "sum": Reduction(0.0, lambda total, a: total + a),
    "amax": Reduction(-math.inf, lambda largest, a: largest.maximum(a)),
}


def spilled(program: Program) -> list[int]:
    """The nodes that a row keeps between passes: costly ones that more than one pass needs."""
    stages, rows = _stages(program), program.per_row()
    passes = [program.needed(roots) for roots in _roots(program, stages)]
    return [
        i
        for i, node in enumerate(program.nodes)
        if node.op in COSTLY and not rows[i] and sum(i in needed for needed in passes) > 1
    ]


@dataclass(frozen=True)
class Row:
    """A row of `hidden` units, `padded` to whole registers, and where its program reads and writes.

    units are those that are computed, from the first to the last, in whole registers; a program with a reduction needs
    all of them.

    read and write say where each input comes from and each output goes to, for a unit (an IR integer; 0 for what is
    one number a row). scratch is the address of `len(spilled(program))` padded rows. An output may overwrite an
    input: the last pass reads a unit's inputs before it writes the unit's outputs.
    """

    hidden: Value
    padded: Value
    units: tuple[Value, Value]
    read: Mapping[str, Read]
    write: Mapping[str, Write]
    scratch: Value


def emit(b: Builder, lanes: Lanes, program: Program, row: Row) -> None:
    """Compute the program for one row."""
    _Passes(b, lanes, program, row).emit()


class _Passes:
    """A program over a row as it is being written: what is known once a row, what is kept from pass to pass."""

    def __init__(self, b: Builder, lanes: Lanes, program: Program, row: Row) -> None:
        self._b, self._lanes, self._program, self._row = b, lanes, program, row
        self._stages, self._per_row = _stages(program), program.per_row()
        self._roots = _roots(program, self._stages)
        self._reductions = _reductions(program)
        self._keep = {node: k for k, node in enumerate(spilled(program))}
        self._stored: set[int] = set()
        # A Vector, or of a comparison its mask; the same in every lane.
        self._once: dict[int, Any] = {}

    def emit(self) -> None:
        """One loop over the units a pass, the outputs in the last."""
        last = len(self._roots) - 1
        for stage, roots in enumerate(self._roots):
            needed = sorted(self._program.needed(roots))
            for i in needed:  # what is one number a row is computed before the loop over the units
                if self._per_row[i] and self._stages[i] <= stage and i not in self._reductions:
                    self._row_value(i)
            found = {i: self._begun(i) for i in self._reductions if self._stages[self._operand(i)] == stage}
            with count(self._b, *self._row.units, integer(self._lanes.width)) as unit:
                values = self._unit_values(needed, unit)
                self._reduce(found, values, unit)
                if stage == last:
                    for name, i in self._program.outputs.items():
                        self._row.write[name](unit, values[i])
            self._stored |= {i for i in self._keep if i in needed}
            self._once |= {i: self._ended(i, place) for i, place in found.items()}

    def _operand(self, i: int) -> int:
        """What a reduction is of."""
        return self._program.nodes[i].operands[0]

    def _row_value(self, i: int) -> Any:
        """A node that is one number a row, computed once."""
        if i not in self._once:
            node = self._program.nodes[i]
            if node.op == "number":
                self._once[i] = Vector(self._lanes, self._b, self._lanes.constant(node.number))
            elif node.op == "input":
                self._once[i] = self._row.read[node.name](integer(0))
            elif node.op in REDUCE:  # the sum of what stands once a unit, which is the same
                self._once[i] = self._row_value(self._operand(i)) * self._units()
            else:
                self._once[i] = self._computed(node, [self._row_value(o) for o in node.reads])
        return self._once[i]

    def _unit_values(self, needed: Iterable[int], unit: Value) -> dict[int, Any]:
        """The nodes for a register of units: read, taken from scratch, or computed and where needed later kept."""
        values: dict[int, Any] = {}
        for i in needed:
            node = self._program.nodes[i]
            if self._per_row[i]:
                values[i] = self._once.get(i)
            elif i in self._stored:
                values[i] = self._lanes.load(self._b, self._kept(i, unit))
            elif node.op == "input":
                values[i] = self._row.read[node.name](unit)
            else:
                values[i] = self._computed(node, [values[o] for o in node.reads])
                if i in self._keep:
                    self._lanes.store(values[i], self._kept(i, unit))
        return values

    def _computed(self, node: Node, operands: Sequence[Any]) -> Any:
        """A node, of the values of its operands."""
        exponent = self._program.nodes[node.reads[1]] if node.op == "power" else node
        if exponent.op == "number":
            return vectormath.power_of(operands[0], exponent.number)
        return EMIT[node.op](*operands)

    def _kept(self, i: int, unit: Value) -> Value:
        """Where a node that later passes need stands in the scratch rows."""
        row = self._b.mul(integer(self._keep[i]), self._row.padded)
        return at(self._b, self._row.scratch, self._b.add(row, unit), self._lanes.scalar)

    def _begun(self, i: int) -> Value:
        """A register's worth of memory on the stack, set to what a reduction is of no unit."""
        with self._b.goto_entry_block():
            place = self._b.alloca(self._lanes.scalar, self._lanes.width)
        start = self._lanes.constant(REDUCE[self._program.nodes[i].op].start)
        self._lanes.store(Vector(self._lanes, self._b, start), place)
        return place

    def _reduce(self, found: Mapping[int, Value], values: Mapping[int, Any], unit: Value) -> None:
        """Add the units of this register to what the reductions have found, the row's padding left out."""
        for i, place in found.items():
            reduction = REDUCE[self._program.nodes[i].op]
            mask = inside_mask(self._b, self._lanes, unit, self._row.hidden)
            inside = values[self._operand(i)].select(mask, reduction.start)
            self._lanes.store(reduction.combine(self._lanes.load(self._b, place), inside), place)

    def _ended(self, i: int, place: Value) -> Vector:
        """What the lanes at `place` come to, in every lane."""
        reduction, one = REDUCE[self._program.nodes[i].op], replace(self._lanes, width=1)
        whole = one.load(self._b, place)
        for lane in range(1, self._lanes.width):
            whole = reduction.combine(whole, one.load(self._b, self._b.gep(place, [integer(lane)])))
        found = self._lanes.splat(self._b, self._b.extract_element(whole.value, ir.Constant(i32, 0)))
        return found / self._units() if reduction.divides else found

    def _units(self) -> Vector:
        """The number of units of the row, in every lane."""
        return self._lanes.splat(self._b, self._b.sitofp(self._row.hidden, self._lanes.scalar))


def inside_mask(b: Builder, lanes: Lanes, unit: Value, hidden: Value) -> Value:
    """Which lanes of the register at `unit` are units of the row, and not its padding."""
    kind = ir.VectorType(i64, lanes.width)
    lane = ir.Constant(kind, list(range(lanes.width)))
    first = b.insert_element(ir.Constant(kind, ir.Undefined), b.sub(hidden, unit), ir.Constant(i32, 0))
    zeros = ir.Constant(ir.VectorType(i32, lanes.width), [0] * lanes.width)
    return b.icmp_signed("<", lane, b.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros))


def _reductions(program: Program) -> list[int]:
    """The reductions that the outputs need."""
    needed = program.needed(program.outputs.values())
    return [i for i in program.reductions() if i in needed]


def _stages(program: Program) -> list[int]:
    """The pass in which each node can first be computed: one more than that of every reduction it needs."""
    stages: list[int] = []
    ends = set(program.reductions())
    for node in program.nodes:
        stages.append(max((stages[o] + (o in ends) for o in node.reads), default=0))
    return stages


def _roots(program: Program, stages: list[int]) -> list[list[int]]:
    """What each pass computes: the operands of its reductions, and in the last one, when none is left, the outputs."""
    ends = _reductions(program)
    used = program.needed(program.outputs.values())
    last = max((stages[i] + (i in ends) for i in used), default=0)
    roots: list[list[int]] = [[] for _ in range(last + 1)]
    for i in ends:
        (operand,) = program.nodes[i].operands
        roots[stages[operand]].append(operand)
    roots[last] += program.outputs.values()
    return roots
