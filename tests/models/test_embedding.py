"""Embedding: a token's vector plus its pair's, against a loop over the tokens."""

import pytest
import torch

from cellwright.models.embedding import MULTIPLIER, Embedding
from cellwright.nn import Recurrent


@pytest.mark.parametrize("pairs", [1, 7, 1000])
def test_each_token_with_the_one_before_it(pairs):
    torch.manual_seed(0)
    embedding = Embedding(9, 4, pairs)
    tokens = torch.tensor([[2, 3, 1, 5, 8, 0], [4, 4, 4, 0, 0, 0]])
    embedded = embedding(tokens)
    for b, row in enumerate(tokens.tolist()):
        for t, token in enumerate(row):
            expected = embedding.token.weight[token].clone()
            before = row[t - 1] if t else 0
            if before > 1 and token > 1:
                expected += embedding.pair.weight[1 + (before * 9 + token) * MULTIPLIER % 2**32 * pairs // 2**32]
            assert torch.equal(embedded[b, t], expected)


def test_pairs_spread_over_the_buckets():
    embedding = Embedding(4000, 1, 50_000)
    drawn = torch.randint(2, 4000, (2, 40_000), generator=torch.Generator().manual_seed(0))
    distinct = torch.stack([drawn[0], drawn[1]], -1).unique(dim=0)
    used = embedding.pair_ids(distinct)[:, 1].unique()
    # So many balls thrown into the buckets at random leave this many of them in use.
    expected = 50_000 * (1 - (1 - 1 / 50_000) ** len(distinct))
    assert abs(len(used) - expected) < 0.02 * expected


def test_padding_is_zero_and_stays_so():
    embedding = Embedding(5, 3, 10, padding_is_read=True)
    embedded = embedding(torch.tensor([[2, 3, 0, 0]]))
    assert torch.equal(embedded[0, 2:], torch.zeros(2, 3))
    embedded.sum().backward()
    assert not embedding.token.weight.grad[0].any()
    assert not embedding.pair.weight.grad[0].any()


def test_padding_that_a_layer_leaves_out_stays_zero():
    embedding, layer = Embedding(5, 3, 10), Recurrent("lstm", 3, 4, batch_first=True, bidirectional=True)
    embedded = embedding(torch.tensor([[2, 3, 0, 0], [4, 3, 2, 1]]))
    assert torch.equal(embedded[0, 2:], torch.zeros(2, 3))
    layer(embedded, lengths=[2, 4])[0].sum().backward()
    assert embedding.token.weight.grad[2].all()
    assert not embedding.token.weight.grad[0].any()
    assert not embedding.pair.weight.grad[0].any()


def test_the_order_of_a_pair_counts():
    embedding = Embedding(50, 3, 10_000)
    there, back = (embedding.pair_ids(torch.tensor([pair]))[0, 1].item() for pair in ([7, 9], [9, 7]))
    assert there != back


def test_without_pairs_a_token_alone():
    embedding = Embedding(9, 4, 0)
    tokens = torch.tensor([[2, 3, 1]])
    assert torch.equal(embedding(tokens), embedding.token.weight[tokens])


def test_a_text_without_tokens():
    assert Embedding(9, 4, 5)(torch.zeros(2, 1, dtype=torch.int64)).shape == (2, 1, 4)
