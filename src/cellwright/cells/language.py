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

from cellwright.cells.expression import Expression


def sigmoid(a: Any) -> Any:
    """σ(a) = 1 / (1 + e^−a)."""
    return a.sigmoid()


def tanh(a: Any) -> Any:
    """tanh(a)."""
    return a.tanh()


def relu(a: Any) -> Any:
    """max(a, 0)."""
    return a.relu()


def exp(a: Any) -> Any:
    """e^a."""
    return a.exp()


def log(a: Any) -> Any:
    """The natural logarithm of a."""
    return a.log()


def log1p(a: Any) -> Any:
    """log(1 + a), accurate where a is small."""
    return a.log1p()


def sqrt(a: Any) -> Any:
    """√a."""
    return a.sqrt()


def softplus(a: Any) -> Any:
    """log(1 + e^a), for any a without overflow."""
    return _called("softplus", maximum(a, 0.0) + log1p(exp(-abs(a))), a)


def log_sigmoid(a: Any) -> Any:
    """log σ(a) = −softplus(−a)."""
    return _called("log_sigmoid", -softplus(-a), a)


def maximum(a: Any, b: Any) -> Any:
    """The larger of a value and a value or number; where they are equal the gradient goes to `a`."""
    return a.clamp(min=b)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of a value and a value or number; where they are equal the gradient goes to `a`."""
    return a.clamp(max=b)


def select(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition (`p > q`) holds, else `b`; `a` is a value, `b` a value or number."""
    return a.where(condition, b)


def mean(a: Any) -> Any:
    """The mean over the units of a row: one number a row."""
    return a.mean(-1, keepdim=True)


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
