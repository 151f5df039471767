"""The operations of a step: one row each, with the values that can come out and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

Interval = tuple[float, float]
EVERYTHING: Interval = (-math.inf, math.inf)

# How tightly a written operation holds together; where less than its place asks for, it stands in brackets.
LOOSE, COMPARISON, NEGATION, SUM, PRODUCT, POWER, WHOLE = range(7)


@dataclass(frozen=True)
class Operation:
    """One row of the language.

    arity     how many operands
    interval  the range of its values from the ranges of its operands
    written   its template, operands by position
    binds     how tightly the written whole holds together
    asks      how tightly each operand must; LOOSE where empty
    reduces   whether it makes one number a row of one a unit
    values    how many of the operands its value is made of, where not all: the others have its gradient alone
    """

    arity: int
    interval: Callable[..., Interval]
    written: str
    binds: int = WHOLE
    asks: tuple[int, ...] = ()
    reduces: bool = False
    values: int | None = None

    def bounds(self, *operands: Interval) -> Interval:
        """`interval` of the ranges of the operands; inf − inf tells nothing, and so is any number."""
        low, high = self.interval(*operands)
        return -math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high


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


def _floor(a: float) -> float:
    return float(math.floor(a)) if math.isfinite(a) else a


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


def _power(a: Interval, b: Interval) -> Interval:
    whole = b[0] == b[1] and b[0].is_integer()
    if a[0] >= 0 or (b[0] == b[1] and not whole):  # of a negative base only whole powers are numbers
        corners = [_pow(max(p, 0.0), q) for p in a for q in b]
        return min(corners), max(corners)
    if not whole or (b[0] < 0 and a[1] >= 0):
        return EVERYTHING
    ends = [_pow(p, b[0]) for p in a]
    return (0.0 if b[0] > 0 and b[0] % 2 == 0 and a[1] >= 0 else min(ends)), max(ends)


def _pow(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except ValueError:  # 0 to a negative power
        return math.inf
    except OverflowError:
        return -math.inf if a < 0 and b % 2 else math.inf


def _wave(f: Callable[[float], float], peak: float) -> Callable[[Interval], Interval]:
    """The range of a function of period 2π that is 1 at `peak`, −1 half a period on, and rises and falls between."""

    def holds(a: Interval, place: float) -> bool:
        return math.floor((a[1] - place) / math.tau) >= math.ceil((a[0] - place) / math.tau)

    def bounds(a: Interval) -> Interval:
        if not a[1] - a[0] < math.tau:
            return -1.0, 1.0
        ends = [f(end) for end in a]
        return (-1.0 if holds(a, peak + math.pi) else min(ends)), (1.0 if holds(a, peak) else max(ends))

    return bounds


def _total(a: Interval) -> Interval:
    # Of one unit at least, however many there are.
    return (a[0] if a[0] >= 0 else -math.inf), (a[1] if a[1] <= 0 else math.inf)


def _absolute(a: Interval) -> Interval:
    if a[0] <= 0 <= a[1]:
        return 0.0, max(-a[0], a[1])
    return min(abs(a[0]), abs(a[1])), max(abs(a[0]), abs(a[1]))


OPERATIONS: dict[str, Operation] = {
    "add": Operation(2, lambda a, b: (a[0] + b[0], a[1] + b[1]), "{} + {}", SUM, (NEGATION, SUM)),
    "subtract": Operation(2, lambda a, b: (a[0] - b[1], a[1] - b[0]), "{} − {}", SUM, (NEGATION, PRODUCT)),
    "multiply": Operation(2, _product, "{} · {}", PRODUCT, (PRODUCT, PRODUCT)),
    "divide": Operation(2, _quotient, "{} / {}", PRODUCT, (PRODUCT, POWER)),
    "power": Operation(2, _power, "{}^{}", POWER, (WHOLE, WHOLE)),
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
    "sin": Operation(1, _wave(math.sin, 0.5 * math.pi), "sin({})"),
    "cos": Operation(1, _wave(math.cos, 0.0), "cos({})"),
    "atan": Operation(1, _rising(math.atan), "atan({})"),
    "absolute": Operation(1, _absolute, "|{}|"),
    "floor": Operation(1, _rising(_floor), "⌊{}⌋"),
    "greater": Operation(2, lambda a, b: (0.0, 1.0), "{} > {}", COMPARISON, (NEGATION, NEGATION)),
    "select": Operation(
        3,
        lambda c, a, b: (min(a[0], b[0]), max(a[1], b[1])),
        "{1} if {0} else {2}",
        LOOSE,
        (COMPARISON, COMPARISON, LOOSE),
    ),
    # Over the units of a row: one number a row.
    "mean": Operation(1, lambda a: a, "mean({})", reduces=True),
    "sum": Operation(1, _total, "total({})", reduces=True),
    "amax": Operation(1, lambda a: a, "amax({})", reduces=True),
    # The first operand's value, the second's gradient.
    "straight_through": Operation(2, lambda a, b: a, "straight_through({}, {})", values=1),
}

# Functions of the language whose range is narrower than that of what they are made of.
FUNCTIONS: dict[str, Interval] = {"softmax": (0.0, 1.0)}


def read(op: str, operands: tuple[T, ...]) -> tuple[T, ...]:
    """Those operands that the value of an operation is made of."""
    return operands[: OPERATIONS[op].values]
