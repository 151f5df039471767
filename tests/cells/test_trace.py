"""What a step may say: its letters, its operations, and numbers from outside that stay as they were read."""

import itertools
import linecache
import math
import random

import numpy as np
import pytest
import torch

import cellwright
from agreement import assert_agree
from cellwright import use_backend
from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.derived import recurrent_dropout
from cellwright.cells.language import (
    State,
    amax,
    constant,
    maximum,
    mean,
    power,
    select,
    sigmoid,
    softplus,
    spike,
    standardise,
    straight_through,
    tanh,
    total,
)
from cellwright.errors import DefinitionError
from refused_cells import minimal, plain, refused


# --- letters -------------------------------------------------------------------------------------------
def test_a_letter_may_not_shadow_an_argument():
    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        g = tanh(x.g + u.g)
        s = i * g + s.h
        return State(h=s)

    said = refused("cell bad: line … gives a value the name s, an argument of the step; use another letter", bad)
    assert f"line {bad.__code__.co_firstlineno + 3} " in said


def test_a_letter_may_not_be_that_of_another_state():
    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        h = tanh(x.g + u.g)
        return State(h=s.h + i * h)

    refused("cell bad: line … gives the name h to what is not the new state h; use another letter, or return …", bad)


def test_states_may_be_unpacked_and_their_letters_used_again():
    @cell(projections="i g", gates="i", state="h c")
    def good(x, u, s):
        h, c = s
        i = sigmoid(x.i + u.i)
        c = c + i * tanh(x.g + u.g)
        h = tanh(c)
        return State(h=h, c=c)

    assert list(good.trace.letters) == ["h", "c", "i"]


