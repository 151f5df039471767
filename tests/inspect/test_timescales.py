"""Selectivity on arrays made by hand; half-lives against the state that is left after a number of steps."""

import numpy as np
import pytest

from cellwright.cells import CELLS
from cellwright.inspect.recording import Letters
from cellwright.inspect.timescales import half_life, half_lives, kept, saturation
from strange_cells import crossing, input_alone, trading

DRAW = np.random.default_rng(0)
T, H = 6, 4


def letters_of(cell):
    """Values between 0.1 and 0.9, a letter unlike the other."""
    names = [*cell.trace.letters, *(s for s in cell.states if s not in cell.trace.letters)]
    return Letters(0, "forward", {name: DRAW.uniform(0.1, 0.9, (T, H)) for name in names})


def test_shares_of_a_gate_made_by_hand():
    found = saturation(np.array([[0.0, 0.05, 0.1, 0.5], [0.9, 0.95, 1.0, 0.91]]))
    assert (found.closed, found.open) == (0.25, 0.375)  # 0.1 and 0.9 themselves are neither
    assert found.mean == pytest.approx(0.55125)


def test_half_is_left_after_a_half_life():
    factor = np.array([[0.5, 0.25, 1.0, 0.9, 0.0], [0.5, 1.0, 1.0, 0.9, 0.5]])
    lives = half_life(factor)
    assert lives[:3].tolist() == pytest.approx([1, 1, np.inf])
    assert lives[3] == pytest.approx(6.5788, abs=1e-4)  # 0.9^6.58 = 0.5
    assert lives[4] == 0


@pytest.mark.parametrize(
    ("name", "state", "factor"),
    [
        ("lstm", "c", lambda v: v["f"]),
        ("peephole", "c", lambda v: v["f"]),
        ("coupled", "c", lambda v: v["f"]),
        ("gru", "h", lambda v: v["z"]),
        ("mgu", "h", lambda v: 1 - v["f"]),
        ("janet", "h", lambda v: v["f"]),
        ("slstm", "c", lambda v: v["f"]),
        ("slstm", "n", lambda v: v["f"]),
        ("lstm-1997", "c", lambda v: np.ones((T, H))),
    ],
)
def test_the_factor_that_keeps_a_state(name, state, factor):
    values = letters_of(CELLS[name]).values
    np.testing.assert_array_equal(kept(CELLS[name], state, values), factor(values))


def test_states_without_a_factor_have_no_half_life():
    assert half_lives(CELLS["rnn"], letters_of(CELLS["rnn"])) == {}
    assert set(half_lives(CELLS["slstm"], letters_of(CELLS["slstm"]))) == {"c", "n"}  # m goes through a choice
    assert half_lives(crossing, letters_of(crossing)) == {}


def test_factors_of_cells_of_one_s_own():
    values = letters_of(trading).values
    np.testing.assert_array_equal(kept(trading, "d", values), values["k"])
    np.testing.assert_array_equal(kept(trading, "h", values), (1 - values["o"]) * values["d"])
    values = letters_of(input_alone).values
    np.testing.assert_array_equal(kept(input_alone, "h", values), values["k"])
