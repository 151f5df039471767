"""The optimizer of dense and sparse gradients against Adam's formulas, and clipping against torch's of dense ones."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from agreement import assert_agree
from cellwright.models.embedding import Embedding
from cellwright.training.optimizer import RowAdam, clip, make_optimizer

RATE = 0.01


class Model(nn.Module):
    """An embedding with sparse gradients, one with dense ones, and a layer."""

    def __init__(self, sparse: bool = True) -> None:
        super().__init__()
        self.words = Embedding(7, 3, pairs=11, padding_is_read=True)
        for table in (self.words.token, self.words.pair):
            table.sparse = sparse
        self.letters = nn.Embedding(5, 3)
        self.dense = nn.Linear(3, 2)

    def loss(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.dense(self.words(tokens) + self.letters(tokens % 5)).square().sum()


def model() -> Model:
    torch.manual_seed(0)
    return Model()


TOKENS = torch.tensor([[2, 3, 2, 0], [4, 4, 1, 2]])


def test_biases_and_embeddings_do_not_decay() -> None:
    made = model()
    names = {id(parameter): name for name, parameter in made.named_parameters()}
    decayed = {
        names[id(parameter)]
        for group in make_optimizer(made, RATE, 0.3).param_groups
        for parameter in group["params"]
        if group.get("weight_decay")
    }
    assert decayed == {"dense.weight"}


def test_every_parameter_is_stepped_once() -> None:
    made = model()
    groups = make_optimizer(made, RATE, 0.3).param_groups
    assert sorted(id(p) for group in groups for p in group["params"]) == sorted(id(p) for p in made.parameters())


def test_the_rows_of_a_batch_move_as_adam_says_and_others_stay() -> None:
    made = model()
    optimizer = make_optimizer(made, RATE, 0.0)
    table = made.words.token.weight
    rows, moments = [2, 3, 4, 1], [torch.zeros(7, 3, dtype=torch.float64) for _ in range(2)]
    expected = table.detach().double().clone()
    for step in range(1, 4):
        optimizer.zero_grad()
        made.loss(TOKENS).backward()
        gradient = table.grad.to_dense().double()  # type: ignore[union-attr]
        moments = [0.9 * moments[0] + 0.1 * gradient, 0.999 * moments[1] + 0.001 * gradient**2]
        scaled = moments[0] / (1 - 0.9**step) / ((moments[1] / (1 - 0.999**step)).sqrt() + 1e-8)
        expected[rows] -= RATE * scaled[rows]
        optimizer.step()
    assert_agree(table, expected)


def test_rows_move_as_those_of_torchs_own_sparse_adam() -> None:
    ours, theirs = model().double(), model().double()
    made = [RowAdam(ours.words.parameters(), lr=RATE), torch.optim.SparseAdam(theirs.words.parameters(), lr=RATE)]
    for step in range(20):
        for each, optimizer in zip((ours, theirs), made, strict=True):
            optimizer.zero_grad()
            each.loss((TOKENS + step) % 7).backward()
            optimizer.step()
    for one, other in zip(ours.words.parameters(), theirs.words.parameters(), strict=True):
        assert_agree(one, other)
        for name, value in made[1].state[other].items():
            assert_agree(made[0].state[one][name], value)


@pytest.mark.parametrize(("value", "norm"), [(None, 0.5), (0.01, None), (0.01, 0.02), (None, None), (None, 1e9)])
def test_sparse_gradients_are_clipped_as_dense_ones(value: float | None, norm: float | None) -> None:
    sparse, dense = model().double(), Model(sparse=False).double()
    dense.load_state_dict(sparse.state_dict())
    for each in (sparse, dense):
        each.loss(TOKENS).backward()
    clip(sparse.parameters(), value, norm)
    if value is not None:
        nn.utils.clip_grad_value_(dense.parameters(), value)
    if norm is not None:
        nn.utils.clip_grad_norm_(dense.parameters(), norm)
    for one, other in zip(sparse.parameters(), dense.parameters(), strict=True):
        assert_agree(one.grad.to_dense(), other.grad)  # type: ignore[union-attr]


def test_a_state_that_was_kept_goes_on_to_the_same_bits() -> None:
    def train(made: Model, optimizer: Any, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            made.loss(TOKENS).backward()
            optimizer.step()

    whole = model()
    optimizer = make_optimizer(whole, RATE, 0.3)
    train(whole, optimizer, 2)
    again = copy.deepcopy(whole)
    resumed = make_optimizer(again, RATE, 0.3)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for one in (optimizer, resumed):  # a schedule sets the step size through the groups
        for group in one.param_groups:
            group["lr"] = RATE / 2
    train(whole, optimizer, 2)
    train(again, resumed, 2)
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
