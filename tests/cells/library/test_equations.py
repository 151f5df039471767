"""Every cell's numbers against an independent implementation, and its docstring against its own step."""

import inspect
from itertools import combinations

import pytest
import torch
import torchrecurrent

from agreement import assert_agree
from calls import OF_X
from cellwright.cells import CELLS
from cellwright.cells.formulas import equations, where
from drawing import Case, draw, exchange
from independent import INDEPENDENT

LENGTHS = [(5, 3, 3, 1, 0), (4,), (1, 1), (1,)]


def compare(case: Case, ours: Case, reverse: bool = False) -> None:
    """Hold `ours`, run by the reference, against the independent implementation of `case`, sequence by sequence."""
    found = ours.run(reverse=reverse)
    for b, length in enumerate(case.lengths):
        x = case.of_sequence(case.rows, b)
        before = [s[b] for s in case.state]
        if not length:
            rows, after = x.new_zeros(0, 5), before
        elif reverse:
            rows, after = INDEPENDENT[case.cell.name](case.weights, x.flip(0), before)
            rows = rows.flip(0)
        else:
            rows, after = INDEPENDENT[case.cell.name](case.weights, x, before)
        assert_agree(ours.of_sequence(found.rows, b), rows)
        for name, state, expected in zip(case.cell.states, found.state, after, strict=True):
            assert_agree(state[b], expected, name=f"state {name}")


def test_every_cell_has_an_independent_implementation():
    assert set(INDEPENDENT) == set(OF_X)  # test_process_models.py has those that are given more


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("name", OF_X)
def test_agrees_with_the_independent_implementation(name, lengths, reverse):
    case = draw(CELLS[name], lengths)
    compare(case, case, reverse)


@pytest.mark.parametrize("name", [name for name in OF_X if len(CELLS[name].projections) > 1])
def test_exchanging_two_gates_is_noticed(name):
    """Of any two projections, with all that belongs to them: else the comparison above would prove nothing."""
    case = draw(CELLS[name])
    for first, second in combinations(range(len(case.cell.projections)), 2):
        with pytest.raises(AssertionError):
            compare(case, exchange(case, first, second))


@pytest.mark.parametrize("name", [name for name in OF_X if CELLS[name].parameters])
def test_exchanging_two_own_parameters_is_noticed(name):
    case = draw(CELLS[name])
    for first, second in combinations(case.weights.extra_parameters, 2):
        if case.weights.extra_parameters[first].shape != case.weights.extra_parameters[second].shape:
            continue
        exchanged = draw(CELLS[name])
        own = exchanged.weights.extra_parameters
        own[first], own[second] = own[second], own[first]
        with pytest.raises(AssertionError):
            compare(case, exchanged)


@pytest.mark.parametrize("name", CELLS)
def test_the_docstring_is_what_the_step_computes(name):
    text = inspect.getdoc(CELLS[name].step)
    assert [line.strip() for line in text.splitlines() if line.startswith("    ")] == equations(CELLS[name])
    assert where(CELLS[name]).rstrip(".") in " ".join(text.split())


@pytest.mark.parametrize("name", CELLS)
def test_the_docstring_names_its_source_and_year(name):
    title, blank, source, *_ = inspect.getdoc(CELLS[name].step).splitlines()
    assert title.endswith(".")
    assert not blank
    assert any(str(year) in source for year in range(1950, 2030))


def test_mgu_is_the_paper_s_where_the_matrix_is_diagonal():
    """There f · (U h) = U (f · h), so that gate after the product and gate before it are the same."""
    case = draw(CELLS["mgu"], (4,))
    recurrent, bias = case.weights.recurrent, case.weights.recurrent_bias
    recurrent[5:] = torch.diag(recurrent[5:].diag().clone())
    bias[5:] = 0
    cell = torchrecurrent.MGUCell(2, 5).double()
    with torch.no_grad():
        for parameter, value in zip(cell.parameters(), case.weights.flat, strict=True):
            parameter.copy_(value)
    h = case.state[0][0]
    for row, found in zip(case.rows, case.run().rows, strict=True):
        h = cell(row, h)
        assert_agree(found, h)


def test_slstm_from_nothing_is_the_unstabilised_cell():
    """From states of zero, as a layer begins: n_0 = 0."""
    case = draw(CELLS["slstm"])
    case.state = [torch.zeros_like(s) for s in case.state]
    compare(case, case)


@pytest.mark.parametrize("size", [-1e4, -200.0, 200.0, 1e4])
def test_slstm_stays_finite_where_exp_would_not(size):
    """In float32 e^±200 is 0 and inf; the stabiliser keeps both gates in range, from the first step."""
    case = draw(CELLS["slstm"], (6, 4), seed=1)
    weights = [w.float() for w in case.weights.flat]
    weights[2][:5] = size
    case.weights = type(case.weights)(*weights)
    case.rows, case.state = case.rows.float(), [torch.zeros(2, 5) for _ in range(4)]
    found = case.run()
    assert found.rows.isfinite().all()
    assert found.rows.abs().max() > 1e-3
    assert (found.state.n >= 1).all()


def test_minlstm_shares_where_both_gates_are_shut():
    """In float32 σ(−200) is 0, and 0 / 0 no share."""
    case = draw(CELLS["minlstm"], (4,))
    weights = [w.float() for w in case.weights.flat]
    weights[1][:10] = -200
    case.weights = type(case.weights)(weights[0], None, weights[1])
    case.rows, case.state = case.rows.float(), [s.float() for s in case.state]
    assert case.run().rows.isfinite().all()
