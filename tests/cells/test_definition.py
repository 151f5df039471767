"""What a definition refuses of its declaration, its arguments and what its step returns."""

import functools
import re

import pytest
import torch

from cellwright.cells.definition import PER_PROJECTION, PER_UNIT, cell
from cellwright.cells.language import State, mean, sigmoid, tanh
from cellwright.errors import DefinitionError
from refused_cells import minimal, plain, refused


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
        (
            {"projections": "", "gates": ""},
            "…: it has neither projections nor inputs; expected at least one letter of either",
        ),
        ({"projections": "i g i"}, "…: the projection i is declared twice; each letter stands for one"),
        ({"projections": "i lambda"}, "…: the projection 'lambda' cannot be written as an attribute; …"),
        ({"state": "2"}, "…: the state '2' cannot be written as an attribute; choose another letter"),
        ({"state": "letters"}, "…: the state 'letters' cannot be written as an attribute; choose another letter"),
        ({"normalised": "g"}, "…: normalised names g, which is none of the gates; those are i"),
        ({"ones": "w"}, "…: ones names w, which is none of the parameters; those are (none)"),
        (
            {"parameters": {"w": PER_UNIT}},
            "…: line …: the parameter w is declared and no new state depends on it; use p.w or leave it out",
        ),
    ],
)
def test_what_is_declared_is_held_against_the_step(declared, message):
    options = {"projections": "i g", "gates": "i", "state": "h"} | declared
    refused(f"cell plain{message[1:]}", plain, cell(**options))


def test_a_step_that_takes_u_without_recurrence_is_refused():
    """The layer would have a weight_hh that no output depends on."""

    def bad(x, u, s):
        f = sigmoid(x.i)
        return State(h=f * s.h + (1 - f) * tanh(x.g))

    declare = cell(projections="i g", gates="", state="h")
    refused(
        "cell bad: line … (`def bad(x, u, s):`): no new state depends on u = U h + b', …; use u.i, or leave u out …",
        bad,
        declare,
    )


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
    refused(f"cell bad: the parameter w is declared {shape!r}; expected PER_UNIT, …", _bad_w, declare)


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


def test_a_state_must_be_a_value_of_the_step():
    def bad(x, u, s):
        return State(h=0.5)

    refused("cell bad: the new state h is 0.5; expected a value made of x, u and s", bad)


def test_a_state_must_be_one_a_unit():
    def bad(x, u, s):
        return State(h=mean(s.h + x.i + u.g + x.g))

    refused("cell bad: line …: the new state h is one number a row; expected one a unit", bad)


def test_a_lambda_has_no_name():
    refused(
        "cell <lambda>: its step is a lambda or no function; expected def name(x, u, s): …, whose name becomes …",
        lambda x, u, s: State(h=s.h + x.i + u.g + x.g),
    )


def test_a_step_takes_what_it_names():
    """x, u, s and p by their names; under other names all that the declaration gives, in this order."""

    def bad(x, h):
        return State(h=h.h + x.i + x.g)

    def superfluous(x, u, s, p):
        return State(h=s.h + x.i + u.g + x.g)

    refused("cell bad: line … (`def bad(x, h):`): the step takes (x, h); expected (x, u, s), …", bad)
    message = (
        "cell superfluous: line …: the step takes (x, u, s, p); expected (x, u, s), or those of them that it uses, …"
    )
    refused(message, superfluous)

    @cell(projections="i g", gates="", state="h")
    def renamed(inputs, recurrent, states):
        return State(h=states.h + inputs.i + recurrent.g + inputs.g)

    assert renamed.reads == {"x.i", "x.g", "u.g", "s.h"}
