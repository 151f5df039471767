"""The words in which a cell's step is written; each works on tensors and on expressions alike.

i = sigmoid(x.i + u.i)
c = f * s.c + i * g
return State(h=o * tanh(c), c=c)
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NamedTuple

from cellwright.cells.expression import Constant, Expression, apply, forbid, is_number, refuse


def sigmoid(a: Any) -> Any:
    """σ(a) = 1 / (1 + e^−a)."""
    return _value("sigmoid", a).sigmoid()


def tanh(a: Any) -> Any:
    """tanh(a)."""
    return _value("tanh", a).tanh()


def relu(a: Any) -> Any:
    """max(a, 0)."""
    return _value("relu", a).relu()


def exp(a: Any) -> Any:
    """e^a."""
    return _value("exp", a).exp()


def log(a: Any) -> Any:
    """The natural logarithm of a."""
    return _value("log", a).log()


def log1p(a: Any) -> Any:
    """log(1 + a), accurate where a is small."""
    return _value("log1p", a).log1p()


def sqrt(a: Any) -> Any:
    """√a."""
    return _value("sqrt", a).sqrt()


def sin(a: Any) -> Any:
    """sin(a), of an angle in radians."""
    return _value("sin", a).sin()


def cos(a: Any) -> Any:
    """cos(a), of an angle in radians."""
    return _value("cos", a).cos()


def atan(a: Any) -> Any:
    """The angle within ±π/2 whose tangent is a."""
    return _value("atan", a).atan()


def floor(a: Any) -> Any:
    """The largest whole number that is no larger than a; its gradient is 0. a % b and a // b are made of it."""
    return _value("floor", a).floor()


def power(a: Any, b: Any) -> Any:
    """a^b, as `a ** b`, of two values or of a value and a number; NaN where a < 0 and b is no whole number."""
    if is_number(a):
        _value("pow", b, "power")
    else:
        _value("pow", a, "power")
    return a**b


def softplus(a: Any) -> Any:
    """log(1 + e^a), for any a without overflow."""
    a = _value("abs", a, "softplus")
    return _called("softplus", maximum(a, 0.0) + log1p(exp(-abs(a))), a)


def log_sigmoid(a: Any) -> Any:
    """log σ(a) = −softplus(−a)."""
    return _called("log_sigmoid", -softplus(-a), a)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two values, or of a value and a number; of equal values the gradient goes to `a`."""
    a, b = _value_first("maximum", a, b)
    return a.clamp(min=b)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two values, or of a value and a number; of equal values the gradient goes to `a`."""
    a, b = _value_first("minimum", a, b)
    return a.clamp(max=b)


