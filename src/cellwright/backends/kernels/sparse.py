"""Before which steps states are kept that a backward pass computes again (`compiler.ir.replay`), and where.

A direction's rows of such a state, for sequences a b c of lengths 5, 2, 2, kept where a stretch begins, at 0 and 2:

    a  b  c | a  b  c | a0 b0 c0 a2
    those of two steps  those that
    in turn             are kept

In reverse, where sequences begin at steps of their own, those of each one's first step come between. What is kept in 32
bits gives the same bits from anywhere. What is kept in 16 gives others, so that there steps go by their number alone:
every EVERY-th, and stretches begin at such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cellwright.backends.kernels.partition import Tables

EVERY = 8  # steps: of 64 sequences and 512 units their cotangents, of 16 bits, are a stretch as it is cut anyway


class Places(NamedTuple):
    """A direction's rows in the memory of such a state.

    rows    (T,) the first before each step
    since   (T,) the last step at or before it, as they are computed, before which it is kept
    reads   (alive,) that which each sequence reads in its first step
    begins  (alive,) that in which it is kept for the pass back
    kept    the first of those that are kept; of steps whose row comes before, the pass back computes it again
    number  all of them
    """

    rows: Tensor
    since: Tensor
    reads: Tensor
    begins: Tensor
    kept: int
    number: int


def places_of(tables: Tables, directions: int, edges: Sequence[int], every: int) -> list[Places]:
    """Of each direction, for stretches between edges; where `every` is more than 1, in each run of as many steps."""
    between = range(0, tables.steps, every) if every > 1 else ()
    begins = sorted({*edges[:-1], *between})
    ends = [step - 1 for step in (*begins[1:], tables.steps)]  # in reverse the last step comes first
    run = np.repeat(np.arange(len(begins)), np.diff([*begins, tables.steps]))
    sequence = torch.arange(tables.alive, device="cpu")
    turns = 2 * tables.alive if len(begins) < tables.steps else 0
    found = list[Places]()
    for d, kept in enumerate((begins, ends)[:directions]):
        sizes = tables.sizes[kept]
        first = turns + d * tables.alive
        rows = tables.turns.clone()
        rows[kept] = first + sizes.cumsum(0) - sizes
        reads = sequence + rows[torch.from_numpy(tables.lengths - 1) if d else 0]
        since = torch.from_numpy(np.asarray(kept)[run])
        since = tables.steps - 1 - since if d else since
        begun = turns + sequence if d else reads
        found.append(Places(rows, since, reads, begun, first, first + int(sizes.sum())))
    return found
