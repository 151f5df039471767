"""Batches of sources with their targets."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from cellwright.data.batches import collate

PairExample = tuple[Sequence[int], Sequence[Sequence[int]]]  # a source's token numbers, and those of each right target


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
    references = [[list(target) for target in targets] for _, targets in examples]
    return PairBatch(sources, lengths, targets, target_lengths, references)


def cost(example: PairExample) -> int:
    """Padded tokens of an example in a batch: its source, its first target and the end after it."""
    source, targets = example
    return len(source) + len(targets[0]) + 1
