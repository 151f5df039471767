"""The reference: derivatives of every cell, what it does with lengths, directions and resets, and its evaluator."""

from operator import attrgetter
from types import SimpleNamespace

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from agreement import assert_agree
from calls import OF_X, SMOOTH, SOME
from cellwright.backends import reference
from cellwright.cells import CELLS
from cellwright.cells.definition import PER_PROJECTION, PER_UNIT, Definition
from cellwright.cells.derived import recurrent_dropout, zoneout
from cellwright.cells.expression import EVERYTHING, interval
from cellwright.cells.language import (
    State,
    amax,
    atan,
    cos,
    detach,
    exp,
    floor,
    log,
    log1p,
    log_sigmoid,
    maximum,
    mean,
    minimum,
    power,
    relu,
    select,
    sigmoid,
    sin,
    softmax,
    softplus,
    spike,
    sqrt,
    standardise,
    straight_through,
    tanh,
    total,
)
from cellwright.cells.trace import used_inputs
from drawing import Case, draw, run_direction

DERIVED = [zoneout(CELLS["gru"]), recurrent_dropout(CELLS["lstm"]), zoneout(recurrent_dropout(CELLS["lstm"]))]
EVERY = [*CELLS.values(), *DERIVED]


# --- derivatives ---------------------------------------------------------------------------------------
def _function(case: Case, reverse: bool, resets: bool):
    """`run_direction` of everything that a gradient may flow into, and those tensors."""
    fresh = [0.5 * s.abs() + 0.1 for s in case.state]
    tensors = [case.rows, *case.state, *fresh, *case.weights.flat, *case.streams.values()]
    sizes = [1, len(fresh), len(fresh), len(case.weights.flat), len(case.streams)]
    reset = (torch.arange(len(case.rows)) % 4 == 1) if resets else None

    def function(*given):
        (rows,), state, fresh, weights, streams = _split(given, sizes)
        found = run_direction(
            case.cell,
            rows,
            case.batch_sizes,
            state,
            case.weights.replaced(weights),
            reverse=reverse,
            reset=reset,
            fresh=fresh,
            streams=dict(zip(case.streams, streams, strict=True)),
        )
        return found.rows, *found.state

    return function, [t.clone().requires_grad_() for t in tensors]


def _split(values, sizes):
    start = 0
    for size in sizes:
        yield values[start : start + size]
        start += size


# Steps are gone through by one code for all cells: some of each kind go through them in every way.
WAYS = [(cell, True, True) for cell in EVERY if cell in (*SMOOTH, *DERIVED)]
WAYS += [(cell, *way) for cell in SOME for way in ((False, False), (False, True), (True, False)) if cell in SMOOTH]


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "reverse", "resets"), WAYS, ids=repr)
def test_first_derivatives(cell, reverse, resets):
    """Of rows, weights, states, fresh states and streams; ragged, with a sequence of no step."""
    function, tensors = _function(draw(cell, (3, 2, 0), hidden=3), reverse, resets)
    assert gradcheck(function, tensors)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [cell for cell in EVERY if cell in (*SMOOTH, *DERIVED)], ids=repr)
def test_second_derivatives(cell):
    function, tensors = _function(draw(cell, (3, 2, 0), hidden=3), reverse=True, resets=True)
    assert gradgradcheck(function, tensors, fast_mode=True)


# --- lengths, directions, resets -----------------------------------------------------------------------
@pytest.mark.parametrize("cell", EVERY, ids=repr)
def test_a_sequence_among_others_is_the_sequence_alone(cell):
    case = draw(cell, (5, 3, 3, 1, 0))
    together = case.run()
    offsets = [sum(case.batch_sizes[:t]) for t in range(5)]
    for b, length in enumerate(case.lengths):
        alone = Case(
            cell,
            (length,),
            case.of_sequence(case.rows, b),
            [s[b : b + 1] for s in case.state],
            case.weights,
            {
                name: s[b : b + 1] if len(s) == 5 else s[[offset + b for offset in offsets[:length]]]
                for name, s in case.streams.items()
            },
        ).run()
        assert_agree(case.of_sequence(together.rows, b), alone.rows)
        for ours, expected in zip(together.state, alone.state, strict=True):
            assert_agree(ours[b : b + 1], expected)


