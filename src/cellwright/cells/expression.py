"""What a step is made of: expressions over the operations of the language.

An `Expression` answers to the same method names as a torch tensor (`a.sigmoid()`, `a.clamp(min=b)`, `a + b`), so that
the same step runs on tensors, where it computes, and on expressions, where it writes itself down. Nothing here imports
torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, NoReturn

from cellwright.cells.operations import EVERYTHING, Interval
from cellwright.cells.operations import OPERATIONS as OPERATIONS  # the compiler and the reference find it here
from cellwright.cells.printer import write
from cellwright.cells.source_location import frame_of_the_step, place
from cellwright.errors import DefinitionError


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Expression:
    """A value of the step: an operation on other values, a named input, or a number.

    `op` is a key of OPERATIONS, or "input" (then `name` says which: "x.i", "u.i", "s.c", "p.…", "m.…"), or "number".
    `called` and `of`: the function of the language that this value is, where that is no operation: softplus, of a.
    """

    op: str
    operands: tuple[Expression, ...] = ()
    name: str = ""
    number: float = 0.0
    line: int = 0
    called: str = ""
    of: tuple[Expression, ...] = ()

    @property
    def per_row(self) -> bool:
        """Whether this is one number a row rather than one a unit."""
        if self.op == "input":
            return False
        return self.op == "number" or OPERATIONS[self.op].reduces or all(o.per_row for o in self.operands)

    def __str__(self) -> str:
        return write(self)

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
    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what notebooks and debuggers ask any object for
            raise AttributeError(name)
        _refuse(f".{name}", offer(name))

    def __bool__(self) -> bool:
        _refuse(
            "a value as a truth (if, and, or, not, max, min)",
            "a step cannot branch on a value, since rows and units run side by side: "
            "use select(condition, a, b), maximum(a, b) or minimum(a, b)",
        )

    def __eq__(self, other: object) -> bool:
        _refuse("==", "values are compared by > and < only")

    __hash__ = object.__hash__

    def __ne__(self, other: object) -> bool:
        _refuse("!=", "values are compared by > and < only")

    def __ge__(self, other: Any) -> Expression:
        _refuse(">=", "values are compared by > and < only")

    def __le__(self, other: Any) -> Expression:
        _refuse("<=", "values are compared by > and < only")

    def __pow__(self, other: Any) -> Expression:
        _refuse("**", "write a * a, or exp(b * log(a)) for a positive a")

    def __matmul__(self, other: Any) -> Expression:
        _refuse("@", offer("@"))

    __rmatmul__ = __matmul__

    def __getitem__(self, index: Any) -> Expression:
        _refuse("[…]", "a step treats every unit alike: it cannot index")

    # --- functions of other libraries ----------------------------------------------------------------
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if method == "__call__" and name in _NUMPY:  # what numpy's numbers ask for: np.float32(2) * a
            return _called(name, inputs)
        _refuse(f"numpy's {name}", offer(name))

    def __array_function__(self, function: Any, *arguments: Any) -> Any:
        _refuse(f"numpy's {function.__name__}", offer(function.__name__))

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Any = None,
    ) -> Any:
        """Let a step written with torch.sigmoid, torch.tanh, … be traced as well."""
        name = function.__name__.strip("_")
        if name in _TORCH and not kwargs:
            return _called(name, args)
        if args and isinstance(args[0], Expression) and name in _METHODS:
            return getattr(args[0], name)(*args[1:], **(kwargs or {}))
        _refuse(f"torch's {name}", offer(name))


# Functions of torch that are no methods of an expression, and the methods that they may also be called by.
_TORCH = {
    "where": "select",
    "maximum": "maximum",
    "minimum": "minimum",
    "add": "add",
    "sub": "subtract",
    "subtract": "subtract",
    "mul": "multiply",
    "multiply": "multiply",
    "div": "divide",
    "divide": "divide",
    "true_divide": "divide",
    "neg": "negate",
    "negative": "negate",
    "gt": "greater",
    "greater": "greater",
    "lt": "greater",
    "less": "greater",
}
_NUMPY = ("add", "subtract", "multiply", "divide", "greater", "less")
_METHODS = ("sigmoid", "tanh", "relu", "exp", "log", "log1p", "sqrt", "abs", "clamp", "mean")


_PRODUCTS = ("@", "matmul", "mm", "mv", "bmm", "addmm", "linear", "bilinear", "dot", "inner", "einsum", "tensordot")


def _called(name: str, operands: Sequence[Any]) -> Expression:
    """The function of torch or numpy called `name`, on two or three operands."""
    return apply(_TORCH[name], *(reversed(operands) if name in ("lt", "less") else operands))


def offer(asked: str = "") -> str:
    """What a step may use, for messages, in place of `asked`."""
    if asked in _PRODUCTS:
        return (
            "the matrix products are x = W x + b and u = U h + b', made before the step: for further rows of both "
            "declare a further projection, and for a product of a product stack two layers"
        )
    return (
        "a step may use + − * / > <, and of cellwright.cells.language sigmoid, tanh, relu, exp, log, log1p, sqrt, "
        "softplus, log_sigmoid, maximum, minimum, select, mean, standardise, abs"
    )


def _refuse(operation: str, advice: str) -> NoReturn:
    raise DefinitionError(f"{place(frame_of_the_step())} uses {operation}; {advice}")


def number(value: float) -> Expression:
    """A constant of the step."""
    return Expression("number", number=float(value))


def apply(op: str, *operands: Any) -> Expression:
    """`op` on `operands`, each an expression or a number."""
    lifted = tuple(_lift(op, operand) for operand in operands)
    truths = [o.op == "greater" for o in lifted]
    if op == "select" and not truths[0]:
        _refuse(f"select on {lifted[0]}", "its condition is a comparison: select(a > b, …)")
    if any(truths[1:] if op == "select" else truths):
        _refuse("a comparison as a number", "turn it into one: select(a > b, one, 0)")
    if op == "mean" and lifted[0].per_row:
        _refuse(f"mean({lifted[0]})", "that is one number a row already")
    return Expression(op, lifted, line=frame_of_the_step().f_lineno)


def _lift(op: str, operand: Any) -> Expression:
    if isinstance(operand, Expression):
        return operand
    if is_number(operand):
        return number(operand)
    refuse(op, operand)


def is_number(operand: Any) -> bool:
    """Whether `operand` is a number of the step, Python's or numpy's."""
    return isinstance(operand, Real) and not isinstance(operand, bool)


def refuse(word: str, operand: Any) -> NoReturn:
    """Raise the error of a word that was given no value of the step."""
    _refuse(f"{word} on {_described(operand)}", "a step works on x, u, s, its parameters, and numbers")


def _described(operand: Any) -> str:
    if isinstance(operand, tuple) and hasattr(operand, "_fields"):
        return f"all of {' '.join(operand._fields)} at once"
    return repr(operand) if isinstance(operand, Real | str | None) else f"a {type(operand).__name__}"


def interval(expression: Expression, known: dict[int, Interval] | None = None) -> Interval:
    """Bounds of the values that `expression` can take, inputs being any number."""
    known = {} if known is None else known
    if id(expression) not in known:
        known[id(expression)] = _interval(expression, known)
    return known[id(expression)]


def _interval(e: Expression, known: dict[int, Interval]) -> Interval:
    if e.op == "input":
        return EVERYTHING
    if e.op == "number":
        return e.number, e.number
    bounds = OPERATIONS[e.op].interval(*(interval(o, known) for o in e.operands))
    # inf − inf tells nothing
    return -math.inf if math.isnan(bounds[0]) else bounds[0], math.inf if math.isnan(bounds[1]) else bounds[1]
