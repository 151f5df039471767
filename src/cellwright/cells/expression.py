"""What a step is made of: expressions, and the table of operations that they may use.

An `Expression` answers to the same method names as a torch tensor (`a.sigmoid()`, `a.clamp(min=b)`, `a + b`), so the
same step runs on tensors, where it computes, and on expressions, where it writes itself down. Nothing here imports torch.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn

from cellwright.errors import DefinitionError

Interval = tuple[float, float]
EVERYTHING: Interval = (-math.inf, math.inf)


def _times(a: float, b: float) -> float:
    return (
        0.0 if a == 0 or b == 0 else a * b
    )  # 0 × inf is 0 for a bound: the other factor is finite wherever it is used


def _exp(a: float) -> float:
    return math.exp(a) if a < 709 else math.inf


def _sigmoid(a: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * a))


def _log(a: float) -> float:
    return -math.inf if a <= 0 else math.log(a)


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


@dataclass(frozen=True)
class Operation:
    """One row of the language: how many operands, which values can come out, and how it is written."""

    arity: int
    interval: Callable[..., Interval]
    written: str
    reduces: bool = False


OPERATIONS: dict[str, Operation] = {
    "add": Operation(2, lambda a, b: (a[0] + b[0], a[1] + b[1]), "{} + {}"),
    "subtract": Operation(2, lambda a, b: (a[0] - b[1], a[1] - b[0]), "{} − {}"),
    "multiply": Operation(2, _product, "{} · {}"),
    "divide": Operation(2, _quotient, "{} / {}"),
    "negate": Operation(1, lambda a: (-a[1], -a[0]), "−{}"),
    "minimum": Operation(2, lambda a, b: (min(a[0], b[0]), min(a[1], b[1])), "min({}, {})"),
    "maximum": Operation(2, lambda a, b: (max(a[0], b[0]), max(a[1], b[1])), "max({}, {})"),
    "sigmoid": Operation(1, _rising(_sigmoid), "σ({})"),
    "tanh": Operation(1, _rising(math.tanh), "tanh({})"),
    "relu": Operation(1, _rising(lambda a: max(a, 0.0)), "relu({})"),
    "exp": Operation(1, _rising(_exp), "exp({})"),
    "log": Operation(1, _rising(_log), "log({})"),
    "log1p": Operation(1, _rising(lambda a: _log(1 + a)), "log1p({})"),
    "sqrt": Operation(1, _rising(lambda a: math.sqrt(max(a, 0.0))), "√({})"),
    "absolute": Operation(1, _absolute, "|{}|"),
    "greater": Operation(2, lambda a, b: (0.0, 1.0), "({} > {})"),
    "select": Operation(3, lambda c, a, b: (min(a[0], b[0]), max(a[1], b[1])), "({} ? {} : {})"),
    # The mean over the units of a row: one number a row.
    "mean": Operation(1, lambda a: a, "mean({})", reduces=True),
}


def _line_of_the_step() -> int:
    """The line, in the user's step, that is being traced."""
    frame: FrameType | None = sys._getframe(2)
    while frame and frame.f_globals.get("__name__", "") in (__name__, "cellwright.cells.language"):
        frame = frame.f_back
    return frame.f_lineno if frame else 0


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Expression:
    """A value of the step: an operation on other values, a named input, or a number.

    `op` is a key of OPERATIONS, or "input" (then `name` says which: "x.i", "u.i", "s.c", "p.…", "m.…"), or "number".
    """

    op: str
    operands: tuple[Expression, ...] = ()
    name: str = ""
    number: float = 0.0
    line: int = 0

    @property
    def per_row(self) -> bool:
        """Whether this is one number a row rather than one a unit."""
        if self.op == "input":
            return False
        return self.op == "number" or OPERATIONS[self.op].reduces or all(o.per_row for o in self.operands)

    def __str__(self) -> str:
        if self.op == "input":
            return self.name
        if self.op == "number":
            return f"{self.number:g}"
        return OPERATIONS[self.op].written.format(*(str(o) for o in self.operands))

    def __repr__(self) -> str:
        return f"<{self}>"

    # --- the methods of a tensor ---------------------------------------------------------------------
    def __add__(self, other: Any) -> Expression:
        return apply("add", self, other)

    def __radd__(self, other: Any) -> Expression:
        return apply("add", other, self)

    def __sub__(self, other: Any) -> Expression:
        return apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Expression:
        return apply("subtract", other, self)

    def __mul__(self, other: Any) -> Expression:
        return apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Expression:
        return apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Expression:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return apply("divide", other, self)

    def __neg__(self) -> Expression:
        return apply("negate", self)

    def __abs__(self) -> Expression:
        return apply("absolute", self)

    def __gt__(self, other: Any) -> Expression:
        return apply("greater", self, other)

    def __lt__(self, other: Any) -> Expression:
        return apply("greater", other, self)

    def sigmoid(self) -> Expression:
        return apply("sigmoid", self)

    def tanh(self) -> Expression:
        return apply("tanh", self)

    def relu(self) -> Expression:
        return apply("relu", self)

    def exp(self) -> Expression:
        return apply("exp", self)

    def log(self) -> Expression:
        return apply("log", self)

    def log1p(self) -> Expression:
        return apply("log1p", self)

    def sqrt(self) -> Expression:
        return apply("sqrt", self)

    def abs(self) -> Expression:
        return apply("absolute", self)

    def clamp(self, min: Any = None, max: Any = None) -> Expression:
        lower = self if min is None else apply("maximum", self, min)
        return lower if max is None else apply("minimum", lower, max)

    def where(self, condition: Expression, other: Any) -> Expression:
        return apply("select", condition, self, other)

    def mean(self, dim: int, keepdim: bool = False) -> Expression:
        if dim != -1 or not keepdim:
            _refuse("mean", "a row is averaged over its units: write mean(value), or value.mean(-1, keepdim=True)")
        return apply("mean", self)

    # --- what a step cannot do -----------------------------------------------------------------------
    __array_ufunc__ = None  # numpy's operators hand over to ours

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _refuse(name, f"a step may use {_names()}")

    def __bool__(self) -> bool:
        _refuse(
            "if",
            "a step cannot branch on a value, since rows and units run side by side: use select(condition, a, b)",
        )

    def __matmul__(self, other: Any) -> Expression:
        _refuse("@", "the matrix products are x = W x + b and u = U h + b', made before the step")

    def __getitem__(self, index: Any) -> Expression:
        _refuse("[…]", "a step treats every unit alike: it cannot index")

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Any = None,
    ) -> Any:
        """Let a step written with torch.sigmoid, torch.tanh, … be traced as well."""
        name = {"where": "select", "maximum": "maximum", "minimum": "minimum"}.get(function.__name__)
        if name:
            return apply(name, *args)
        if isinstance(args[0], Expression) and function.__name__ in vars(cls):
            return getattr(args[0], function.__name__)(*args[1:], **(kwargs or {}))
        _refuse(f"torch.{function.__name__}", f"a step may use {_names()}")


