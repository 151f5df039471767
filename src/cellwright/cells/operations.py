"""The operations of a step: one row each, with the values that can come out and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

Interval = tuple[float, float]
EVERYTHING: Interval = (-math.inf, math.inf)

# How tightly a written operation holds together; where less than its place asks for, it stands in brackets.
LOOSE, COMPARISON, NEGATION, SUM, PRODUCT, WHOLE = range(6)


@dataclass(frozen=True)
class Operation:
    """One row of the language.

    arity     how many operands
    interval  the range of its values from the ranges of its operands
    written   its template, operands by position
    binds     how tightly the written whole holds together
    asks      how tightly each operand must; LOOSE where empty
    reduces   whether it makes one number a row of one a unit
    """

    arity: int
    interval: Callable[..., Interval]
    written: str
    binds: int = WHOLE
    asks: tuple[int, ...] = ()
    reduces: bool = False


def _times(a: float, b: float) -> float:
    # 0 × inf is 0 for a bound: the other factor is finite wherever it is used.
    return 0.0 if a == 0 or b == 0 else a * b


def _exp(a: float) -> float:
    return math.exp(a) if a < 709 else math.inf


def _sigmoid(a: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * a))


def _log(a: float) -> float:
    return -math.inf if a <= 0 else math.log(a)


def _log1p(a: float) -> float:
    return -math.inf if a <= -1 else math.log1p(a)


def _rising(f: Callable[[float], float]) -> Callable[[Interval], Interval]:
    """The range of a function that never falls."""
    return lambda a: (f(a[0]), f(a[1]))


def _product(a: Interval, b: Interval) -> Interval:
    corners = [_times(p, q) for p in a for q in b]
    return min(corners), max(corners)


def _quotient(a: Interval, b: Interval) -> Interval:
    if b[0] <= 0 <= b[1]:
        return EVERYTHING
    return _product(a, (1 / b[1], 1 / b[0]))


def _absolute(a: Interval) -> Interval:
    if a[0] <= 0 <= a[1]:
        return 0.0, max(-a[0], a[1])
    return min(abs(a[0]), abs(a[1])), max(abs(a[0]), abs(a[1]))


OPERATIONS: dict[str, Operation] = {
    "add": Operation(2, lambda a, b: (a[0] + b[0], a[1] + b[1]), "{} + {}", SUM, (NEGATION, SUM)),
    "subtract": Operation(2, lambda a, b: (a[0] - b[1], a[1] - b[0]), "{} − {}", SUM, (NEGATION, PRODUCT)),
    "multiply": Operation(2, _product, "{} · {}", PRODUCT, (PRODUCT, PRODUCT)),
    "divide": Operation(2, _quotient, "{} / {}", PRODUCT, (PRODUCT, WHOLE)),
    "negate": Operation(1, lambda a: (-a[1], -a[0]), "−{}", NEGATION, (PRODUCT,)),
    "minimum": Operation(2, lambda a, b: (min(a[0], b[0]), min(a[1], b[1])), "min({}, {})"),
    "maximum": Operation(2, lambda a, b: (max(a[0], b[0]), max(a[1], b[1])), "max({}, {})"),
    "sigmoid": Operation(1, _rising(_sigmoid), "σ({})"),
    "tanh": Operation(1, _rising(math.tanh), "tanh({})"),
    "relu": Operation(1, _rising(lambda a: max(a, 0.0)), "relu({})"),
    "exp": Operation(1, _rising(_exp), "exp({})"),
    "log": Operation(1, _rising(_log), "log({})"),
    "log1p": Operation(1, _rising(_log1p), "log1p({})"),
    "sqrt": Operation(1, _rising(lambda a: math.sqrt(max(a, 0.0))), "√({})"),
    "absolute": Operation(1, _absolute, "|{}|"),
    "greater": Operation(2, lambda a, b: (0.0, 1.0), "{} > {}", COMPARISON, (NEGATION, NEGATION)),
    "select": Operation(
        3,
        lambda c, a, b: (min(a[0], b[0]), max(a[1], b[1])),
        "{1} if {0} else {2}",
        LOOSE,
        (COMPARISON, COMPARISON, LOOSE),
    ),
    # The mean over the units of a row: one number a row.
    "mean": Operation(1, lambda a: a, "mean({})", reduces=True),
}
