"""A gate maps into 0 to 1, has its letter, and is a projection."""

import pytest

from cellwright.cells.definition import cell
from cellwright.cells.language import State, exp, log_sigmoid, maximum, relu, select, sigmoid, tanh
from refused_cells import minimal, refused


def test_a_relu_gate_is_refused_with_the_reason():
    def bad(x, u, s):
        i = relu(x.i + u.i)
        g = tanh(x.g + u.g)
        return State(h=s.h + i * g)

    said = refused("cell bad: line …: the gate i = relu(x.i + u.i) ranges over [0, inf]; a gate selects …", bad)
    assert f"line {bad.__code__.co_firstlineno + 1}:" in said
    assert "its activation must map into [0, 1] (sigmoid does, relu and tanh do not)" in said
    assert "declare normalised='i'" in said


@pytest.mark.parametrize(
    ("activation", "interval"),
    [
        (tanh, "[−1, 1]"),
        (lambda a: 2 * sigmoid(a), "[0, 2]"),
        (lambda a: exp(-a), "[0, inf]"),
        (lambda a: sigmoid(a) - 0.5, "[−0.5, 0.5]"),
        (lambda a: a, "[−inf, inf]"),
    ],
)
def test_a_gate_must_map_into_0_1(activation, interval):
    def bad(x, u, s):
        i = activation(x.i + u.i)
        return State(h=s.h + i * tanh(x.g + u.g))

    refused(f"cell bad: line …: the gate i = … ranges over {interval}; …", bad)


@pytest.mark.parametrize(
    "activation",
    [
        sigmoid,
        lambda a: 1 - sigmoid(a),
        lambda a: sigmoid(a) * sigmoid(-a),
        lambda a: 0.5 * tanh(a) + 0.5,
        lambda a: maximum(relu(a) * -1 + 1, 0),
        lambda a: exp(log_sigmoid(a)),
        lambda a: exp(-abs(a)),
        lambda a: select(a > 0, 1 - 0 * sigmoid(a), 0.0),
    ],
)
def test_any_activation_into_0_1_makes_a_gate(activation):
    @minimal
    def good(x, u, s):
        i = activation(x.i + u.i)
        return State(h=s.h + i * tanh(x.g + u.g))

    assert good.gates == ("i",)


def test_a_gate_that_the_cell_normalises_may_exceed_1():
    @cell(projections="i g", gates="i", normalised="i", state="h n")
    def good(x, u, s):
        i = exp(x.i + u.i)
        n = s.n + i
        return State(h=(s.n * s.h + i * tanh(x.g + u.g)) / n, n=n)

    assert good.normalised == ("i",)


def test_a_normalised_gate_may_not_fall_below_0():
    def bad(x, u, s):
        i = tanh(x.i + u.i)
        return State(h=s.h + i * tanh(x.g + u.g))

    declare = cell(projections="i g", gates="i", normalised="i", state="h")
    refused("cell bad: line …: the gate i = tanh(x.i + u.i) ranges over [−1, 1]; …", bad, declare)


def test_a_gate_needs_its_letter():
    def bad(x, u, s):
        return State(h=s.h + sigmoid(x.i + u.i) * tanh(x.g + u.g))

    refused("cell bad: the step gives nothing the name i of its gate; write i = sigmoid(x.i + u.i), …", bad)


def test_a_gate_may_be_of_no_projection():
    @cell(projections="g", gates="i", state="h")
    def good(x, u, s):
        i = sigmoid(s.h)
        return State(h=i * s.h + (1 - i) * tanh(x.g + u.g))

    assert good.gates == ("i",)
