"""The table of cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from cellwright.bench.case import Case
from cellwright.cells import CELLS

STANDARD = ("lstm", "gru", "rnn")  # measured at many shapes, against every rival
OTHERS = tuple(name for name in CELLS if name not in STANDARD)

ALL_SIZES = tuple((t, b, h, d) for d, t, b, h in product((1, 2), (100, 500), (1, 8, 32, 64), (64, 100, 128, 256, 512)))
DEFAULT_SIZES = (
    *((100, b, h, 1) for b, h in product((8, 32), (64, 128, 256))),
    *((100, 64, 128, 1), (100, 32, 100, 1), (100, 32, 512, 1), (500, 8, 256, 1), (500, 32, 128, 1)),
    *((100, 32, 128, 2), (100, 32, 256, 2)),
)
ALONE_SIZES = ((100, 1, 64, 1), (100, 1, 128, 1), (100, 1, 256, 1), (100, 1, 512, 1), (500, 1, 128, 1))
OTHER_SIZES = ((100, 8, 64, 1), (100, 32, 128, 1), (100, 32, 256, 1))


def cases(extent: str) -> list[Case]:
    """The cases of "quick", "default" or "full"."""
    if extent == "quick":
        sizes, alone, others = [(100, 32, 128, 1)], [(100, 1, 128, 1)], [(100, 32, 128, 1)]
    elif extent == "default":
        sizes, alone, others = list(DEFAULT_SIZES), list(ALONE_SIZES), list(OTHER_SIZES)
    else:
        sizes, alone, others = list(ALL_SIZES), [], list(ALL_SIZES)
    return list(dict.fromkeys(_table(sizes, alone, others)))


def _table(
    sizes: list[tuple[int, int, int, int]],
    alone: list[tuple[int, int, int, int]],
    others: list[tuple[int, int, int, int]],
) -> Iterator[Case]:
    for cell in STANDARD:
        for size, training, ragged in product(sizes, (True, False), (True, False)):
            case = Case(cell, training, ragged, *size)
            yield case if case.batch > 1 else replace(case, ragged=False)  # one sequence is as long as itself
        yield from (Case(cell, False, False, *size) for size in alone)
    for cell, size in product(OTHERS, others):
        case = Case(cell, True, True, *size)
        yield case if case.batch > 1 else replace(case, ragged=False)
