"""What a definition refuses, and the sentence with which it does; and what it allows."""

import copy
import functools
import itertools
import linecache
import math
import pickle
import random
import re
import sys

import numpy as np
import pytest
import torch

import cellwright
from agreement import assert_agree
from cellwright import use_backend
from cellwright.backends import reference
from cellwright.cells import CELLS, get
from cellwright.cells.definition import PER_PROJECTION, PER_UNIT, Definition, cell
from cellwright.cells.derived import recurrent_dropout
from cellwright.cells.language import (
    State,
    exp,
    log_sigmoid,
    maximum,
    mean,
    minimum,
    relu,
    select,
    sigmoid,
    softplus,
    standardise,
    tanh,
)
from cellwright.errors import DefinitionError, InputError

minimal = cell(projections="i g", gates="i", state="h")


def refused(message, step, declare=minimal):
    """Define the cell; `message` holds what it must say, … for anything."""
    with pytest.raises(DefinitionError) as caught:
        declare(step)
    pattern = ".*".join(re.escape(part) for part in message.split("…"))
    assert re.fullmatch(pattern, str(caught.value)), str(caught.value)
    return str(caught.value)


# --- gates ---------------------------------------------------------------------------------------------
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

    refused("cell bad: the step gives nothing the name i of its gate; write i = sigmoid(x.i + u.i)", bad)


def test_a_gate_must_be_a_projection():
    def bad(x, u, s):
        return State(h=s.h + tanh(x.g + u.g))

    refused(
        "cell bad: gates names i, which is none of the projections; those are g",
        bad,
        cell(projections="g", gates="i", state="h"),
    )


# --- what is declared and what is used -----------------------------------------------------------------
def plain(x, u, s):
    i = sigmoid(x.i + u.i)
    return State(h=s.h + i * tanh(x.g + u.g))


def bare(x, u, s):
    return State(h=s.h + x.i * tanh(x.g + u.g))


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (
            {"projections": "i g o"},
            "…: line … (`def plain(x, u, s):`): x.o is declared and no new state depends on it; …",
        ),
        ({"projections": "i"}, "…: line … uses x.g; the declared projections are i: declare g, or correct the letter"),
        ({"state": "h c"}, "…: the step returns the states h; declared are h c: make state=… and State(…) agree"),
        ({"state": "c"}, "…: line … uses s.h; the declared states are c: declare h, or correct the letter"),
        ({"state": ""}, "…: there is no state; expected at least one letter"),
        ({"projections": "", "gates": ""}, "…: there is no projection; expected at least one letter"),
        ({"projections": "i g i"}, "…: the projection i is declared twice; each letter stands for one"),
        ({"projections": "i lambda"}, "…: the projection 'lambda' cannot be written as an attribute; …"),
        ({"state": "2"}, "…: the state '2' cannot be written as an attribute; choose another letter"),
        ({"state": "letters"}, "…: the state 'letters' cannot be written as an attribute; choose another letter"),
        ({"normalised": "g"}, "…: normalised names g, which is none of the gates; those are i"),
        ({"ones": "w"}, "…: ones names w, which is none of the parameters; those are (none)"),
        (
            {"parameters": {"w": PER_UNIT}},
            "…: line …: the step takes (x, u, s); expected (x, u, s, p), p …",
        ),
    ],
)
def test_what_is_declared_is_held_against_theplain(declared, message):
    options = {"projections": "i g", "gates": "i", "state": "h"} | declared
    refused(f"cell plain{message[1:]}", plain, cell(**options))


