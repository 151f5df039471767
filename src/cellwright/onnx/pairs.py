"""Numbers of pairs in whole numbers below 2²⁴, for runtimes that compute int64 in 32 bits and divide in float32.

OpenVINO does both. The number of a pair (b, t) is `models.embedding`'s

    (((b V + t) M mod 2³²) K) // 2³² + 1        V tokens, K buckets, M the multiplier

and what stands before the modulus is a sum of one number of b and one of t, b V M and t M, that tables hold mod 2³² in
two halves of 16 bits. Their sum is taken half by half, and its product with K digit by digit from the lowest, of which
the division leaves the whole part each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cellwright.errors import InputError
from cellwright.models.embedding import MULTIPLIER, Embedding, PairNumbers

EXACT = 2**24
"""Whole numbers up to this are exact in float32."""


class SmallPairNumbers(PairNumbers):
    """The same numbers from small ones."""

    of_before: Tensor
    of_token: Tensor

    def __init__(self, vocabulary: int, buckets: int) -> None:
        super().__init__(vocabulary, buckets)
        # 16 bits are whole digits of 8, 4, 2 or 1.
        fitting = [bits for bits in (8, 4, 2, 1) if buckets << bits <= EXACT]
        if not fitting:
            raise InputError(f"a portable file has at most {EXACT // 2:,} buckets of pairs; this model has {buckets:,}")
        self.bits = fitting[0]
        tokens = torch.arange(vocabulary)
        self.register_buffer("of_before", _halves(tokens * (vocabulary * MULTIPLIER % 2**32)), persistent=False)
        self.register_buffer("of_token", _halves(tokens * MULTIPLIER), persistent=False)

    def buckets_of(self, before: Tensor, tokens: Tensor) -> Tensor:
        """(…, T) and (…, T) -> (…, T), from 0."""
        low, high = (self.of_before[before] + self.of_token[tokens]).unbind(-1)
        found = torch.zeros_like(low)
        for half in (low, high + low // 2**16):  # what lies above their 16 bits is no digit
            for digit in self._digits(half):
                found = (found + digit * self.buckets) // 2**self.bits
        return found

    def _digits(self, half: Tensor) -> Iterator[Tensor]:
        """Of the lower 16 bits, the lowest first."""
        for _ in range(16 // self.bits):
            higher = half // 2**self.bits
            yield half - higher * 2**self.bits
            half = higher


def _halves(numbers: Tensor) -> Tensor:
    """(V) -> (V, 2): of each number mod 2³² the lower 16 bits and the higher."""
    numbers = numbers % 2**32
    return torch.stack([numbers % 2**16, numbers // 2**16], -1).to(torch.int32)


@contextmanager
def small_numbers(module: nn.Module) -> Iterator[None]:
    """Let every embedding of the module number its pairs so, meanwhile."""
    embeddings = [one for one in module.modules() if isinstance(one, Embedding) and one.buckets]
    before = [one.pair_ids for one in embeddings]
    for one in embeddings:
        one.pair_ids = SmallPairNumbers(one.token.num_embeddings, one.buckets)
    try:
        yield
    finally:
        for one, numbers in zip(embeddings, before, strict=True):
            one.pair_ids = numbers
