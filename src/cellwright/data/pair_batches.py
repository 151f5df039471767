"""Batches of sources with their targets."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, OnDemand, Store, chunks, counting, ends_of, stretch
from cellwright.data.batches import collate
from cellwright.data.token_rows import TokenRows

PairExample = tuple[Sequence[int], Sequence[Sequence[int]]]  # a source's token numbers, and those of each right target


TOGETHER = 10_000
"""Examples that are looked at at once where all are gone through."""


class PairRows(OnDemand[PairExample]):
    """N sources with their targets, put together of arrays when they are asked for."""

    called = "source"

    def __init__(
        self,
        sources: TokenRows,
        targets: TokenRows,
        source: NDArray[np.int64],
        ends: NDArray[np.int64],
        store: Store = MEMORY,
    ) -> None:
        """Take them as they are.

        source: (N,) which of the sources each is. ends: (N,) where in the targets those of each end. store: where they
        lie, and what is made of them should.
        """
        self.sources, self.targets, self.store = sources, targets, store
        self._source, self._ends = source, ends

    @classmethod
    def of(
        cls, sources: TokenRows, targets: TokenRows, counts: NDArray[np.integer], store: Store = MEMORY
    ) -> "PairRows":
        """Take all targets of the first source, then those of the next; counts: (N,) how many each has, at least 1."""
        return cls(sources, targets, counting(len(sources), store), ends_of(counts, store), store)

    def one_by_one(self) -> "PairRows":
        """Return an example for each target, its source with it."""
        source, begin = self.store.empty(len(self.targets), np.int64), 0
        for part in chunks(len(self)):
            ends = self._ends[part]
            source[begin : ends[-1]] = np.repeat(self._source[part], np.diff(ends, prepend=begin))
            begin = int(ends[-1])
        ends = counting(len(self.targets), self.store, first=1)
        return PairRows(self.sources, self.targets, source, ends, self.store)

    def costs(self) -> NDArray[np.int64]:
        """(N,) padded tokens in a batch: of a source, its first target and the end after it."""
        found, sources, targets = self.store.empty(len(self), np.int64), self.sources.lengths, self.targets.lengths
        for part in chunks(len(self)):
            found[part] = sources[self._source[part]] + targets[self._first(part)] + np.int64(1)
        return found

    def in_pieces(self) -> Iterator[tuple[TokenRows, TokenRows]]:
        """Yield of some examples at a time their sources and the first target of each, copied."""
        for start in range(0, len(self), TOGETHER):
            part = slice(start, min(start + TOGETHER, len(self)))
            yield self.sources.take(self._source[part]), self.targets.take(self._first(part))

    def _first(self, part: slice) -> NDArray[np.int64]:
        """The place of each one's first target."""
        return np.concatenate([[stretch(self._ends, part.start)[0]], self._ends[part][:-1]])

    def __len__(self) -> int:
        return len(self._ends)

    def _item(self, index: int) -> PairExample:
        targets = [self.targets[target] for target in range(*stretch(self._ends, index))]
        return self.sources[int(self._source[index])], targets


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