@pytest.mark.parametrize("name", OF_X)
def test_reverse_is_forward_on_the_sequence_turned_round(name):
    case = draw(CELLS[name], (4, 2))
    backward = case.run(reverse=True)
    for b in range(2):
        x, before = case.of_sequence(case.rows, b), [s[b : b + 1] for s in case.state]
        turned = run_direction(case.cell, x.flip(0), [1] * len(x), before, case.weights)
        assert_agree(case.of_sequence(backward.rows, b), turned.rows.flip(0))
        assert_agree([s[b : b + 1] for s in backward.state], list(turned.state))


@pytest.mark.parametrize("fresh", [False, True], ids=["from zero", "from fresh"])
@pytest.mark.parametrize("name", OF_X)
def test_a_reset_begins_a_new_sequence(name, fresh):
    case = draw(CELLS[name], (5,))
    start = [torch.full_like(s, 0.3) if fresh else torch.zeros_like(s) for s in case.state]
    reset = torch.tensor([False, False, True, False, False])
    found = case.run(reset=reset, fresh=start if fresh else None)
    first = run_direction(case.cell, case.rows[:2], [1, 1], case.state, case.weights)
    second = run_direction(case.cell, case.rows[2:], [1, 1, 1], start, case.weights)
    assert_agree(found.rows, torch.cat([first.rows, second.rows]))
    assert_agree(list(found.state), list(second.state))


def test_recorded_letters_are_the_gates():
    case = draw(CELLS["lstm"], (1, 1))
    w = case.weights
    a = case.rows @ w.input.T + w.input_bias + case.state[0] @ w.recurrent.T + w.recurrent_bias
    i, f, g, o = a.view(2, 4, 5).unbind(1)
    letters = case.run(record=True).letters
    expected = {"i": i.sigmoid(), "f": f.sigmoid(), "g": g.tanh(), "o": o.sigmoid()}
    expected["c"] = expected["f"] * case.state[1] + expected["i"] * expected["g"]
    expected["h"] = expected["o"] * expected["c"].tanh()
    assert list(letters) == list(expected)
    for name, value in expected.items():
        assert_agree(letters[name], value)


@pytest.mark.parametrize("name", CELLS)
def test_inputs_stay_as_they_were(name):
    case, again = draw(CELLS[name]), draw(CELLS[name])
    case.run(reverse=True, reset=torch.ones(len(case.rows), dtype=torch.bool), record=True)
    assert torch.equal(case.rows, again.rows)
    for ours, expected in zip([*case.state, *case.weights.flat], [*again.state, *again.weights.flat], strict=True):
        assert torch.equal(ours, expected)


@pytest.mark.parametrize("name", OF_X)
def test_runs_under_vmap(name):
    """One more leading dimension of rows, mapped over."""
    case = draw(CELLS[name], (3, 1))
    rows = torch.stack([case.rows, -case.rows, 2 * case.rows])

    def run(rows):
        return run_direction(case.cell, rows, case.batch_sizes, case.state, case.weights).rows

    assert_agree(torch.vmap(run)(rows), torch.stack([run(r) for r in rows]))


# --- the evaluator and the intervals, on any expression ------------------------------------------------
def _no_product(name, operand):
    raise AssertionError(f"{name} multiplies nothing here")