def test_a_step_without_recurrence_is_refused():
    """The layer would have a weight_hh that no output depends on."""

    def bad(x, u, s):
        f = sigmoid(x.i)
        return State(h=f * s.h + (1 - f) * tanh(x.g))

    declare = cell(projections="i g", gates="", state="h")
    refused("cell bad: line … (`def bad(x, u, s):`): no new state depends on u = U h + b', …; use u.i", bad, declare)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"gates": None}, 'gates= is missing; expected letters …: gates="z n", or gates="" where none selects'),
        ({"state": None}, 'state= is missing; expected letters separated by blanks: state="z n"'),
        ({"projections": ["i", "g"]}, "projections is ['i', 'g']; expected letters … in one text: projections=\"i g\""),
        ({"state": ("h",)}, "state is ('h',); …: state=\"h\""),
        ({"ones": 1}, "ones is 1; expected letters separated by blanks in one text: …"),
        ({"parameters": "w"}, "parameters is 'w'; expected a mapping, as parameters={'w': PER_UNIT}"),
        ({"parameters": {1: PER_UNIT}}, "the parameter 1 is no text; expected its name"),
        ({"bias": "no"}, "bias is 'no'; expected True or False"),
    ],
)
def test_a_declaration_of_another_type_says_what_was_expected(declared, message):
    refused(f"cell plain: {message}", plain, cell(**{"projections": "i g", "gates": "i", "state": "h"} | declared))


def test_a_bare_decorator_says_what_it_lacks():
    message = re.escape(
        '@cell above plain declares no letters; expected @cell(projections="z n", gates="z", state="h")'
    )
    with pytest.raises(DefinitionError, match=message):
        cell(plain)


@pytest.mark.parametrize("step", [None, minimal(plain), functools.partial(plain), torch.nn.Linear])
def test_what_is_no_function_cannot_be_a_step(step):
    refused("cell …: its step is a lambda or no function; expected def name(x, u, s): …", step)


def test_numbers_may_stand_on_either_side():
    """A number in place of a value, Python's or numpy's; what the words then mean."""

    @cell(projections="i g", gates="", state="h c")
    def good(x, u, s):
        a = maximum(0, x.i + u.i) + minimum(1.5, x.g)
        b = select(x.g > 0, 1.0, s.c) * select(x.i > 0, 2, 3) + select(s.h < x.i, s.h, 0.25)
        return State(h=np.float32(2) * a, c=np.int64(1) - b / np.float64(4))

    x, u, s = (torch.randn(2, 5, 4, dtype=torch.float64) for _ in range(3))
    x_, u_, s_ = good.Projections(*x), good.Projections(*u), good.States(*s)
    a = (x[0] + u[0]).relu() + x[1].clamp(max=1.5)
    one, other = torch.where(x[1] > 0, torch.ones_like(a), s[1]), torch.where(x[0] > 0, 2.0, 3.0)
    b = one * other + torch.where(s[0] < x[0], s[0], torch.full_like(a, 0.25))
    assert_agree(good(x_, u_, s_), good.States(2 * a, 1 - b / 4))
    program = reference.evaluator(good.trace.states, a)
    assert_agree(program(x_, u_, s_, None, None), {"h": 2 * a, "c": 1 - b / 4})


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


def test_an_unused_state_is_named_with_the_place():
    def bad(x, u, s):
        i = sigmoid(x.i + u.i)
        return State(h=i * tanh(x.g + u.g), c=i)

    said = refused(
        "cell bad: line … (`…`): s.c is declared and no …", bad, cell(projections="i g", gates="i", state="h c")
    )
    assert f"line {bad.__code__.co_firstlineno} (`def bad(x, u, s):`)" in said


def test_an_unused_parameter():
    def bad(x, u, s, p):
        return plain(x, u, s)

    declare = cell(projections="i g", gates="", state="h", parameters={"w": PER_PROJECTION})
    refused("cell bad: line …: the parameter w is declared and no new state depends on it; use p.w or …", bad, declare)


@pytest.mark.parametrize("shape", ["unit", (3,)])
def test_a_parameter_s_shape_is_one_of_two(shape):
    declare = cell(projections="i g", gates="", state="h", parameters={"w": shape})
    refused(f"cell bad: the parameter w is declared {shape!r}; expected PER_UNIT or PER_PROJECTION", _bad_w, declare)


