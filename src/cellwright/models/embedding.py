"""From token ids to vectors: each token's own, and that of the pair it makes with the token before."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from cellwright.data.special_tokens import KNOWN, PADDING, UNKNOWN

EMBEDDING_SCALE = 0.25
"""Standard deviation of the first embeddings of tokens. torch.nn's is 1, which Adam's steps are slow to move."""
PAIR_SCALE = 0.01
"""The same of pairs: near zero, so that a pair that is seen once or twice says next to nothing."""
LARGE_TABLE = 2**20
"""Numbers of a table from which on a step is faster on the rows of a batch than on all."""
MULTIPLIER = 2_654_435_761
"""2³² divided by the golden ratio: products with it spread over 2³² (Knuth, The Art of Computer Programming 6.4)."""


class Embedding(nn.Module):
    """Tokens (…, T) to vectors (…, T, E): the token's, plus the pair's where `pairs` is not 0.

    Pairs of neighbours are to a text of characters nearly what words are. They are hashed into buckets (Joulin, Grave,
    Bojanowski and Mikolov 2017, "Bag of tricks for efficient text classification"), so that no list of them is kept.
    The first token, and one beside padding or an unknown token, has no pair.

    Gradients of a large table are sparse, of the rows that a batch has: of 50,000 rows it has one or two thousand.
    """

    def __init__(
        self, vocabulary: int, size: int, pairs: int, *, padding_is_read: bool = False, fixed: bool = False
    ) -> None:
        """fixed: whether rows that `begin_from` gives stay as they are.

        padding_is_read: whether anything but what layers leave out reads the padding, which stays zero all the same.

        Where nothing does, it has no gradient anyway, and torch need not look for it among the tokens.
        """
        super().__init__()
        self.buckets = pairs
        self.token = _table(vocabulary, size, PADDING if padding_is_read else None)
        nn.init.zeros_(self.token.weight[PADDING])
        nn.init.normal_(self.token.weight[UNKNOWN:], std=EMBEDDING_SCALE)
        self.fixed = FixedRows(vocabulary) if fixed else None
        if pairs:
            self.pair_ids = PairNumbers(vocabulary, pairs)
            self.pair = _table(pairs + 1, size, 0)
            nn.init.normal_(self.pair.weight[1:], std=PAIR_SCALE)

    def forward(self, tokens: Tensor) -> Tensor:
        """(…, T) int64 -> (…, T, E)."""
        embedded = cast(Tensor, self.token(tokens))
        if self.fixed is not None:
            embedded = self.fixed(tokens, embedded)
        return embedded + self.pair(self.pair_ids(tokens)) if self.buckets else embedded


class FixedRows(nn.Module):
    """Rows of a table that stay as they are: what is read of them has no gradient."""

    rows: Tensor

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(vocabulary, dtype=torch.bool))

    def forward(self, tokens: Tensor, embedded: Tensor) -> Tensor:
        """Tokens (…,) int64 and what stands for them (…, E) -> the same (…, E)."""
        if not self.training:
            return embedded
        return torch.where(self.rows[tokens][..., None], embedded.detach(), embedded)


def begin_from(table: nn.Embedding, rows: Tensor, values: Tensor, fixed: FixedRows | None) -> None:
    """Give rows (N,) int64 of a table, in place, these values (N, E); the others become as large as these usually are.

    The rows before UNKNOWN stay zero. fixed: is told which rows were given.
    """
    with torch.no_grad():
        table.weight[UNKNOWN:] *= values.square().mean().sqrt() / EMBEDDING_SCALE
        table.weight[rows] = values.to(table.weight)
        if fixed is not None:
            fixed.rows[rows] = True


class PairNumbers(nn.Module):
    """The bucket, from 1, of each token and the one before it; 0 where they are no pair. (…, T) -> (…, T)."""

    def __init__(self, vocabulary: int, buckets: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.buckets = buckets

    def forward(self, tokens: Tensor) -> Tensor:
        """(…, T) int64 -> (…, T)."""
        before = pad(tokens, (1, 0))[..., :-1]
        known = (before >= KNOWN) & (tokens >= KNOWN)
        return (self.buckets_of(before, tokens) + 1) * known

    def buckets_of(self, before: Tensor, tokens: Tensor) -> Tensor:
        """(…, T) and (…, T) int64 -> (…, T), from 0."""
        spread = (before * self.vocabulary + tokens) * MULTIPLIER % 2**32
        return spread * self.buckets // 2**32


def _table(rows: int, size: int, padding: int | None) -> nn.Embedding:
    return nn.Embedding(rows, size, padding, sparse=rows * size >= LARGE_TABLE)