# --- what a step may not use ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda a: np.tanh(a), "uses numpy's tanh; write tanh(a), of the words in cellwright.cells.language"),
        (lambda a: np.ones(3) * a, "uses multiply on a ndarray; …: write one number as float(…), and declare what …"),
        (lambda a: torch.cumsum(a, -1), "uses torch's cumsum; a step treats every unit alike: …; what joins the …"),
        (lambda a: np.clip(a, 0, 1), "uses numpy's …"),
        (lambda a: torch.nn.functional.silu(a), "uses torch's silu; write a * sigmoid(a), of the words in …"),
        (lambda a: torch.sin(input=a), "uses torch's sin; write sin(a), of the words in …"),
        (lambda a: torch.tensor(2.0) * a, "uses multiply on a Tensor; a step works on x, u, s, its parameters, and …"),
        (lambda a: math.tanh(a), "uses a value as a number (float, or …); math's functions are of numbers, …"),
        (lambda a: a * float(a), "uses a value as a number (float, …); …: for a value take the word of that name"),
        (lambda a: a * int(a), "uses a value as a whole number (int); write select(a < 0, -floor(-a), floor(a)), …"),
        (lambda a: round(a, 1), "uses round; write floor(a + 0.5), with a gradient straight_through(floor(a + 0.5), …"),
        (lambda a: math.ceil(a), "uses ceil; write -floor(-a), of …"),
        (lambda a: math.trunc(a), "uses trunc; write select(a < 0, …"),
        (lambda a: torch.ceil(a), "uses torch's ceil; write -floor(-a), of …"),
        (lambda a: torch.fmod(a, 2), "uses torch's fmod; write a % b, whose sign is that of b, of …"),
        (lambda a: torch.expm1(a), "uses torch's expm1; write exp(a) - 1, or tanh(a / 2) * (exp(a) + 1), accurate …"),
        (lambda a: torch.lerp(a, a, 0.5), "uses torch's lerp; write a + w * (b - a), of …"),
        (lambda a: torch.zeros_like(a), "uses torch's zeros_like; write the number 0.0, of …"),
        (lambda a: torch.nn.functional.gelu(a), "uses torch's gelu; write 0.5 * a * (1 + tanh(0.7978845608 * …"),
        (lambda a: select((a > 0) & (a < 1), a, 0.0), "uses &; write select(p, select(q, a, b), b) for select(p and …"),
        (lambda a: select((a > 1) | (a < 0), a, 0.0), "uses |; write select(p, a, select(q, a, b)) for select(p or …"),
        (lambda a: select(~(a > 1), a, 0.0), "uses ~; write select(p, b, a) for select(not p, a, b), of …"),
        (lambda a: torch.logical_and(a > 0, a < 1), "uses torch's logical_and; write select(p, select(q, a, b), b) …"),
        (lambda a: a.shape, "uses .shape; a value is one number for each unit of each sequence, of whatever shape …"),
        (lambda a: a.unsqueeze(0), "uses .unsqueeze; a value is one number for each unit of each sequence, of …"),
        (lambda a: (a > 0).float() * a, "uses .float; all values are of the type of the layer's weights, …"),
        (lambda a: a.item() * a, "uses .item; a step is read once, before there are numbers: …"),
        (lambda a: a if a > 0 else 0 * a, "uses a value as a truth (if, …, min); …: use select(condition, a, b), …"),
        (lambda a: max(a, 0 * a), "uses a value as a truth (if, …"),
        (lambda a: select(a == 0, a, 1.0), "uses ==; values are compared by > and < only"),
        (lambda a: select(a != 0, a, 1.0), "uses !=; …"),
        (lambda a: select(a >= 0, a, 1.0), "uses >=; …: for select(p >= q, a, b) write select(p < q, b, a)"),
        (lambda a: select(a <= 0, a, 1.0), "uses <=; …: for select(p <= q, a, b) write select(p > q, b, a)"),
        (lambda a: select(a, a, 1.0), "uses select on x.g + u.g; its condition is a comparison: select(a > b, …)"),
        (lambda a: (a > 0) * a, "uses a comparison as a number; turn it into one: select(a > b, one, 0)"),
        (lambda a: a * True, "uses multiply on True; …"),
        (lambda a: a + "1", "uses add on '1'; …"),
        (lambda a: a ** "2", "uses power on '2'; a step works on x, u, s, its parameters, and numbers"),
        (lambda a: a << 2, ": unsupported operand type(s) for <<: 'Expression' and 'int'; a step may use …"),
        (
            lambda a: a @ a,
            "uses @; the matrix products are x = W x + b and u = U h + b', made before the step, and u.n(a) = …",
        ),
        (lambda a: [1.0] @ a, "uses @; the matrix products are …"),
        (lambda a: torch.ones(3, 3) @ a, "uses torch's matmul; the matrix products are …"),
        (lambda a: torch.nn.Linear(3, 3)(a), "uses torch's linear; the matrix products are …"),
        (lambda a: np.ones((3, 3)) @ a, "uses numpy's matmul; the matrix products are …"),
        (lambda a: a.mm(a), "uses .mm; the matrix products are …"),
        (lambda a: sigmoid(0.5) * a, "uses sigmoid on 0.5; a step works on x, u, s, its parameters, and numbers"),
        (lambda a: softplus(None) * a, "uses softplus on None; …"),
        (lambda a: maximum(1, 2) * a, "uses maximum on 2; …"),
        (lambda a: standardise([a]) * a, "uses mean on a list; …"),
        (lambda a: a * 10**400, ": OverflowError: int too large to convert to float; expected a step that runs"),
        (lambda a: a / (1 - 1.0) * (1 / 0), ": ZeroDivisionError: division by zero; …"),
        (lambda a: {}[a], ": KeyError: …"),
        (lambda a: squash(a), ": name 'squash' is not defined; a step may use …"),  # noqa: F821
        (lambda a: swish(a), ": name 'swish' is not defined; write a * sigmoid(a), of …"),  # noqa: F821
        (lambda a: where(a > 0, a, 1.0), ": name 'where' is not defined; write select(condition, a, b), of …"),  # noqa: F821
        (lambda a: sqrt(a), ": name 'sqrt' is not defined; write from cellwright.cells.language import sqrt"),  # noqa: F821
        (lambda a: a[0], "uses […]; a step treats every unit alike: it cannot index"),
        (lambda a: sum(a), "uses […]; …"),
        (lambda a: a.softmax(-1), "uses .softmax; write softmax(a), of the words in cellwright.cells.language"),
        (lambda a: torch.softmax(a, -1), "uses torch's softmax; write softmax(a), of the words in …"),
        (lambda a: torch.nn.functional.softplus(a), "uses torch's softplus; write softplus(a), of …"),
        (lambda a: torch.max(a, 0 * a), "uses torch's max; write maximum(a, b), or amax(a) over the units, of …"),
        (lambda a: np.max(a), "uses numpy's max; write maximum(a, b), or amax(a) over the units, of …"),
        (lambda a: torch.cat([a, a]), "uses torch's cat; values are neither joined nor split: each projection has …"),
        (lambda a: a.chunk(2), "uses .chunk; values are neither joined nor split: …"),
        (lambda a: torch.nn.functional.dropout(a), "uses torch's dropout; a step is the same at every call: take …"),
        (lambda a: torch.special.gammaln(a), "uses torch's special_gammaln; a step may use …"),
        (lambda a: a.mean(0), "uses mean; a row is reduced over its units: write mean(value), or value.mean(-1, …"),
        (lambda a: a.sum(), "uses sum; a row is reduced over its units: write total(value), or value.sum(-1, …"),
        (lambda a: torch.amax(a, 0), "uses amax; a row is reduced over its units: write amax(value), or …"),
        (lambda a: a - mean(mean(a)), "uses mean(mean(x.g + u.g)); that is one number a row already"),
        (lambda a: a - total(amax(a)), "uses total(amax(x.g + u.g)); that is one number a row already"),
        (lambda a: a.__setitem__(0, 1.0), "uses […] =; a value is not written into: give the new one a letter, …"),
        (lambda a: a.add_(1.0), "uses .add_; a value is not written into: give the new one a letter, …"),
        (lambda a: a.copy_(a), "uses .copy_; a value is not written into: …"),
        (
            lambda a: spike(a, "arctan"),
            "uses spike with the surrogate 'arctan'; expected atan, fast_sigmoid, sigmoid, triangle: …",
        ),
        (lambda a: spike(a > 0), "uses a comparison as a number; turn it into one: select(a > b, one, 0)"),
        (lambda a: constant(a) * a, "uses constant on a Expression; a step works on …"),
        (lambda a: straight_through(a, None), "uses straight_through on None; …"),
        (lambda a: power(2, 3) * a, "uses power on 3; …"),
        (lambda a: len(a) * a, "uses len; a value is one number for each unit of each sequence, …"),
        (lambda a: np.nothing(a), ": module 'numpy' has no attribute 'nothing'"),
    ],
)
def test_the_line_and_the_operation_are_named(value, message):
    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        g = value(x.g + u.g)
        return State(h=s.h + i * g)

    here = value.__code__.co_firstlineno
    said = refused(f"cell bad: line {here} (`…`){message if message[0] == ':' else ' ' + message}", bad)
    assert linecache.getline(__file__, here).strip() in said