def _bad_w(x, u, s, p):
    return State(h=s.h + p.w * (x.i + x.g))


_bad_w.__name__ = "bad"


def test_an_undeclared_parameter():
    def bad(x, u, s, p):
        return State(h=s.h + p.v * tanh(x.i + u.g + x.g + p.w))

    declare = cell(projections="i g", gates="", state="h", parameters={"w": PER_UNIT})
    refused("cell bad: line … uses p.v; the declared parameters are w: declare v, or correct the letter", bad, declare)


# --- what the step returns -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda h: None, "returns None; expected State(h=…)"),
        (lambda h: h, "returns a Expression; expected State(h=…)"),
        (lambda h: (h, h), "returns a tuple; expected State(h=…)"),
        (lambda h: {"h": h}, "returns a dict; expected State(h=…)"),
        (lambda h: State(), "returns the states (none); declared are h: make state=… and State(…) agree"),
        (lambda h: State(h=h, k=h), "returns the states h k; declared are h: make state=… and State(…) agree"),
    ],
)
def test_the_step_must_return_its_states(value, message):
    def bad(x, u, s):
        return value(s.h + x.i + u.g + x.g)

    refused(f"cell bad: the step {message}", bad, cell(projections="i g", gates="", state="h"))


def test_a_state_must_be_a_value_of_theplain():
    def bad(x, u, s):
        return State(h=0.5)

    refused("cell bad: the new state h is 0.5; expected a value made of x, u and s", bad)


def test_a_state_must_be_one_a_unit():
    def bad(x, u, s):
        return State(h=mean(s.h + x.i + u.g + x.g))

    refused("cell bad: line …: the new state h is one number a row; expected one a unit", bad)


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
        (lambda a: np.tanh(a), "uses numpy's tanh; a step may use …"),
        (lambda a: np.ones(3) * a, "uses multiply on a ndarray; …"),
        (lambda a: np.clip(a, 0, 1), "uses numpy's …"),
        (lambda a: torch.nn.functional.silu(a), "uses torch's silu; a step may use …"),
        (lambda a: torch.sin(input=a), "uses torch's sin; …"),
        (lambda a: torch.tensor(2.0) * a, "uses multiply on a Tensor; a step works on x, u, s, its parameters, and …"),
        (lambda a: math.tanh(a), ": must be real number, not Expression; a step may use …"),
        (lambda a: a if a > 0 else 0 * a, "uses a value as a truth (if, …, min); …: use select(condition, a, b), …"),
        (lambda a: max(a, 0 * a), "uses a value as a truth (if, …"),
        (lambda a: select(a == 0, a, 1.0), "uses ==; values are compared by > and < only"),
        (lambda a: select(a != 0, a, 1.0), "uses !=; …"),
        (lambda a: select(a >= 0, a, 1.0), "uses >=; …"),
        (lambda a: select(a <= 0, a, 1.0), "uses <=; …"),
        (lambda a: select(a, a, 1.0), "uses select on x.g + u.g; its condition is a comparison: select(a > b, …)"),
        (lambda a: (a > 0) * a, "uses a comparison as a number; turn it into one: select(a > b, one, 0)"),
        (lambda a: a * True, "uses multiply on True; …"),
        (lambda a: a + "1", "uses add on '1'; …"),
        (lambda a: a**2, "uses **; write a * a, or exp(b * log(a)) for a positive a"),
        (lambda a: a @ a, "uses @; the matrix products are x = W x + b and u = U h + b', made before the step: for …"),
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
        (lambda a: swish(a), ": NameError: name 'swish' is not defined; …"),  # noqa: F821
        (lambda a: sqrt(a), ": name 'sqrt' is not defined; write from cellwright.cells.language import sqrt"),  # noqa: F821
        (lambda a: a[0], "uses […]; a step treats every unit alike: it cannot index"),
        (lambda a: sum(a), "uses […]; …"),
        (lambda a: a.softmax(-1), "uses .softmax; a step may use …"),
        (lambda a: a.mean(0), "uses mean; a row is averaged over its units: …"),
        (lambda a: a - mean(mean(a)), "uses mean(mean(x.g + u.g)); that is one number a row already"),
        (lambda a: len(a) * a, ": object of type 'Expression' has no len(); …"),
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


