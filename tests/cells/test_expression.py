"""How expressions are written, with the brackets that they need, and what their values can be."""

import math
from collections import namedtuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.cells.expression import Expression, apply, interval, number
from cellwright.cells.language import (
    amax,
    atan,
    cos,
    detach,
    floor,
    log_sigmoid,
    maximum,
    mean,
    minimum,
    select,
    sin,
    softmax,
    softplus,
    spike,
    sqrt,
    standardise,
    straight_through,
    total,
)

Pair = namedtuple("Pair", "first second")
a, b, c = (Expression("input", name=name) for name in "abc")


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ((1 - a) * b, "(1 − a) · b"),
        (1 - a * b, "1 − a · b"),
        (a - (b - c), "a − (b − c)"),
        (a - b - c, "a − b − c"),
        (a - (b + c), "a − (b + c)"),
        (a + (b - c), "a + b − c"),
        (a + b + c, "a + b + c"),
        (a * (b + c), "a · (b + c)"),
        (a / (b * c), "a / (b · c)"),
        (a / b / c, "a / b / c"),
        (a / (b / c), "a / (b / c)"),
        (a * b / c, "a · b / c"),
        ((a + b) / c, "(a + b) / c"),
        (-a, "−a"),
        (-(a + b), "−(a + b)"),
        (-(a * b), "−a · b"),
        (-a * b, "(−a) · b"),
        (-a + b, "−a + b"),
        (a + -b, "a + (−b)"),
        (a - -b, "a − (−b)"),
        (a * -1, "a · (−1)"),
        (a + -0.5, "a + (−0.5)"),
        (a * 2.0 + 1e-5, "a · 2 + 1e−05"),
        (a / 3, "a / 3"),
        (number(1 / 3), "0.3333333333333333"),
        (apply("negate", -a), "−(−a)"),
        ((a + b).sigmoid() * (c - a).tanh(), "σ(a + b) · tanh(c − a)"),
        (abs(a - b), "|a − b|"),
        (sqrt(a + b), "√(a + b)"),
        (maximum(a, 0) - minimum(b, c), "max(a, 0) − min(b, c)"),
        (a.clamp(min=0, max=1), "min(max(a, 0), 1)"),
        (select(a > b, a + 1, c), "a + 1 if a > b else c"),
        (select(a < b, a, c) * 2, "(a if b > a else c) · 2"),
        (select(a > 0, a, select(b > 0, b, c)), "a if a > 0 else b if b > 0 else c"),
        (select(a > 0, select(b > 0, b, c), a), "(b if b > 0 else c) if a > 0 else a"),
        (mean(a * b), "mean(a · b)"),
        (a**2, "a^2"),
        (2**a, "2^a"),
        (a**-1, "a^(−1)"),
        ((-2.0) ** a, "(−2)^a"),
        ((a + b) ** (c + 1), "(a + b)^(c + 1)"),
        ((a**b) ** c, "(a^b)^c"),
        (a**b**c, "a^(b^c)"),
        (-(a**2), "−a^2"),
        ((-a) ** 2, "(−a)^2"),
        (a * b**2 / c**3, "a · b^2 / c^3"),
        (sin(a) * cos(b) - atan(c), "sin(a) · cos(b) − atan(c)"),
        (floor(a + b) * c, "⌊a + b⌋ · c"),
        (a // b, "⌊a / b⌋"),
        (a % (b + 1), "a − (b + 1) · ⌊a / (b + 1)⌋"),
        (+(1 % a), "1 − a · ⌊1 / a⌋"),
        (total(a) / amax(b), "total(a) / amax(b)"),
        (softmax(a + b) * c, "softmax(a + b) · c"),
        (spike(a - 1) * detach(b), "spike(a − 1) · detach(b)"),
        (straight_through(a * b, c), "straight_through(a · b, c)"),
        (softplus(a + b), "softplus(a + b)"),
        (-log_sigmoid(a) * 2, "(−log_sigmoid(a)) · 2"),
        (standardise(a - b) * c, "norm(a − b) · c"),
        (standardise(Pair(a, b + c)).second, "norm(b + c | a, b + c)"),
    ],
)
def test_brackets_stand_where_they_are_needed(expression, written):
    assert str(expression) == written
    assert repr(expression) == f"<{written}>"


NAMES = {"σ": "sigmoid", "√": "sqrt", "−": "-", "·": "*"}
FUNCTIONS = {"max": max, "min": min, "tanh": math.tanh, "sigmoid": lambda x: 0.5 * (1 + math.tanh(x / 2))}


def _values(below):
    unary = st.builds(lambda op, x: apply(op, x), st.sampled_from(["negate", "sigmoid", "tanh"]), below)
    names = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
    binary = st.builds(lambda op, x, y: apply(op, x, y), st.sampled_from(names), below, below)
    return unary | binary | st.builds(lambda x, y, z: select(x > y, y, z), below, below, below)