def test_a_declared_name_without_its_letter_is_told_which():
    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        return State(h=h + i * tanh(x.g + u.g))  # noqa: F821

    refused("cell bad: line … name 'h' is not defined; write s.h, and take s among the step's arguments", bad)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"projections": "i,g"}, "cell plain: the projection 'i,g' cannot be written …; separate letters by blanks …"),
        ({"parameters": {"bias_hh": PER_UNIT}}, "cell plain: the parameter bias_hh has the name of one that the …"),
    ],
)
def test_a_list_of_letters_is_told_how_it_is_written(declared, message):
    refused(message, plain, cell(**{"projections": "i g", "gates": "i", "state": "h"} | declared))


def test_x_itself_is_no_value():
    def bad(x, u, s):
        return State(h=s.h * x)

    refused("cell bad: line … uses multiply on all of i g at once; a step works on x, u, s, …", bad)


def test_a_new_state_without_its_letter_is_told_how_to_name_it():
    def bad(x, u, s):
        h = s.h + sigmoid(x.i + u.i) * tanh(x.g + u.g)
        return State(h)

    refused("cell bad: line … (`return State(h)`) uses State(…) with a value that has no name; … as in State(h=h)", bad)


def test_a_state_is_not_assigned_to():
    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        s.h = s.h + i * tanh(x.g + u.g)
        return State(h=s.h)

    refused("cell bad: line … (`s.h = s.h + …`): can't set attribute; a value is not written into: give the new …", bad)


