"""What a step is made of: expressions over the operations of the language.

An `Expression` answers to the same method names as a torch tensor (`a.sigmoid()`, `a.clamp(min=b)`, `a + b`), so that
the same step runs on tensors, where it computes, and on expressions, where it writes itself down. Nothing here imports
torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, NoReturn

from cellwright.cells.advice import ALIKE, COMPARED, OF_MATH, WRITTEN, offer
from cellwright.cells.operations import EVERYTHING, FUNCTIONS, Interval
from cellwright.cells.operations import OPERATIONS as OPERATIONS  # the compiler and the reference find it here
from cellwright.cells.printer import write
from cellwright.cells.source_location import frame_of_the_step, place
from cellwright.errors import DefinitionError


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Expression:
    """A value of the step: an operation on other values, a named input, or a number.

    `op` is a key of OPERATIONS, or "input" (then `name` says which: "x.i", "u.i", "s.c", "p.…", "m.…"), or "number",
    or "product": the rows of U of the projection `name`, "u.i", times the operand, and their bias.
    `called` and `of`: the function of the language that this value is, where that is no operation: softplus, of a.
    Of a number, `of` is what it is written as where it was computed from named ones: 1 − k.
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
        if self.op in ("input", "product"):
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

    def __pow__(self, other: Any) -> Expression:
        return apply("power", self, other)

    def __rpow__(self, other: Any) -> Expression:
        return apply("power", other, self)

    def __mod__(self, other: Any) -> Expression:
        return _remainder(self, other)

    def __rmod__(self, other: Any) -> Expression:
        return _remainder(other, self)

    def __floordiv__(self, other: Any) -> Expression:
        return _whole_quotient(self, other)

    def __rfloordiv__(self, other: Any) -> Expression:
        return _whole_quotient(other, self)

    def __neg__(self) -> Expression:
        return apply("negate", self)

    def __pos__(self) -> Expression:
        return self

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

    def sin(self) -> Expression:
        return apply("sin", self)

    def cos(self) -> Expression:
        return apply("cos", self)

    def atan(self) -> Expression:
        return apply("atan", self)

    def floor(self) -> Expression:
        return apply("floor", self)

    __floor__ = floor  # math.floor(a)

    def pow(self, exponent: Any) -> Expression:
        return apply("power", self, exponent)

    def abs(self) -> Expression:
        return apply("absolute", self)

    def clamp(self, min: Any = None, max: Any = None) -> Expression:
        lower = self if min is None else apply("maximum", self, min)
        return lower if max is None else apply("minimum", lower, max)

    def where(self, condition: Expression, other: Any) -> Expression:
        return apply("select", condition, self, other)

    def mean(self, dim: int | None = None, keepdim: bool = False) -> Expression:
        return self._reduced("mean", "mean", dim, keepdim)

    def sum(self, dim: int | None = None, keepdim: bool = False) -> Expression:
        return self._reduced("sum", "total", dim, keepdim)

    def amax(self, dim: int | None = None, keepdim: bool = False) -> Expression:
        return self._reduced("amax", "amax", dim, keepdim)

    def _reduced(self, op: str, word: str, dim: int | None, keepdim: bool) -> Expression:
        if dim != -1 or not keepdim:
            forbid(op, f"a row is reduced over its units: write {word}(value), or value.{op}(-1, keepdim=True)")
        return apply(op, self)

    def detach(self) -> Expression:
        return replace(apply("straight_through", self, 0.0), called="detach", of=(self,))

    # --- a product within the step -------------------------------------------------------------------
    def __call__(self, *operands: Any) -> Expression:
        """u.n(a): U_n a + b'_n, where u.n is U_n h + b'_n."""
        if self.op != "input" or not self.name.startswith("u."):
            forbid(f"{self}(…)", "only u's letters multiply a value of the step: u.n(a) is U_n a + b'_n")
        if len(operands) != 1:
            forbid(f"{self}(…) of {len(operands)} values", f"a product is of one: write {self}(a)")
        (operand,) = (_lift(str(self), o) for o in operands)
        if operand.op == "greater":
            forbid("a comparison as a number", "turn it into one: select(a > b, one, 0)")
        if operand.per_row:
            forbid(f"{self}({operand})", "that is one number a row; a product is of one a unit")
        return Expression("product", (operand,), name=self.name, line=frame_of_the_step().f_lineno)

    # --- what a step cannot do -----------------------------------------------------------------------
    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what notebooks and debuggers ask any object for
            raise AttributeError(name)
        forbid(f".{name}", offer(name))

    def __bool__(self) -> bool:
        forbid(
            "a value as a truth (if, and, or, not, max, min)",
            "a step cannot branch on a value, since rows and units run side by side: "
            "use select(condition, a, b), maximum(a, b) or minimum(a, b)",
        )

    def __and__(self, other: Any) -> Expression:
        forbid("&", offer("logical_and"))

    __rand__ = __and__

    def __or__(self, other: Any) -> Expression:
        forbid("|", offer("logical_or"))

    __ror__ = __or__

    def __invert__(self) -> Expression:
        forbid("~", offer("logical_not"))

    def __float__(self) -> float:
        forbid("a value as a number (float, or a function of math)", OF_MATH)

    def __int__(self) -> int:
        forbid("a value as a whole number (int)", offer("trunc"))

    def __round__(self, digits: int | None = None) -> Expression:
        forbid("round", offer("round"))

    def __ceil__(self) -> Expression:
        forbid("ceil", offer("ceil"))

    def __trunc__(self) -> Expression:
        forbid("trunc", offer("trunc"))

    def __len__(self) -> int:
        forbid("len", offer("size"))

    def __eq__(self, other: object) -> bool:
        forbid("==", COMPARED)

    __hash__ = object.__hash__

    def __ne__(self, other: object) -> bool:
        forbid("!=", COMPARED)

    def __ge__(self, other: Any) -> Expression:
        forbid(">=", f"{COMPARED}: for select(p >= q, a, b) write select(p < q, b, a)")

    def __le__(self, other: Any) -> Expression:
        forbid("<=", f"{COMPARED}: for select(p <= q, a, b) write select(p > q, b, a)")

    def __matmul__(self, other: Any) -> Expression:
        forbid("@", offer("@"))

    __rmatmul__ = __matmul__

    def __getitem__(self, index: Any) -> Expression:
        forbid("[…]", ALIKE)

    def __setitem__(self, index: Any, value: Any) -> None:
        forbid("[…] =", WRITTEN)

    # --- functions of other libraries ----------------------------------------------------------------
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if method == "__call__" and name in (*_NUMPY, *_COMPOSED):  # what numpy's numbers ask for: np.float32(2) * a
            return _called(name, inputs)
        forbid(f"numpy's {name}", offer(name))

    def __array_function__(self, function: Any, *arguments: Any) -> Any:
        forbid(f"numpy's {function.__name__}", offer(function.__name__))

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
        kwargs = {key: value for key, value in (kwargs or {}).items() if value is not False}  # relu(a, inplace=False)
        if name in {**_TORCH, **_COMPOSED} and not kwargs:
            return _called(name, args)
        if args and isinstance(args[0], Expression) and name in _METHODS:
            return getattr(args[0], name)(*args[1:], **kwargs)
        forbid(f"torch's {name}", offer(name))