TREES = st.recursive(st.sampled_from([a, b, c]) | st.sampled_from([-2.0, 0.5, 3.0]).map(number), _values, max_leaves=15)


def _compute(e, values):
    """The value of an expression, by another road than its text."""
    if e.op in ("input", "number"):
        return values[e.name] if e.op == "input" else e.number
    x = [_compute(o, values) for o in e.operands]
    return {
        "negate": lambda: -x[0],
        "sigmoid": lambda: FUNCTIONS["sigmoid"](x[0]),
        "tanh": lambda: math.tanh(x[0]),
        "add": lambda: x[0] + x[1],
        "subtract": lambda: x[0] - x[1],
        "multiply": lambda: x[0] * x[1],
        "divide": lambda: x[0] / x[1],
        "maximum": lambda: max(x[0], x[1]),
        "minimum": lambda: min(x[0], x[1]),
        "greater": lambda: x[0] > x[1],
        "select": lambda: x[1] if x[0] else x[2],
    }[e.op]()


@settings(max_examples=800)
@given(TREES)
def test_what_is_written_reads_back_as_the_same_value(expression):
    """In Python's grammar, whose precedence is that of mathematics."""
    text = str(expression)
    for printed, python in NAMES.items():
        text = text.replace(printed, python)
    values = {"a": 0.7, "b": -1.3, "c": 2.9}
    try:
        expected = _compute(expression, values)
    except ZeroDivisionError:
        return
    try:
        found = eval(text, FUNCTIONS | values)
    except ZeroDivisionError:
        found = math.inf
    # a + (b + c) is written a + b + c, so that the last digits may differ, and a division by what they leave.
    assert math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-6) or abs(expected) > 1e6


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        (a, -math.inf, math.inf),
        (a.sigmoid(), 0, 1),
        (1 - a.sigmoid(), 0, 1),
        (a.tanh() * b.tanh(), -1, 1),
        (2 * a.tanh() - 1, -3, 1),
        (a.relu(), 0, math.inf),
        (a.exp(), 0, math.inf),
        ((-a.relu()).exp(), 0, 1),
        (log_sigmoid(a).exp(), 0, 1),
        (softplus(a), 0, math.inf),
        (abs(a.tanh() - 2), 1, 3),
        (1 / (1 + a.exp()), 0, 1),
        (1 / a, -math.inf, math.inf),
        (a.sigmoid() / (b.sigmoid() + 1), 0, 1),
        (sqrt(a.sigmoid()), 0, 1),
        (select(a > b, a.sigmoid(), -1.0), -1, 1),
        (a.clamp(min=-2, max=3), -2, 3),
        (mean(a.tanh()), -1, 1),
        (amax(a.tanh()), -1, 1),
        (total(a.sigmoid()), 0, math.inf),
        (total(a.tanh()), -math.inf, math.inf),
        (total(-a.exp()), -math.inf, 0),
        (softmax(a), 0, 1),
        (spike(a), 0, 1),
        (detach(a.sigmoid()), 0, 1),
        (a**2, 0, math.inf),
        (a**3, -math.inf, math.inf),
        (a.tanh() ** 4, 0, 1),
        ((a.tanh() - 2) ** 2, 1, 9),
        ((a.tanh() - 2) ** 3, -27, -1),
        (a.sigmoid() ** 0.5, 0, 1),
        (a**0.5, 0, math.inf),
        (a.sigmoid() ** -1, 1, math.inf),
        (a**-2, -math.inf, math.inf),
        (2 ** a.tanh(), 0.5, 2),
        (a**b, -math.inf, math.inf),
        (a.sigmoid() ** b.sigmoid(), 0, 1),
        (sin(a), -1, 1),
        (sin(a.sigmoid()), 0, math.sin(1)),
        (cos(a.tanh()), math.cos(1), 1),
        (cos(3 + a.tanh()), -1, math.cos(2)),
        (atan(a), -math.pi / 2, math.pi / 2),
        (floor(a), -math.inf, math.inf),
        (floor(3 * a.tanh() + 0.5), -3, 3),
        (a.sigmoid().log(), -math.inf, 0),
        (a.sigmoid().log1p(), 0, math.log(2)),
        (number(1000.0).exp() - number(1000.0).exp(), -math.inf, math.inf),
    ],
)
def test_intervals(expression, low, high):
    assert interval(expression) == (low, high)


def test_one_number_a_row():
    assert not a.per_row
    assert mean(a).per_row
    assert (mean(a) * 2 + 1).per_row
    assert not (mean(a) * b).per_row