_UNARY = (sigmoid, tanh, relu, exp, log, log1p, sqrt, softplus, log_sigmoid, abs, standardise, lambda a: -a)
_UNARY += (floor, lambda a: floor(2 / (1 + abs(a))))
_UNARY += (sin, cos, atan, softmax, spike, detach, lambda a: a**2, lambda a: a**-3, lambda a: a**0.5, lambda a: 2**a)
_BINARY = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    maximum,
    minimum,
    power,
    straight_through,
    lambda a, b: a - mean(b + a * 0),
    lambda a, b: total(a + b * 0) * b,
    lambda a, b: a / (1 + abs(amax(b + a * 0))),
    lambda a, b: select(a > b, a, 2.0),
    lambda a, b: select(a < 0.5, b, a),
    lambda a, b: 1.5 - a * b / (3 + b),
)
_LEAVES = ("x.a", "x.b", "u.a", "u.b", "s.h", "p.w", "p.v.a", "p.v.b", "m.k")
_TREES = st.recursive(
    st.sampled_from(_LEAVES),
    lambda below: st.tuples(st.sampled_from(_UNARY), below) | st.tuples(st.sampled_from(_BINARY), below, below),
    max_leaves=12,
)


def _build(tree, roots):
    """The value of a tree whose leaves are names, on tensors or expressions."""
    if isinstance(tree, tuple):
        function, *operands = tree
        return function(*(_build(o, roots) for o in operands))
    root, *path = tree.split(".")
    found = roots[root]
    for part in path:
        found = getattr(found, part)
    return found


def _cell(tree) -> Definition:
    """A cell whose step computes the tree, and uses all that it declares."""

    def step(x, u, s, p, m):
        y = _build(tree, {"x": x, "u": u, "s": s, "p": p, "m": m})
        return State(h=y + 0 * (x.a + x.b + u.a + s.h + p.w + p.v.a + m.k))

    return Definition(
        name="any",
        step=step,
        projections=("a", "b"),
        gates=(),
        states=("h",),
        parameters={"w": PER_UNIT, "v": PER_PROJECTION},
        masks={"k": "step"},
    )


def _numbers(cell, seed):
    generator = torch.Generator().manual_seed(seed)
    x, u, v = (cell.Projections(*torch.randn(2, 3, 4, generator=generator, dtype=torch.float64) * 3) for _ in range(3))
    s, w, k = torch.randn(3, 3, 4, generator=generator, dtype=torch.float64)
    return x, u, cell.States(s), SimpleNamespace(w=w, v=v), SimpleNamespace(k=k)


def _by_name(cell, roots):
    return {name: attrgetter(name)(SimpleNamespace(**roots)) for name in used_inputs(cell.trace.order)}


@settings(max_examples=150)
@given(tree=_TREES, seed=st.integers(0, 99))
@example(tree=(_UNARY[-2], "x.a"), seed=37)
def test_a_traced_step_evaluates_to_what_the_step_computes(tree, seed):
    cell = _cell(tree)
    numbers = _numbers(cell, seed)
    roots = dict(zip("xuspm", numbers, strict=True))
    found = reference.evaluator(cell.trace.letters, numbers[0][0])(_by_name(cell, roots), (3, 4), _no_product)["y"]
    assert torch.equal(found.nan_to_num(-7.0), _build(tree, roots).expand(3, 4).nan_to_num(-7.0))


@settings(max_examples=150)
@given(tree=_TREES, seed=st.integers(0, 99))
def test_values_lie_in_their_interval(tree, seed):
    cell = _cell(tree)
    y = cell.trace.letters["y"]
    low, high = interval(y)
    numbers = _numbers(cell, seed)
    roots = dict(zip("xuspm", numbers, strict=True))
    found = reference.evaluator({"y": y}, numbers[0][0])(_by_name(cell, roots), (3, 4), _no_product)["y"]
    found = found[found.isfinite()]  # outside their domain log and sqrt have no value, and exp may overflow
    assert ((found >= low - 1e-9 * abs(low)) | (low == EVERYTHING[0])).all()
    assert ((found <= high + 1e-9 * abs(high)) | (high == EVERYTHING[1])).all()
