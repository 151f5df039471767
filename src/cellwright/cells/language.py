"""The words in which a cell's step is written; each works on tensors and on expressions alike.

i = sigmoid(x.i + u.i)
c = f * s.c + i * g
return State(h=o * tanh(c), c=c)
"""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from cellwright.cells.expression import Expression, apply, is_number, refuse


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
    pictures and formulas are those of the equations.
    """

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        if any(isinstance(value, Expression) for value in values.values()):
            letters = sys._getframe(1).f_locals
            self.letters = {name: value for name, value in letters.items() if isinstance(value, Expression)}
