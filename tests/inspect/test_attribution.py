"""Integrated gradients against integrals done by hand."""

import numpy as np
import pytest
import torch

from agreement import assert_agree
from cellwright.inspect import attribution
from cellwright.inspect.attribution import PARTS, TOLERANCE, integrated_gradients
from cellwright.pauses import pausing

FIRST = 2 * PARTS + 1


def test_a_linear_score_gives_each_token_its_own_part():
    weight, embedded = torch.randn(2, 4, 3, dtype=torch.float64)
    found = integrated_gradients(lambda e: (e * weight).sum((1, 2)) + 7, embedded, at_once=5)
    assert_agree(found.values, (weight * embedded).sum(1))
    assert_agree(found.baseline, 7.0)
    assert found.steps == FIRST


def test_a_product_of_two_tokens_is_shared_between_them():
    """F = a·b: both get ∫ α a b dα = a b / 2."""
    embedded = torch.tensor([[3.0], [5.0], [11.0]])
    found = integrated_gradients(lambda e: e[:, 0, 0] * e[:, 1, 0], embedded, at_once=32)
    assert found.values.tolist() == pytest.approx([7.5, 7.5, 0.0], abs=1e-4)


def test_a_bend_is_found_and_only_there_points_are_added():
    """F = max(a, b² / 4) of a = 3, b = 5: 3α up to where both are equal, 25α²/4 beyond."""
    embedded = torch.tensor([[3.0], [5.0]])
    found = integrated_gradients(lambda e: torch.maximum(e[:, 0, 0], e[:, 1, 0] ** 2 / 4), embedded, at_once=64)
    bend = 3 / (25 / 4)
    expected = np.array([3 * bend, 25 / 4 * (1 - bend**2)])
    assert np.abs(found.values - expected).max() <= 0.01 * expected.sum()
    assert FIRST < found.steps < 2 * FIRST


def test_a_steep_score_is_followed_and_a_jump_not_for_ever():
    steep = integrated_gradients(lambda e: torch.sigmoid(200 * e.sum((1, 2)) - 9), torch.ones(2, 1), at_once=64)
    assert FIRST < steep.steps < 100
    assert abs(steep.remainder) <= TOLERANCE
    jump = integrated_gradients(lambda e: (e.sum((1, 2)) > 1).float() + 0 * e.sum((1, 2)), torch.ones(2, 1), at_once=64)
    assert jump.steps == FIRST + 2 * attribution.HALVINGS
    assert jump.remainder == pytest.approx(1)


def test_attributions_that_cancel_are_no_reason_for_more_points():
    """Their sum is nearly zero, but not they: what is left over is small beside what is drawn."""
    weights = torch.tensor([[1.0], [-1.0]])
    found = integrated_gradients(lambda e: (torch.sinh(2 * e) * weights).sum((1, 2)), torch.ones(2, 1), at_once=64)
    assert found.values.tolist() == pytest.approx([np.sinh(2), -np.sinh(2)], rel=1e-4)
    assert found.steps == FIRST


def test_the_work_has_a_limit_whatever_the_score(monkeypatch):
    monkeypatch.setattr(attribution, "MOST_READ", 4 * 60)
    wild = integrated_gradients(lambda e: torch.sin(3000 * e.sum((1, 2))), torch.ones(4, 1), at_once=7)
    assert 50 < wild.steps <= 60


def test_there_is_a_pause_before_each_batch_and_before_its_gradients():
    rows, pauses = [], []

    def score(embedded):
        rows.append(len(embedded))
        return embedded.sum((1, 2))

    with pausing(lambda: pauses.append(len(rows))):
        integrated_gradients(score, torch.ones(2, 1), at_once=4)
    assert max(rows) <= 4
    assert pauses == [batch + half for batch in range(len(rows)) for half in (0, 1)]
