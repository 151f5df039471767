"""What a training step keeps in 16 bits: which values, and what the gradients of a step err by."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agreement import assert_agree
from calls import EVERY, REGULARISED
from cellwright.cells import CELLS, Definition
from cellwright.compiler.ir.halves import halves
from cellwright.compiler.ir.interpret import interpret
from cellwright.compiler.ir.remat import training
from numbers_of_a_step import Numbers


def _kept(name: str) -> dict[str, list[bool]]:
    """By the operation that made it, or the state: whether it is kept by its distance from 1."""
    plan, found = training(CELLS[name]), dict[str, list[bool]]()
    for one, share in halves(CELLS[name], plan).items():
        op = plan.forward.nodes[plan.forward.outputs[one]].op if one.startswith("saved.") else one
        found.setdefault(op, []).append(share)
    return found


def test_gates_are_kept_by_their_distance_from_1_and_all_else_as_it_is():
    assert _kept("lstm") == {"sigmoid": [True] * 3, "tanh": [False], "s.h": [False]}
    assert _kept("gru") == {"sigmoid": [True] * 2, "tanh": [False], "input": [False], "s.h": [False]}


def test_what_exponentials_and_comparisons_are_made_of_is_not():
    assert _kept("slstm") == {"s.h": [False]}  # a stabiliser is the larger of two logarithms
    assert _kept("relu-lstm") == {"s.h": [False]}  # c, made anew of i, f and g, is compared with 0
    assert _kept("mingru") == {"sigmoid": [True], "input": [False]}  # nothing multiplies its state


def _rounded(value: np.ndarray, share: bool) -> np.ndarray:
    """To bfloat16 by torch; a share that is nearer to 1 by its distance from there."""

    def nearest(x: np.ndarray) -> np.ndarray:
        return torch.from_numpy(np.array(x)).bfloat16().double().numpy()

    return np.where(value > 0.5, 1 - nearest(1 - value), nearest(value)) if share else nearest(value)


def _products_of(cell: Definition) -> set[str]:
    return {f"{root}.{letter}" for root in "xu" for letter in cell.projections}


@pytest.mark.parametrize("cell", [*EVERY, *REGULARISED], ids=repr)
def test_the_gradients_of_a_step_err_by_a_percent(cell):
    """The programs in float64, but for what is kept: nothing that the derivative enlarges is.

    Of candidates that are not all near 1: there the derivative of tanh is small, and errs by a share of 1.
    """
    numbers, plan, kept = Numbers(cell), training(cell), halves(cell, training(cell))
    arrays = {n: v / 3 if n in _products_of(cell) else v for n, v in numbers.arrays().items()}
    saved = {n: v for n, v in interpret(plan.forward, arrays).items() if n.startswith(("saved.", "row."))}
    at_hand = {n: v for n, v in arrays.items() if n not in _products_of(cell)}
    exact = saved | at_hand | numbers.cotangents()
    less = {n: _rounded(v, kept[n]) if n in kept else v for n, v in exact.items()}
    found, wanted = interpret(plan.backward, less), interpret(plan.backward, exact)
    assert_agree(found, wanted, share=0.01)
