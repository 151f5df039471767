"""Batches of sources with their targets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.data.arrays import OnDemand, stretch
from cellwright.data.batches import collate
from cellwright.data.token_rows import TokenRows

PairExample = tuple[Sequence[int], Sequence[Sequence[int]]]  # a source's token numbers, and those of each right target


class PairRows(OnDemand[PairExample]):
    """N sources with their targets, put together of arrays when they are asked for."""

    called = "source"

    def __init__(
        self, sources: TokenRows, targets: TokenRows, source: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> None:
        """source: (N,) which of the sources each is; ends: (N,) where in the targets those of each end."""
        self._sources, self._targets, self._source, self._ends = sources, targets, source, ends

    @classmethod
    def of(cls, sources: TokenRows, targets: TokenRows, counts: Sequence[int]) -> "PairRows":
        """Take all targets of the first source, then those of the next; counts: (N,) how many each has, at least 1."""
        return cls(sources, targets, np.arange(len(sources)), np.cumsum(counts, dtype=np.int64))

    def one_by_one(self) -> "PairRows":
        """Return an example for each target, its source with it."""
        counts = np.diff(self._ends, prepend=0)
        return PairRows(
            self._sources, self._targets, np.repeat(self._source, counts), np.arange(1, len(self._targets) + 1)
        )

    def costs(self) -> NDArray[np.int64]:
        """(N,) padded tokens in a batch: of a source, its first target and the end after it."""
        first = np.concatenate([np.zeros(1, np.int64), self._ends[:-1]])[: len(self)]
        found: NDArray[np.int64] = self._sources.lengths[self._source] + self._targets.lengths[first] + np.int64(1)
        return found

    def __len__(self) -> int:
        return len(self._ends)

    def _item(self, index: int) -> PairExample:
        targets = [self._targets[target] for target in range(*stretch(self._ends, index))]
        return self._sources[int(self._source[index])], targets


class PairBatch(NamedTuple):
    """B sources of at most S tokens, and of each the first of its targets, of at most T.

    `sources` (B, S) and `targets` (B, T) int64, zero beyond each length; `source_lengths` and `target_lengths` (B,)
    int64; `references`: of each source all its targets.
    """

    sources: torch.Tensor
    source_lengths: torch.Tensor
    targets: torch.Tensor
    target_lengths: torch.Tensor
    references: list[list[list[int]]]


def collate_pairs(examples: Sequence[PairExample]) -> PairBatch:
    """Pad the sources and the first targets of a batch, each to its longest."""
    sources, lengths, *_ = collate([(source, None) for source, _ in examples])
    targets, target_lengths, *_ = collate([(targets[0], None) for _, targets in examples])
    references = [[list(map(int, target)) for target in targets] for _, targets in examples]
    return PairBatch(sources, lengths, targets, target_lengths, references)