def test_letters_may_be_given_again_and_added_to():
    @minimal
    def good(x, u, s):
        i = sigmoid(x.i + u.i)
        h = s.h
        h += i * tanh(x.g + u.g)
        return State(h=h)

    assert str(good.trace.states["h"]) == "s.h + σ(x.i + u.i) · tanh(x.g + u.g)"


def test_helpers_of_a_step_are_traced_too():
    def gate(a):
        return sigmoid(a) * 0.5 + 0.5

    @minimal
    def good(x, u, s):
        i = gate(x.i + u.i)
        return State(h=s.h + i * tanh(x.g + u.g))

    assert list(good.trace.letters) == ["i"]


# --- numbers from outside ------------------------------------------------------------------------------
def changeable():
    """A cell of a number that its maker can change, and how to."""
    scale = 1.0

    @minimal
    def scaled(x, u, s):
        i = sigmoid(x.i + u.i)
        return State(h=s.h + i * tanh(scale * (x.g + u.g)))

    def change(to):
        nonlocal scale
        scale = to

    return scaled, change


def test_a_step_that_draws_numbers_is_refused():
    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        return State(h=s.h + random.random() * i * tanh(x.g + u.g))

    said = refused("cell bad: line …: 0.… has become 0.… since the step was first read; …", bad)
    assert f"line {bad.__code__.co_firstlineno + 2}:" in said
    assert "take noise from recurrent_dropout= or zoneout=" in said


def test_a_step_of_other_equations_each_time_is_refused():
    flips = itertools.cycle([True, False])

    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        g = tanh(x.g + u.g)
        return State(h=s.h + i * g) if next(flips) else State(h=s.h - i * g)

    refused("cell bad: line …: it says other things since the step was first read; …", bad)


@pytest.mark.parametrize("make", [cellwright.Recurrent, cellwright.RecurrentCell])
def test_a_layer_of_a_cell_whose_number_has_changed_is_refused(make):
    scaled, change = changeable()
    make(scaled, 3, 4)
    change(2.0)
    with pytest.raises(
        DefinitionError, match=r"^cell scaled: line \d+: 1\.0 has become 2\.0 since .*: define the cell anew"
    ):
        make(scaled, 3, 4)
    change(1.0)
    make(scaled, 3, 4)


def test_a_number_that_changes_later_changes_no_path():
    """Compiled, reference, gates and the derived cells go on with the number that was read."""
    scaled, change = changeable()
    layers = [cellwright.Recurrent(scaled, 3, 4, dtype=torch.float64, recurrent_dropout=d, zoneout=d) for d in (0, 0.5)]
    layers[1].load_state_dict(layers[0].state_dict())
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    expected = layers[0](x)[0]
    change(3.0)
    for path in ("compiled", "reference"):
        with use_backend(path):
            assert_agree(layers[0](x, return_gates=True)[0], expected)
    found = []
    for path in ("compiled", "reference"):
        torch.manual_seed(0)
        with use_backend(path):  # the derived cell is made here
            found.append(layers[1](x)[0])
    assert_agree(found[0], found[1])
    assert str(recurrent_dropout(scaled).trace.letters["i"]) == str(scaled.trace.letters["i"])
    assert [e.number for e in recurrent_dropout(scaled).trace.order if e.op == "number"] == [1.0]
