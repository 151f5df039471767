"""The stretches of steps that a backward pass takes one after the other, so that few cotangents are held at a time.

    steps      0 1 2 3 | 4 5 6 7 | 8 9      of three stretches, by the rows that their steps have
    forward              last first: 8 9, then 4 … 7, then 0 … 3
    in reverse           0 … 3, then 4 … 7, then 8 9

Where they end goes by the steps' rows alone, so that sums over all rows are the same on any number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from cellwright.backends.kernels.binding import of
from cellwright.backends.kernels.frame import Numbers
from cellwright.backends.kernels.partition import Tables, runs_of


def numbers_of(tables: Tables, directions: int, threads: int, edges: Sequence[int]) -> list[Numbers]:
    """The numbers of each stretch between edges, in the order in which they are computed."""
    if len(edges) == 2:  # as the forward pass
        runs = [(first, last) for _, first, last in tables.items]
        return [_numbers(tables, [(0, tables.steps)] * directions, threads, runs) | _added(1, 0, directions)]
    stretches, found = list(pairwise(edges)), list[Numbers]()
    for k in range(len(stretches)):
        mine = [stretches[k] if d else stretches[-1 - k] for d in range(directions)]
        runs = [run for d, stretch in enumerate(mine) for run in _runs(tables, stretch, tables.runs.count(d))]
        found.append(_numbers(tables, mine, threads, runs) | _added(len(stretches), k, directions))
    return found


def edges_of(tables: Tables, most: int, every: int = 1) -> list[int]:
    """The step in which each stretch begins, a multiple of `every`, and T.

    Each has a step or more, and up to `most` rows and those of `every` steps.
    """
    number = -(-tables.count // most)
    ends = tables.offsets.numpy() + tables.sizes.numpy()
    cuts = np.searchsorted(ends, tables.count * np.arange(1, number) / number) + 1
    return sorted({0, *(int(c) // every * every for c in cuts), tables.steps})


def _added(number: int, k: int, directions: int) -> dict[str, int]:
    """Of the k-th of so many: whether others came before, and whether the other direction was there already.

    Where both are there at once, the first direction comes first.
    """
    turned, several = number - 1 - k, directions > 1
    return {"again": int(k > 0), of("added", 0): int(several and turned < k), of("added", 1): int(turned <= k)}


def _runs(tables: Tables, stretch: tuple[int, int], number: int) -> Iterator[tuple[int, int]]:
    """The sequences of each of a direction's items: all, in runs that have about as many steps of the stretch."""
    begin, end = stretch
    runs = runs_of(np.clip(tables.lengths - begin, 0, end - begin), number)
    yield from runs
    yield from [(tables.alive, tables.alive)] * (number - len(runs))


def _numbers(
    tables: Tables, stretches: list[tuple[int, int]], threads: int, runs: list[tuple[int, int]]
) -> dict[str, int]:
    """Of each direction's steps and rows, of the threads' shares of those, and of each item's sequences."""
    numbers, steps = dict[str, int](), tables.steps
    for d, (begin, end) in enumerate(stretches):
        since, until = (steps - end, steps - begin) if d else (begin, end)
        before = int(tables.offsets[begin])
        rows = int(tables.offsets[end - 1] + tables.sizes[end - 1]) - before
        numbers |= {of("since", d): since, of("until", d): until, of("before", d): before, of("stretch", d): rows}
        numbers |= {of(of("share", d), k): k * rows // threads for k in range(threads + 1)}
    for k, (first, last) in enumerate(runs):
        numbers |= {of("first", k): first, of("last", k): last}
    return numbers
