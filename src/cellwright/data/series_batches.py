"""Batches of numeric series. A missing value is told from others by a mask, and never read as a number of its own."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Scaled = NDArray[np.float32]


class SeriesExample(NamedTuple):
    """A series or a stretch of one."""

    values: Scaled
    """Steps by channels (T, C), NaN where missing."""
    label: float | None = None
    """Its class, a whole number, or the number to learn of it."""
    first: int = 0
    """The step from which on it is scored; those before are told only, being scored elsewhere or too early."""
    steps: int | None = None
    """How many steps are read; of those behind them covariates are told ahead. None: all."""


class SeriesBatch(NamedTuple):
    """B series of at most T steps and C channels.

    `values` (B, T, C) float32, where missing the last value before in its channel, or 0 where there is none (which is
    the mean, of scaled values), and 0 beyond each end; `known` (B, T, C) float32, 1 where a value was there, else 0;
    `lengths` (B,) int64, the steps that are read; `ends` (B,) int64, those and the ones told ahead, without any the
    same; `first` (B,) int64, the step from which on each is scored; `labels` (B,), int64 of classes, float32 of
    numbers, or None.
    """

    values: torch.Tensor
    known: torch.Tensor
    lengths: torch.Tensor
    ends: torch.Tensor
    first: torch.Tensor
    labels: torch.Tensor | None


def collate_series(examples: Sequence[SeriesExample]) -> SeriesBatch:
    """Pad to the longest; raises ValueError if only some of the examples have a label."""
    ends = [len(example.values) for example in examples]
    lengths = [end if each.steps is None else each.steps for each, end in zip(examples, ends, strict=True)]
    shape = (len(examples), max(ends), examples[0].values.shape[1])
    values, known = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for row, example in enumerate(examples):
        there = ~np.isnan(example.values)
        known[row, : len(there)] = there
        values[row, : len(there)] = _carried(example.values, there)
    labels = [example.label for example in examples if example.label is not None]
    if labels and len(labels) < len(examples):
        raise ValueError(
            f"collate_series: {len(labels)} of {len(examples)} examples have a label; expected all or none"
        )
    return SeriesBatch(
        torch.from_numpy(values),
        torch.from_numpy(known),
        torch.tensor(lengths, dtype=torch.int64),
        torch.tensor(ends, dtype=torch.int64),
        torch.tensor([example.first for example in examples], dtype=torch.int64),
        torch.tensor(labels, dtype=torch.int64 if isinstance(labels[0], int) else torch.float32) if labels else None,
    )


def _carried(values: Scaled, there: NDArray[np.bool_]) -> Scaled:
    """Each missing value as the last one before in its channel, 0 where there is none."""
    steps = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(there, steps, -1), axis=0)  # (T, C)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, found, np.float32(0))


def stretches(end: int, window: int, first: int = 0) -> list[tuple[int, int, int]]:
    """Cut the steps of a series into stretches of at most `window`, each step from `first` on scored once.

    Args:
        end: number of steps.
        window: most steps of a stretch, at least 2.
        first: the first step that is scored.

    Returns:
        Where each begins, where its scored steps begin and where it ends; one after the first begins half a window
        before its scored steps, to have something to go by.

    >>> stretches(10, 4)
    [(0, 0, 4), (2, 4, 6), (4, 6, 8), (6, 8, 10)]
    >>> stretches(10, 20, first=8)
    [(0, 8, 10)]
    """
    found = []
    while first < end:
        # All that came before, while it fits.
        begin = 0 if first == 0 or end <= window else max(0, first - window // 2)
        stop = min(end, begin + window)
        found.append((begin, first, stop))
        first = stop
    return found
