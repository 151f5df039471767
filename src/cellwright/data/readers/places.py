"""Where the rows of several files stood, as messages name it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, OnDemand, Store, chunks, gathered
from cellwright.data.wording import place


class Segment(NamedTuple):
    """The rows of one file; its fields as those of `Table`."""

    source: str
    unit: str
    lines: Sequence[int | str]


class Places(OnDemand[str]):
    """Where the rows of several files stood, one after the other: `shards/0.csv, line 7`. Made when it is asked for."""

    def __init__(self, files: Sequence[Any], rows: NDArray[np.int64] | None = None) -> None:
        """files: tables, of texts or of sentences, or segments. rows: which of all of them, in order; None: all."""
        self._files = [Segment(file.source, file.unit, file.lines) for file in files]
        self._ends = list(accumulate(len(file.lines) for file in self._files))
        self._rows = rows

    def take(self, rows: NDArray[np.int64], store: Store = MEMORY) -> "Places":
        """Return those with these indices, in this order."""
        return Places(self._files, rows if self._rows is None else gathered(self._rows, rows, store))

    def __len__(self) -> int:
        return self._ends[-1] if self._rows is None else len(self._rows)

    def _item(self, index: int) -> str:
        return self._of(index if self._rows is None else int(self._rows[index]))

    def __iter__(self) -> Iterator[str]:
        if self._rows is None:
            return (place(source, unit, line) for source, unit, lines in self._files for line in lines)
        return (self._of(row) for part in chunks(len(self)) for row in self._rows[part].tolist())

    def _of(self, row: int) -> str:
        file = bisect_right(self._ends, row)
        source, unit, lines = self._files[file]
        return place(source, unit, lines[row - (self._ends[file - 1] if file else 0)])
