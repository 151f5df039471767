"""A program over the units of one row.

Where the program has no mean over the units, this is one loop over the row's units, a register of them at a time.
Each mean ends a pass over the units: a value that needs it is computed in a later pass. What a later pass needs
again is computed again from the inputs, or, where that would be costly, kept in a scratch row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llvmlite import ir

from cellwright.compiler.codegen import vectormath
from cellwright.compiler.codegen.ir_builder import at, count, integer
from cellwright.compiler.codegen.vector import Lanes, Vector, i32, i64
from cellwright.compiler.ir.program import Program
from cellwright.compiler.ir.remat import COSTLY

Read = Callable[[Any], Vector]  # unit -> its lanes
Write = Callable[[Any, Vector], None]

EMIT: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
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
    "absolute": lambda a: a.call("fabs"),
    "greater": lambda a, b: a > b,
    "select": lambda c, a, b: a.select(c, b),
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


def emit(
    b: Any,
    lanes: Lanes,
    program: Program,
    hidden: Any,
    padded: Any,
    read: Mapping[str, Read],
    write: Mapping[str, Write],
    scratch: Any,
) -> None:
    """Compute the program for one row of `hidden` units, `padded` to whole registers.

    read and write say where each input comes from and each output goes to, for a unit (an IR integer; 0 for what is
    one number a row). scratch is the address of `len(spilled(program))` padded rows. An output may overwrite an
    input: the last pass reads a unit's inputs before it writes the unit's outputs.
    """
    stages, per_row = _stages(program), program.per_row()
    keep = {node: k for k, node in enumerate(spilled(program))}
    stored: set[int] = set()
    known_rows: dict[int, Any] = {}

    def row_value(i: int) -> Any:
        if i not in known_rows:
            node = program.nodes[i]
            if node.op == "number":
                known_rows[i] = Vector(lanes, b, lanes.constant(node.number))
            elif node.op == "input":
                known_rows[i] = read[node.name](integer(0))
            else:
                known_rows[i] = EMIT[node.op](*(row_value(o) for o in node.operands))
        return known_rows[i]

    for stage, roots in enumerate(_roots(program, stages)):
        needed = sorted(program.needed(roots))
        for i in needed:  # what is one number a row is computed before the loop over the units
            if per_row[i] and stages[i] <= stage and program.nodes[i].op != "mean":
                row_value(i)
        means = [i for i, n in enumerate(program.nodes) if n.op == "mean" and stages[n.operands[0]] == stage]
        totals = {i: _total(b, lanes) for i in means}
        with count(b, integer(0), padded, integer(lanes.width)) as unit:
            values: dict[int, Any] = {}

            def place(i: int, unit: Any = unit) -> Any:
                return at(b, scratch, b.add(b.mul(integer(keep[i]), padded), unit), lanes.scalar)

            for i in needed:
                node = program.nodes[i]
                if per_row[i]:
                    values[i] = known_rows.get(i)
                elif i in stored:
                    values[i] = lanes.load(b, place(i))
                elif node.op == "input":
                    values[i] = read[node.name](unit)
                else:
                    values[i] = EMIT[node.op](*(values[o] for o in node.operands))
                    if i in keep:
                        lanes.store(values[i], place(i))
            for i in means:
                inside = values[program.nodes[i].operands[0]].select(inside_mask(b, lanes, unit, hidden), 0.0)
                lanes.store(lanes.load(b, totals[i]) + inside, totals[i])
            if stage == max(_last(program, stages), 0):
                for name, i in program.outputs.items():
                    write[name](unit, values[i])
        stored |= {i for i in keep if i in needed}
        for i in means:
            known_rows[i] = _average(b, lanes, totals[i], hidden)


def inside_mask(b: Any, lanes: Lanes, unit: Any, hidden: Any) -> Any:
    """Which lanes of the register at `unit` are units of the row, and not its padding."""
    kind = ir.VectorType(i64, lanes.width)
    lane = ir.Constant(kind, list(range(lanes.width)))
    first = b.insert_element(ir.Constant(kind, ir.Undefined), b.sub(hidden, unit), ir.Constant(i32, 0))
    zeros = ir.Constant(ir.VectorType(i32, lanes.width), [0] * lanes.width)
    return b.icmp_signed("<", lane, b.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros))


def _stages(program: Program) -> list[int]:
    """The pass in which each node can first be computed: one more than that of every mean it needs."""
    stages: list[int] = []
    for node in program.nodes:
        of = [stages[o] + (program.nodes[o].op == "mean") for o in node.operands]
        stages.append(max(of, default=0))
    return stages


def _last(program: Program, stages: list[int]) -> int:
    """The pass that writes the outputs: no mean is left to compute then."""
    return max(
        (stages[i] + (program.nodes[i].op == "mean") for i in program.needed(program.outputs.values())), default=0
    )


def _roots(program: Program, stages: list[int]) -> list[list[int]]:
    """What each pass computes: the operands of its means, and in the last one the outputs."""
    used = program.needed(program.outputs.values())
    last = _last(program, stages)
    roots: list[list[int]] = [[] for _ in range(last + 1)]
    for i in used:
        node = program.nodes[i]
        if node.op == "mean":
            roots[stages[node.operands[0]]].append(node.operands[0])
    roots[last] += program.outputs.values()
    return roots


def _total(b: Any, lanes: Lanes) -> Any:
    """A register's worth of memory on the stack, set to zero."""
    with b.goto_entry_block():
        place = b.alloca(lanes.scalar, lanes.width)
    lanes.store(Vector(lanes, b, lanes.constant(0.0)), place)
    return place


def _average(b: Any, lanes: Lanes, total: Any, hidden: Any) -> Vector:
    """The sum of the lanes at `total`, divided by the number of units, in every lane."""
    sums = b.load(total)
    for lane in range(1, lanes.width):
        sums = b.fadd(sums, b.load(b.gep(total, [integer(lane)])))
    return lanes.splat(b, b.fdiv(sums, b.sitofp(hidden, lanes.scalar)))