def _names() -> str:
    return ", ".join(OPERATIONS)


def _refuse(operation: str, advice: str) -> NoReturn:
    raise DefinitionError(f"line {_line_of_the_step()} of the step uses {operation}; {advice}")


def number(value: float) -> Expression:
    """A constant of the step."""
    return Expression("number", number=float(value))


def apply(op: str, *operands: Any) -> Expression:
    """`op` on `operands`, each an expression or a number."""
    lifted = []
    for operand in operands:
        if isinstance(operand, Expression):
            lifted.append(operand)
        elif isinstance(operand, int | float):
            lifted.append(number(operand))
        else:
            _refuse(f"{op} on a {type(operand).__name__}", "a step works on x, u, s, its parameters, and numbers")
    return Expression(op, tuple(lifted), line=_line_of_the_step())


def interval(expression: Expression, known: dict[int, Interval] | None = None) -> Interval:
    """Bounds of the values that `expression` can take, inputs being any number."""
    known = {} if known is None else known
    if id(expression) not in known:
        if expression.op == "input":
            known[id(expression)] = EVERYTHING
        elif expression.op == "number":
            known[id(expression)] = (expression.number, expression.number)
        else:
            bounds = [interval(o, known) for o in expression.operands]
            known[id(expression)] = OPERATIONS[expression.op].interval(*bounds)
    return known[id(expression)]