def _whole_quotient(a: Any, b: Any) -> Expression:
    """⌊a / b⌋."""
    return apply("floor", a / b)


def _remainder(a: Any, b: Any) -> Expression:
    """What a is above a whole number of b, of the sign of b."""
    found: Expression = a - b * _whole_quotient(a, b)
    return found


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
    "pow": "power",
    "power": "power",
    "arctan": "atan",
}
_COMPOSED = {"remainder": _remainder, "floor_divide": _whole_quotient}
_NUMPY = ("add", "subtract", "multiply", "divide", "power", "greater", "less")
# fmt: off
_METHODS = (
    "sigmoid", "tanh", "relu", "exp", "log", "log1p", "sqrt", "sin", "cos", "atan", "abs", "clamp",
    "floor", "mean", "sum", "amax", "detach",
)

# fmt: on


def _called(name: str, operands: Sequence[Any]) -> Expression:
    """The function of torch or numpy called `name`, on two or three operands."""
    if name in _COMPOSED:
        return _COMPOSED[name](*operands)
    return apply(_TORCH[name], *(reversed(operands) if name in ("lt", "less") else operands))


def forbid(operation: str, advice: str) -> NoReturn:
    """Raise the error of a step that uses what it cannot, with its line and the nearest way to say it."""
    raise DefinitionError(f"{place(frame_of_the_step())} uses {operation}; {advice}")