def select(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition (`p > q`) holds, else `b`, each a value or a number."""
    if isinstance(condition, Expression):
        return apply("select", condition, a, b)
    if is_number(a):
        return condition * a + ~condition * b if is_number(b) else b.where(~condition, a)
    return _value("where", a, "select").where(condition, b)


def mean(a: Any) -> Any:
    """The mean over the units of a row: one number a row."""
    return _value("mean", a).mean(-1, keepdim=True)


def total(a: Any) -> Any:
    """The sum over the units of a row: one number a row."""
    return _value("sum", a, "total").sum(-1, keepdim=True)


def amax(a: Any) -> Any:
    """The largest unit of a row: one number a row. Its gradient is shared evenly among units that are equal."""
    return _value("amax", a).amax(-1, keepdim=True)


def softmax(a: Any) -> Any:
    """e^a divided by its total over the units of a row, for any a without overflow."""
    e = exp(a - detach(amax(a)))  # that the largest is taken off changes no value, and so no gradient
    return _called("softmax", e / total(e), a)


def standardise(a: Any, epsilon: float = 1e-5) -> Any:
    """A value less its mean, divided by its standard deviation, over the units of a row.

    Of a named tuple (x, u) all values count as one vector, and a named tuple is returned. This is layer normalisation
    without gain and offset (Ba, Kiros and Hinton 2016, equation 4).
    """
    values = a if isinstance(a, tuple) else (a,)
    centre = sum(mean(v) for v in values) / len(values)
    centred = [v - centre for v in values]
    variance = sum(mean(d * d) for d in centred) / len(values)
    scale = 1.0 / sqrt(variance + epsilon)
    among = values if isinstance(a, tuple) else ()
    result = [_called("norm", d * scale, v, *among) for d, v in zip(centred, values, strict=True)]
    return type(a)(*result) if isinstance(a, tuple) else result[0]


def straight_through(value: Any, gradient_of: Any) -> Any:
    """The first value with the gradient of the second (Bengio, Léonard and Courville 2013), each a value or a number.

    What the second is where it counts is its derivative: it must be finite, and is not computed by compiled kernels.
    """
    if isinstance(value, Expression) or isinstance(gradient_of, Expression):
        return apply("straight_through", value, gradient_of)
    if is_number(gradient_of):
        return detach(value)
    return (value if is_number(value) else value.detach()) + (gradient_of - gradient_of.detach())


def detach(a: Any) -> Any:
    """`a` without its gradient."""
    return _value("detach", a).detach()


class _Surrogate(NamedTuple):
    """A smooth step of (v, scale), whose derivative stands in for that of a spike, and the scale that is usual."""

    smooth: Callable[[Any, float], Any]
    scale: float


def _triangle(v: Any, scale: float) -> Any:
    within = minimum(maximum(scale * v, -1.0), 1.0)
    return within * (1.0 - 0.5 * abs(within))


_SURROGATES = {
    "atan": _Surrogate(lambda v, scale: atan(0.5 * math.pi * scale * v) / math.pi, 2.0),
    "fast_sigmoid": _Surrogate(lambda v, scale: v / (1.0 + scale * abs(v)), 25.0),
    "sigmoid": _Surrogate(lambda v, scale: sigmoid(scale * v), 25.0),
    "triangle": _Surrogate(_triangle, 1.0),
}


def spike(v: Any, surrogate: str = "atan", scale: float | None = None) -> Any:
    """1 where v > 0, else 0, with the gradient of a smooth step; `scale` is how steep that is.

    surrogate         derivative                            scale where None is given
    "atan"            scale/2 / (1 + (π/2 · scale · v)²)    2    (Fang et al. 2021)
    "fast_sigmoid"    1 / (1 + scale · |v|)²                25   (Zenke and Ganguli 2018)
    "sigmoid"         scale · σ(scale v) (1 − σ(scale v))   25   (Zenke and Ganguli 2018)
    "triangle"        scale · max(0, 1 − scale · |v|)       1    (Bellec et al. 2018)

    The first three are those of snnTorch 1.0, with its scales. Raises DefinitionError for another surrogate.
    """
    v = _value("atan", v, "spike")
    if surrogate not in _SURROGATES:
        forbid(
            f"spike with the surrogate {surrogate!r}",
            f"expected {', '.join(_SURROGATES)}: for another write straight_through(select(v > 0, 1.0, 0.0), …) of the "
            f"smooth step whose gradient it shall have",
        )
    smooth, usual = _SURROGATES[surrogate]
    stepped = straight_through(select(v > 0, 1.0, 0.0), smooth(v, usual if scale is None else scale))
    return _called("spike", stepped, v)


def constant(value: float) -> float:
    """A number that formulas and pictures show by its letter: after k = constant(0.1), (1 − k) · a."""
    if not is_number(value):
        refuse("constant", value)
    return Constant(value)


def _value(method: str, a: Any, word: str = "") -> Any:
    """`a`, which has the method; refused in the name of `word` where it is a number or no value at all."""
    if not (isinstance(a, Expression) or hasattr(a, method)):
        refuse(word or method, a)
    return a


def _value_first(word: str, a: Any, b: Any) -> tuple[Any, Any]:
    """The two operands of a word that does not mind their order, one number at most and that one last."""
    a, b = (b, a) if is_number(a) else (a, b)
    return _value("clamp", a, word), b


def _called(name: str, value: Any, *of: Any) -> Any:
    """`value`; where it is an expression, formulas write it as this function."""
    return replace(value, called=name, of=of) if isinstance(value, Expression) else value


class State(SimpleNamespace):
    """What a step returns: a value for each state.

    When the step is being traced, `letters` holds what it called its values (i, f, g, …): the names of the gates in
    pictures and formulas are those of the equations. `constants` holds those of its named numbers.
    """

    def __init__(self, *unnamed: Any, **values: Any) -> None:
        if unnamed:
            forbid("State(…) with a value that has no name", "name each by its letter, as in State(h=h)")
        super().__init__(**values)
        if any(isinstance(value, Expression) for value in values.values()):
            letters = sys._getframe(1).f_locals
            self.letters = {name: value for name, value in letters.items() if isinstance(value, Expression)}
            self.constants = {n: value.expression for n, value in letters.items() if isinstance(value, Constant)}
