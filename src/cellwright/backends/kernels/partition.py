"""Who computes what of a call: how many threads, which of them share sequences, and where each step's rows lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.backends.call import Call
from cellwright.compiler.runtime.openmp import pool
from cellwright.packing import RowIndex

# Multiplications of a call that one thread does: 0.3 ms of them. Two were no faster below (a processor of 2021 with
# registers of 256 bits; at three times as many, by 15 %), and where another pool's threads spin on the processors, as
# ONNX Runtime's do, two wait milliseconds for each other.
SMALL = 1 << 23

# A unit's equations take as long as so many of them: what counts of a cell without weights.
EQUATIONS = 16

# Where threads share sequences, each reads its part of the recurrent weights, and they meet once a step, in training
# twice. A part of less than LEAST_PART bytes is read in the half microsecond of a meeting. One sequence is always
# shared. Of several, each goes to one thread, but where a thread would have fewer than FEW at a time and the weights
# are LARGE, half of a second cache: there sharing is 1.2 to 1.7 times as fast (H = 256 and 512, two threads of a
# processor of 2024). Weights LARGER than a second cache come from the third once a step for each thread that reads them
# all: there sharing is 1.03 to 1.6 times as fast up to MANY sequences a thread (H = 384 and 512, the same); in
# inference, where each computes the cell of all, up to those of two threads.
LEAST_PART, FEW, LARGE = 1 << 16, 4, 1 << 19
MANY, LARGER = 32, 1 << 21


def threads_of(call: Call) -> int:
    """PyTorch's threads; one for what is done before a second would have been of use."""
    weights = sum(m.numel() for w in call.weights for m in (w.input, w.recurrent) if m is not None)
    each = max(weights, len(call.weights) * call.hidden * EQUATIONS)
    return torch.get_num_threads() if sum(call.batch_sizes) * each >= SMALL else 1


def parts_of(call: Call, threads: int, *, trains: bool) -> int:
    """How many threads share a sequence: all, where that is faster; else those that would have none."""
    sizes, directions, weights = call.batch_sizes, len(call.weights), call.weights[0].recurrent
    if weights is None or not call.cell.multiplies_before:  # a team meets for the product before the step (`team`)
        return 1
    held = weights.numel() * weights.element_size()
    most = FEW * threads if held >= LARGE else 0
    if held >= LARGER:
        most = max(most, MANY * (threads if trains else min(threads, 2)))
    groups = directions if sum(sizes) * directions < most * len(sizes) else directions * sizes[0]
    groups = max(groups, -(-threads // max(1, held // LEAST_PART)))  # so that none has too small a part
    return max(1, threads // groups) if pool() else 1


class Tables:
    """What the steps of a batch are to the kernels; the same for every call of a batch of this shape.

    count                 S, the packed rows
    packed_index          where they stand where there are no others
    sizes, offsets (T,)   sequences alive at each step, and the step's first row
    turns (T,)            the first row of a step where two steps' states are kept in turn
    lengths (alive,)      steps of each sequence that has any
    starts (alive,) each  the row in which each sequence begins, forward and in reverse
    items                 (direction, first, last): runs of sequences, each computed by one thread
    runs                  the direction of each
    """

    def __init__(self, batch_sizes: Sequence[int], directions: int, threads: int) -> None:
        sizes = np.asarray(batch_sizes, np.int64)
        self.steps, self.alive = len(sizes), int(sizes[0])
        self.sizes = torch.from_numpy(sizes)
        self.offsets = self.sizes.cumsum(0) - self.sizes
        self.count = int(sizes.sum())
        self.packed_index = RowIndex(torch.arange(self.count, device="cpu"), self.count)
        self.turns = torch.arange(self.steps, device="cpu") % 2 * self.alive
        self.lengths = np.searchsorted(-sizes, -np.arange(self.alive), side="left")
        runs = runs_of(self.lengths, -(-threads // directions))
        self.items = [(d, first, last) for d in range(directions) for first, last in runs]
        self.runs = tuple(d for d, _, _ in self.items)
        # Made here, since words have the addresses: what is made when first asked for, two threads may make twice.
        sequence = torch.arange(self.alive, device="cpu")
        self.starts = [sequence, self.offsets[torch.from_numpy(self.lengths - 1)] + sequence]


@lru_cache(maxsize=64)
def tables(batch_sizes: tuple[int, ...], directions: int, threads: int) -> Tables:
    """The tables of a batch, those of the last batches kept."""
    return Tables(batch_sizes, directions, threads)


def runs_of(lengths: NDArray[np.int64], count: int) -> list[tuple[int, int]]:
    """Cut sequences in falling length into up to `count` runs of about as many steps each; none is empty."""
    ends = np.concatenate([[0], np.cumsum(lengths)])
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, count) / count)
    edges = sorted({0, *(int(c) for c in cuts), len(lengths)})
    return list(pairwise(edges))