def test_x_itself_is_no_value():
    def bad(x, u, s):
        return State(h=s.h * x)

    refused("cell bad: line … uses multiply on all of i g at once; a step works on x, u, s, …", bad)


def test_torch_functions_of_the_language_are_allowed():
    """A step may be pasted from a module's forward."""

    @minimal
    def good(x, u, s):
        i = torch.sigmoid(torch.add(x.i, u.i))
        g = torch.clamp(torch.tanh(x.g + u.g), min=-0.5)
        return State(h=torch.where(s.h > 0, s.h, 0.5 * s.h) + torch.maximum(i * g, torch.neg(g)) / torch.exp(i))

    assert str(good.trace.letters["g"]) == "max(tanh(x.g + u.g), −0.5)"


# --- where a step may stand ----------------------------------------------------------------------------
def test_a_lambda_has_no_name():
    refused(
        "cell <lambda>: its step is a lambda or no function; expected def name(x, u, s): …, whose name becomes …",
        lambda x, u, s: State(h=s.h + x.i + u.g + x.g),
    )


def test_a_step_takes_x_u_and_s():
    def bad(x, s):
        return State(h=s.h + x.i + x.g)

    refused("cell bad: line … (`def bad(x, s):`): the step takes (x, s); expected (x, u, s), …", bad)


SOURCE = """
@minimal
def {name}(x, u, s):
    i = sigmoid(x.i + u.i)
    g = {g}
    return State(h=s.h + i * g)
"""


def _typed_in(g, filename, name="typed"):
    names = dict(globals()) | {"__name__": "__main__"}
    exec(compile(SOURCE.format(g=g, name=name), filename, "exec"), names)
    return names[name]


def test_a_cell_typed_into_a_plain_session():
    """No source is at hand there: the line is given without its text."""
    assert list(_typed_in("tanh(x.g + u.g)", "<stdin>").trace.letters) == ["i", "g"]
    with pytest.raises(DefinitionError, match=r"^cell typed: line 5 uses numpy's tanh; "):
        _typed_in("np.tanh(x.g)", "<stdin>")


@pytest.mark.parametrize("names", [{}, {"__name__": None}])
def test_a_cell_of_text_that_no_module_holds(names):
    words = {"minimal": minimal, "State": State, "sigmoid": sigmoid} | names
    exec(SOURCE.format(name="typed", g="x.g * u.g"), words)
    assert words["typed"].key.startswith("typed#")
    with pytest.raises(pickle.PicklingError, match="is not the cell; define it at the top of a module"):
        pickle.dumps(words["typed"])


def test_a_cell_typed_into_a_notebook(monkeypatch):
    """IPython keeps each input in linecache."""
    source = SOURCE.format(g="np.tanh(x.g)", name="typed")
    lines = source.splitlines(keepends=True)
    monkeypatch.setitem(linecache.cache, "<ipython-input-1>", (len(source), None, lines, "<ipython-input-1>"))
    with pytest.raises(DefinitionError, match=r"^cell typed: line 5 \(`g = np\.tanh\(x\.g\)`\) uses numpy's tanh; "):
        _typed_in("np.tanh(x.g)", "<ipython-input-1>")


def test_helpers_of_a_step_are_traced_too():
    def gate(a):
        return sigmoid(a) * 0.5 + 0.5

    @minimal
    def good(x, u, s):
        i = gate(x.i + u.i)
        return State(h=s.h + i * tanh(x.g + u.g))

    assert list(good.trace.letters) == ["i"]


# --- copies --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_pickled_by_name(name):
    assert pickle.loads(pickle.dumps(CELLS[name])) is CELLS[name]
    assert copy.deepcopy(CELLS[name]) is CELLS[name]


