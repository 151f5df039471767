"""Pools against a loop over rows that cuts each at its own length."""

import pytest
import torch

from agreement import assert_agree
from cellwright.models.architecture import Pooling
from cellwright.models.pooling import AttentionPooling, LastPooling, MaxPooling, MeanPooling, make_pooling

LENGTHS = torch.tensor([4, 1, 7, 3])


@pytest.fixture
def output() -> torch.Tensor:
    """(4, 7, 6), zero past each length, every valid value below zero: a pool that sees the padding shows it."""
    torch.manual_seed(0)
    values = -torch.rand(4, 7, 6, dtype=torch.float64) - 0.1
    return values * (torch.arange(7) < LENGTHS[:, None]).unsqueeze(-1)


def rows(output: torch.Tensor) -> list[torch.Tensor]:
    return [row[:length] for row, length in zip(output, LENGTHS.tolist(), strict=True)]


def test_max_and_mean(output: torch.Tensor) -> None:
    assert torch.equal(MaxPooling()(output, LENGTHS), torch.stack([row.max(0).values for row in rows(output)]))
    assert_agree(MeanPooling()(output, LENGTHS), torch.stack([row.mean(0) for row in rows(output)]))


def test_the_gradient_of_max_is_shared_among_steps_that_tie() -> None:
    torch.manual_seed(0)
    drawn = torch.randint(-2, 3, (4, 7, 6)) / 2
    values = drawn.double().masked_fill((torch.arange(7) >= LENGTHS[:, None]).unsqueeze(-1), 0).requires_grad_()
    weight = torch.randn(4, 6, dtype=torch.float64)
    (found,) = torch.autograd.grad(MaxPooling()(values, LENGTHS), values, weight)
    (expected,) = torch.autograd.grad(torch.stack([row.amax(0) for row in rows(values)]), values, weight)
    assert ((found != 0).sum(1) > 1).any()
    assert_agree(found, expected)


def test_last_takes_each_direction_at_its_own_end(output: torch.Tensor) -> None:
    expected = torch.stack([torch.cat([row[-1, :3], row[0, 3:]]) for row in rows(output)])
    assert torch.equal(LastPooling(bidirectional=True)(output, LENGTHS), expected)
    assert torch.equal(LastPooling(bidirectional=False)(output, LENGTHS), torch.stack([r[-1] for r in rows(output)]))


def test_attention(output: torch.Tensor) -> None:
    pool = AttentionPooling(6).double()
    expected = []
    for row in rows(output):
        score = torch.tanh(row @ pool.project.weight.T + pool.project.bias) @ pool.score.weight[0]
        share = torch.exp(score) / torch.exp(score).sum()
        expected.append(share @ row)
    assert_agree(pool(output, LENGTHS), torch.stack(expected))


@pytest.mark.parametrize("name", ["last", "max", "mean", "attention"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_row_of_length_zero_is_zeros_with_finite_gradients(name: Pooling, bidirectional: bool) -> None:
    output = torch.zeros(2, 3, 4)
    output[0] = torch.randn(3, 4)
    output.requires_grad_()
    pool = make_pooling(name, 4, bidirectional)
    pooled = pool(output, torch.tensor([3, 0]))
    pooled.sum().backward()
    assert torch.equal(pooled[1], torch.zeros(4))
    assert output.grad is not None
    assert torch.isfinite(output.grad).all()
