"""What is saved and what is computed again: the two programs of a training step, one after the other."""

import pytest

from agreement import assert_agree
from calls import EVERY, REGULARISED
from cellwright.cells import CELLS
from cellwright.compiler.ir.autodiff import derivative
from cellwright.compiler.ir.interpret import interpret
from cellwright.compiler.ir.program import forward
from cellwright.compiler.ir.remat import training
from numbers_of_a_step import Numbers


@pytest.mark.parametrize("cell", [*EVERY, *REGULARISED], ids=repr)
def test_backward_of_what_forward_saved_is_the_derivative(cell):
    given = frozenset(name for name in cell.streams if not name.startswith("m."))
    numbers, plan = Numbers(cell), training(cell, given)
    arrays = numbers.arrays()
    kept = {n: v for n, v in interpret(plan.forward, arrays).items() if n.startswith(("saved.", "row."))}
    at_hand = {n: v for n, v in arrays.items() if n not in _projections(cell)}  # the backward pass has none
    found = interpret(plan.backward, kept | at_hand | numbers.cotangents())
    wanted = interpret(derivative(cell, given), arrays | numbers.cotangents())
    assert_agree(found, wanted, share=1e-13)


@pytest.mark.parametrize("cell", [*EVERY, *REGULARISED], ids=repr)
def test_what_is_saved_is_used_and_of_the_right_kind(cell):
    plan = training(cell)
    saved = [f"saved.{k}" for k in range(plan.saved)]
    rows = [f"row.{k}" for k in range(plan.saved_rows)]
    assert set(plan.forward.outputs) == {*saved, *rows, *forward(cell).outputs}
    assert {*saved, *rows} <= set(plan.backward.inputs())
    assert not _projections(cell).intersection(plan.backward.inputs())
    per_row = plan.forward.per_row()
    assert not any(per_row[plan.forward.outputs[name]] for name in saved)
    assert all(per_row[plan.forward.outputs[name]] for name in rows)


def _projections(cell):
    return {f"{root}.{name}" for root in "xu" for name in cell.projections}


def _saved(name):
    """What the plan of a cell saves, each written with its operation."""
    program = training(CELLS[name]).forward
    ops = {n: program.nodes[i].op for n, i in program.outputs.items() if n.startswith(("saved.", "row."))}
    return sorted(ops.values())


def test_the_lstm_saves_its_four_gates_and_nothing_else():
    assert _saved("lstm") == ["sigmoid", "sigmoid", "sigmoid", "tanh"]
    assert _saved("coupled") == ["sigmoid", "sigmoid", "tanh"]  # f = 1 − i is computed again


def test_the_gru_saves_its_gates_and_the_product_that_r_scales():
    assert _saved("gru") == ["input", "sigmoid", "sigmoid", "tanh"]


def test_nothing_is_saved_that_another_saved_value_gives():
    """tanh(c) of the LSTM, and the derivative's squares, are made of what is at hand."""
    for name in ("lstm", "peephole", "relu-lstm", "lstm-1997"):
        plan = training(CELLS[name])
        assert plan.saved == len(CELLS[name].projections)
        assert plan.saved_rows == 0