def test_a_cell_inside_a_function_cannot_be_pickled():
    good = minimal(_clone(plain, "good"))
    with pytest.raises(pickle.PicklingError, match=r"cell good cannot be pickled: .*define it at the top of"):
        pickle.dumps(good)
    assert copy.deepcopy(good) is good
    assert copy.copy(good) is good


def test_a_cell_of_a_notebook_is_pickled_after_its_input_ran_twice(monkeypatch):
    """The layer holds the first of two definitions with the same equations."""
    module = sys.modules[__name__]
    first = minimal(_clone(plain, "twice"))
    second = minimal(_clone(plain, "twice"))
    monkeypatch.setattr(module, "twice", second, raising=False)
    layer = cellwright.Recurrent(first, 3, 4)
    copied = pickle.loads(pickle.dumps(layer))
    assert copied.cell is second
    x = torch.randn(5, 2, 3)
    assert torch.equal(copied(x)[0], layer(x)[0])


def test_a_cell_that_was_defined_anew_with_other_equations_is_not_pickled(monkeypatch):
    first = minimal(_clone(plain, "twice"))
    second = cell(projections="i g", gates="", state="h")(_clone(bare, "twice"))
    monkeypatch.setattr(sys.modules[__name__], "twice", second, raising=False)
    with pytest.raises(pickle.PicklingError, match=r"cell twice cannot be pickled: .* with other equations; make the "):
        pickle.dumps(first)


def test_a_pickled_cell_that_is_gone(monkeypatch):
    module = sys.modules[__name__]
    kept = minimal(_clone(plain, "kept"))
    monkeypatch.setattr(module, "kept", kept, raising=False)
    written = pickle.dumps(kept)
    assert pickle.loads(written) is kept
    monkeypatch.delattr(module, "kept")
    with pytest.raises(DefinitionError, match=re.escape(f"there is no cell {__name__}.kept")):
        pickle.loads(written)


def _clone(function, name):
    clone = type(function)(function.__code__, globals(), name)
    clone.__module__, clone.__qualname__ = __name__, name
    return clone


# --- the table -----------------------------------------------------------------------------------------
def test_get_names_the_nearest():
    with pytest.raises(InputError, match=r"there is no cell 'peephol'; the cells are rnn, .*; did you mean peephole\?"):
        get("peephol")
    assert get(CELLS["gru"]) is CELLS["gru"]
    with pytest.raises(InputError, match=r"there is no cell 'GRU'; .*; did you mean gru\?"):
        get("GRU")


@pytest.mark.parametrize(
    ("given", "fix"), [(plain, "put @cellwright.cell"), (None, "see cellwright.CELLS"), (["lstm"], "see"), (3, "see")]
)
def test_what_is_no_cell_says_what_is(given, fix):
    with pytest.raises(InputError, match=rf"the cell is .*; expected the name of a cell or a definition: {fix}"):
        cellwright.Recurrent(given, 3, 4)


def test_the_names_are_those_of_the_command_line():
    assert list(CELLS) == [
        *("rnn", "rnn-relu", "lstm", "gru", "lstm-1997", "peephole", "coupled", "relu-lstm", "mgu", "janet", "ligru"),
        *("layer-norm-lstm", "layer-norm-gru", "slstm"),
    ]
    assert all(isinstance(c, Definition) and c.name == name for name, c in CELLS.items())


@pytest.mark.parametrize("function", [standardise, lambda a: standardise(a[0])], ids=["tuple", "value"])
def test_standardise_is_torch_s_layer_norm(function):
    values = CELLS["gru"].Projections(*torch.randn(3, 4, 7, dtype=torch.float64))
    found = function(values)
    joined = torch.cat(found if isinstance(found, tuple) else [found], -1)
    given = torch.cat(values, -1) if isinstance(found, tuple) else values[0]
    assert_agree(joined, torch.nn.functional.layer_norm(given, given.shape[-1:]))