def number(value: float) -> Expression:
    """A number of the step."""
    return Expression("number", number=float(value))


def _arithmetic(op: str, method: str) -> Any:
    """A method of `Constant`: that of a float, whose result remembers what it was computed from."""

    def computed(self: Constant, other: Any) -> Any:
        result = getattr(float, method)(self, other)
        if not isinstance(result, float):  # NotImplemented, of a tensor or an expression
            return result
        operands = (other, self) if method.startswith("__r") else (self, other)
        return Constant(result, apply(op, *operands))

    return computed


class Constant(float):
    """A number that is written by the letter it has in the step, and what is computed from it in terms of that."""

    expression: Expression

    def __new__(cls, value: float, written: Expression | None = None) -> Constant:
        """written: what it was computed from."""
        self = super().__new__(cls, value)
        self.expression = replace(number(value), of=() if written is None else (written,))
        return self

    def __neg__(self) -> Constant:
        return Constant(-float(self), apply("negate", self))

    __add__, __radd__ = (_arithmetic("add", name) for name in ("__add__", "__radd__"))
    __sub__, __rsub__ = (_arithmetic("subtract", name) for name in ("__sub__", "__rsub__"))
    __mul__, __rmul__ = (_arithmetic("multiply", name) for name in ("__mul__", "__rmul__"))
    __truediv__, __rtruediv__ = (_arithmetic("divide", name) for name in ("__truediv__", "__rtruediv__"))
    __pow__, __rpow__ = (_arithmetic("power", name) for name in ("__pow__", "__rpow__"))


def apply(op: str, *operands: Any) -> Expression:
    """`op` on `operands`, each an expression or a number."""
    lifted = tuple(_lift(op, operand) for operand in operands)
    truths = [o.op == "greater" for o in lifted]
    if op == "select" and not truths[0]:
        forbid(f"select on {lifted[0]}", "its condition is a comparison: select(a > b, …)")
    if any(truths[1:] if op == "select" else truths):
        forbid("a comparison as a number", "turn it into one: select(a > b, one, 0)")
    if OPERATIONS[op].reduces and lifted[0].per_row:
        forbid(OPERATIONS[op].written.format(lifted[0]), "that is one number a row already")
    return Expression(op, lifted, line=frame_of_the_step().f_lineno)


def _lift(op: str, operand: Any) -> Expression:
    if isinstance(operand, Expression):
        return operand
    if isinstance(operand, Constant):
        return operand.expression
    if is_number(operand):
        return number(operand)
    refuse(op, operand)


def is_number(operand: Any) -> bool:
    """Whether `operand` is a number of the step, Python's or numpy's."""
    return isinstance(operand, Real) and not isinstance(operand, bool)


def refuse(word: str, operand: Any) -> NoReturn:
    """Raise the error of a word that was given no value of the step."""
    advice = "a step works on x, u, s, its parameters, and numbers"
    if not isinstance(operand, Expression) and hasattr(operand, "shape"):
        advice += ": write one number as float(…), and declare what differs by unit, parameters={'w': PER_UNIT}, as p.w"
    forbid(f"{word} on {_described(operand)}", advice)


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
    if e.op in ("input", "product"):
        return EVERYTHING
    if e.op == "number":
        return e.number, e.number
    if e.called in FUNCTIONS:
        return FUNCTIONS[e.called]
    return OPERATIONS[e.op].bounds(*(interval(o, known) for o in e.operands))
