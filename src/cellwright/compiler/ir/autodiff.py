"""The derivative of a step, by a table of rules.

The cotangent of a value is how much the loss rises with it. Of a value that is one number a row the cotangent is kept
divided by the number of units: then what the units of a row contribute is their mean, and a mean hands its cotangent on
to its units as it is; the number of units appears nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from cellwright.cells.definition import Definition
from cellwright.compiler.ir.program import LEAVES, Program, forward

# (program, operands, result, cotangent of the result) -> cotangent of each operand, None where there is none
Rule = Callable[[Program, Sequence[int], int, int], Sequence[int | None]]


def _add(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return d, d


def _subtract(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return d, p.apply("negate", d)


def _multiply(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return p.apply("multiply", d, o[1]), p.apply("multiply", d, o[0])


def _divide(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    quotient = p.apply("divide", d, o[1])
    return quotient, p.apply("negate", p.apply("multiply", quotient, y))


def _power(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    """b a^(b−1) and y log a; where torch.pow has 0 in place of what is no number: b = 0, and a = 0 with b ≥ 0.

    Of a base that is above 0 wherever it may be neither is no number, and nothing is chosen. The slope is a power of
    its own and not b y / a, since y may be infinite, or 0, where the slope is not.
    """
    return p.apply("multiply", d, _slope_of_power(p, *o)), _cotangent_of_exponent(p, o, y, d)


def _is_above_zero(p: Program, a: int) -> bool:
    return p.intervals()[a][0] > 0


def _slope_of_power(p: Program, a: int, b: int) -> int:
    """b a^(b−1)."""
    zero = p.number(0.0)
    if p.nodes[b].op == "number":
        exponent = p.nodes[b].number
        if exponent in (0.0, 1.0):
            return p.number(exponent)
        return p.apply("multiply", b, a if exponent == 2 else p.apply("power", a, p.number(exponent - 1.0)))
    slope = p.apply("multiply", b, p.apply("power", a, p.apply("subtract", b, p.number(1.0))))
    if _is_above_zero(p, a):
        return slope
    return p.apply("select", p.apply("greater", p.apply("absolute", b), zero), slope, p.apply("multiply", zero, b))


def _cotangent_of_exponent(p: Program, o: Sequence[int], y: int, d: int) -> int | None:
    a, b = o
    if p.nodes[b].op == "number":
        return None
    if p.nodes[a].op == "number" and p.nodes[a].number > 0:
        return p.apply("multiply", d, p.apply("multiply", y, p.number(math.log(p.nodes[a].number))))
    zero = p.number(0.0)
    whole = p.apply("multiply", d, p.apply("multiply", y, p.apply("log", a)))
    if _is_above_zero(p, a):
        return whole
    at_zero = p.apply("select", p.apply("greater", zero, b), whole, zero)
    other = p.apply("select", p.apply("greater", a, zero), whole, at_zero)
    return p.apply("select", p.apply("greater", zero, a), whole, other)


def _negate(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("negate", d),)


def _minimum(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return _split(p, p.apply("greater", o[0], o[1]), d)


def _maximum(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return _split(p, p.apply("greater", o[1], o[0]), d)


def _split(p: Program, second: int, d: int) -> Sequence[int | None]:
    """The cotangent to the second operand where `second` holds, else to the first."""
    zero = p.number(0.0)
    return p.apply("select", second, zero, d), p.apply("select", second, d, zero)


def _sigmoid(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("multiply", d, p.apply("multiply", y, p.apply("subtract", p.number(1.0), y))),)


def _tanh(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("multiply", d, p.apply("subtract", p.number(1.0), p.apply("multiply", y, y))),)


def _relu(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    zero = p.number(0.0)
    return (p.apply("select", p.apply("greater", y, zero), d, zero),)


def _exp(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("multiply", d, y),)


def _log(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("divide", d, o[0]),)


def _log1p(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("divide", d, p.apply("add", p.number(1.0), o[0])),)


def _sqrt(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("divide", d, p.apply("add", y, y)),)


def _sin(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("multiply", d, p.apply("cos", o[0])),)


def _cos(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("negate", p.apply("multiply", d, p.apply("sin", o[0]))),)


def _atan(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (p.apply("divide", d, p.apply("add", p.number(1.0), p.apply("multiply", o[0], o[0]))),)


def _absolute(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    zero = p.number(0.0)
    below = p.apply("select", p.apply("greater", zero, o[0]), p.apply("negate", d), zero)
    return (p.apply("select", p.apply("greater", o[0], zero), d, below),)


def _floor(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (None,)


def _greater(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return None, None


def _select(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    zero = p.number(0.0)
    return None, p.apply("select", o[0], d, zero), p.apply("select", o[0], zero, d)


def _mean(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return (d,)


def _sum(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    # That of a unit is the row's whole one: as often what is kept as there are units.
    return (p.apply("sum", d),)


def _amax(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    """To the units that are the largest, evenly among equal ones, as torch.amax has it."""
    zero = p.number(0.0)
    below = p.apply("greater", y, o[0])
    share = p.apply("mean", p.apply("select", below, zero, p.number(1.0)))
    return (p.apply("select", below, zero, p.apply("divide", d, share)),)


def _straight_through(p: Program, o: Sequence[int], y: int, d: int) -> Sequence[int | None]:
    return None, d


RULES: dict[str, Rule] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "negate": _negate,
    "minimum": _minimum,
    "maximum": _maximum,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "exp": _exp,
    "log": _log,
    "log1p": _log1p,
    "sqrt": _sqrt,
    "sin": _sin,
    "cos": _cos,
    "atan": _atan,
    "absolute": _absolute,
    "floor": _floor,
    "greater": _greater,
    "select": _select,
    "mean": _mean,
    "sum": _sum,
    "amax": _amax,
    "straight_through": _straight_through,
}


def derivative(cell: Definition, wanted: frozenset[str] = frozenset()) -> Program:
    """The step of `cell` followed by its derivative.

    Further inputs: d.h, d.c, … the cotangents of the new states, and of outputs that are none, and d.operand.0, … those
    of what products within the step multiply, which are theirs to make. Outputs: the cotangent of every input of the
    step but of streams that are not `wanted`, under the input's name (x.i, u.i, s.c, p.…): 0 of one that only
    comparisons read; an input that the results do not depend on has no output.
    """
    program = forward(cell)
    step = len(program.nodes)
    cotangents: dict[int, int] = {}
    rows = program.per_row()

    def contribute(node: int, value: int) -> None:
        if rows[node] and not program.per_row()[value]:
            value = program.apply("mean", value)
        cotangents[node] = program.apply("add", cotangents[node], value) if node in cotangents else value

    for output in list(program.outputs):
        name = output.removeprefix("state.").removeprefix("out.")
        contribute(program.outputs[output], program.input(f"d.{name}"))
    for index in reversed(range(step)):
        node = program.nodes[index]
        if index not in cotangents or node.op in LEAVES:
            continue
        for operand, value in zip(
            node.operands, RULES[node.op](program, node.operands, index, cotangents[index]), strict=True
        ):
            if value is not None and program.nodes[operand].op != "number":
                contribute(operand, value)
    zero = program.number(0.0)
    program.outputs = {
        node.name: cotangents.get(index, zero)
        for index, node in enumerate(program.nodes[:step])
        if node.op == "input" and (node.name not in cell.streams or node.name in wanted)
    }
    program.verify()
    return program
