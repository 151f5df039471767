"""Texts in pieces against each text alone, and parts within a budget against the whole batch."""

import pytest
import torch
from torch import Tensor, nn

from agreement import assert_agree
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.models.pieces import JoinPieces, encode_within

PIECES = torch.tensor([2, 1, 3])
ENCODED = torch.randn(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def of_each_text(join) -> Tensor:
    return torch.stack([join(rows) for rows in torch.split(ENCODED, PIECES.tolist())])


def test_mean_and_maximum_of_each_text() -> None:
    for name, by_hand in {"mean": lambda rows: rows.mean(0), "max": lambda rows: rows.amax(0)}.items():
        joined = JoinPieces(name, "lstm", 8, 4, bidirectional=True).double()(ENCODED, PIECES)
        assert_agree(joined, of_each_text(by_hand))


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_second_layer_is_torchs_over_the_pieces_of_each_text(bidirectional: bool) -> None:
    join = JoinPieces("recurrent", "lstm", 8, 4 if bidirectional else 8, bidirectional).double()
    twin = nn.LSTM(8, 4 if bidirectional else 8, bidirectional=bidirectional, dtype=torch.float64)
    twin.load_state_dict(join.recurrent.state_dict())

    def last(rows: Tensor) -> Tensor:
        _, (h, _) = twin(rows)
        return h.flatten()

    assert_agree(join(ENCODED, PIECES), of_each_text(last))


@pytest.mark.parametrize("name", ["mean", "max", "recurrent"])
def test_without_pieces_each_row_is_a_text(name: str) -> None:
    join = JoinPieces(name, "gru", 8, 4, bidirectional=True).double()
    assert_agree(join(ENCODED, None), join(ENCODED, torch.ones(6, dtype=torch.int64)))


def batch() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    lengths = torch.tensor([5, 3, 0, 1, 4, 5])
    tokens = torch.randint(2, 11, (6, 5), generator=draw)
    return tokens.masked_fill(torch.arange(5) >= lengths[:, None], 0), lengths


@pytest.mark.parametrize("join", ["mean", "recurrent"])
@pytest.mark.parametrize("budget", [1, 5, 12, 29])
def test_parts_have_the_gradient_of_the_whole_batch(join: str, budget: int) -> None:
    config = ClassifierConfig.model_validate(
        {
            "vocab_size": 11,
            "classes": 3,
            "embedding_dim": 5,
            "hidden_size": 4,
            "join": join,
            "dropout": 0,
            "embedding_dropout": 0,
        }
    )
    torch.manual_seed(0)
    model = Classifier(config).double()
    found = []
    for limit in (None, budget):
        model.zero_grad()
        logits = model(*batch(), PIECES, limit)
        logits.square().sum().backward()
        found.append([logits, *(parameter.grad.to_dense() for parameter in model.parameters())])
    assert_agree(found[0], found[1])


def test_parts_stay_within_the_budget_and_drop_the_same_in_backward() -> None:
    weight = torch.randn(7, dtype=torch.float64, requires_grad=True)
    seen: list[int] = []

    def encode(tokens: Tensor, lengths: Tensor) -> Tensor:
        seen.append(tokens.numel())
        return nn.functional.dropout(weight.expand(len(tokens), 7))

    tokens, lengths = batch()
    torch.manual_seed(3)
    encoded = encode_within(12, encode, tokens, lengths)
    assert seen == [10, 10, 10]
    encoded.sum().backward()
    dropped = encoded / weight  # 0 or 2, as they were in the forward pass
    assert_agree(weight.grad, dropped.sum(0))
    assert max(seen) <= 12


def test_without_gradient_nothing_is_computed_twice() -> None:
    seen: list[int] = []
    with torch.inference_mode():
        encoded = encode_within(5, lambda t, n: seen.append(len(t)) or t.float(), *batch())
    assert seen == [1] * 6
    assert torch.equal(encoded, batch()[0].float())
