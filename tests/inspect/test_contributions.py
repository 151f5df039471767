"""Integrated gradients against integrals done by hand."""

import pytest
import torch

from cellwright.inspect.contributions import MOST_STEPS, STEPS, integrated_gradients


def test_a_linear_score_gives_each_token_its_own_part():
    weight, embedded = torch.randn(4, 3), torch.randn(4, 3)
    found = integrated_gradients(lambda e: (e * weight).sum((1, 2)) + 7, embedded, at_once=5)
    torch.testing.assert_close(torch.from_numpy(found.values), (weight * embedded).sum(1))
    assert found.baseline == pytest.approx(7)
    assert found.steps == STEPS


def test_a_product_of_two_tokens_is_shared_between_them():
    """F = a·b: both get ∫ α a b dα = a b / 2."""
    embedded = torch.tensor([[3.0], [5.0], [11.0]])
    found = integrated_gradients(lambda e: e[:, 0, 0] * e[:, 1, 0], embedded, at_once=32)
    assert found.values.tolist() == pytest.approx([7.5, 7.5, 0.0], abs=1e-4)


def test_steps_are_added_until_the_sum_holds_and_no_further_than_the_most():
    steep = integrated_gradients(lambda e: torch.sigmoid(200 * e.sum((1, 2)) - 9), torch.ones(2, 1), at_once=64)
    assert STEPS < steep.steps < MOST_STEPS
    assert abs(steep.remainder) <= 0.01
    step = integrated_gradients(lambda e: (e.sum((1, 2)) > 1).float() + 0 * e.sum((1, 2)), torch.ones(2, 1), at_once=64)
    assert step.steps == MOST_STEPS
    assert step.remainder == pytest.approx(1)
