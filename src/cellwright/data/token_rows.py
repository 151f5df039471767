"""Token numbers of many texts in one array, as rows of different lengths.

    rows = TokenRows.of([[4, 7], [], [5]])
    rows.numbers, rows.ends    # array([4, 7, 5]), array([2, 2, 3])
    rows[0]                    # array([4, 7]), a view

A list of lists takes 8 bytes a token and 56 a text beside the list of all; this takes 2 or 4 and 8.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import chunks, places_in_stretches, stretch

Numbers = NDArray[Any]  # (T,) of the type that `narrow` names


def narrow(size: int) -> np.dtype[Any]:
    """Return the smallest type that holds the numbers of `size` tokens."""
    return np.dtype(np.uint16 if size <= 2**16 else np.int32)


class TokenRows(Sequence[Sequence[int]]):
    """N rows of token numbers; a row is a numpy view of (T,) numbers, T from 0 on.

    numbers  of all rows, one after the other
    ends     (N,) int64, where in them each row ends and the next begins
    """

    def __init__(self, numbers: Numbers, ends: NDArray[np.int64], lengths: NDArray[np.integer] | None = None) -> None:
        """Take them as they are, without a copy; lengths: (N,) of each row, where they are at hand."""
        self.numbers, self.ends, self._lengths = numbers, ends, lengths

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]], size: int = 2**31) -> "TokenRows":
        """Copy rows of numbers below `size`."""
        found = list(rows)
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        numbers = np.fromiter(chain.from_iterable(found), narrow(size), int(lengths.sum()))
        return cls(numbers, np.cumsum(lengths))

    @classmethod
    def joined(cls, parts: Sequence["TokenRows"], size: int = 2**31) -> "TokenRows":
        """Return the rows of all parts, in order; `size` as of `of`, where there is no part."""
        if not parts:
            return cls.of([], size)
        return cls(
            np.concatenate([part.numbers for part in parts]),
            np.cumsum(np.concatenate([part.lengths for part in parts])),
        )

    @property
    def lengths(self) -> NDArray[np.integer]:
        """(N,) of each row."""
        return np.diff(self.ends, prepend=0) if self._lengths is None else self._lengths

    def take(self, rows: NDArray[np.int64]) -> "TokenRows":
        """Return the rows (M,) with these indices, in this order, copied."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        return TokenRows(self.numbers[places_in_stretches(self.ends[rows] - lengths, lengths, ends)], ends)

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> Sequence[int]: ...
    @overload
    def __getitem__(self, index: slice) -> "TokenRows": ...
    def __getitem__(self, index: int | slice) -> "Sequence[int] | TokenRows":
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self._between(start, stop) if step == 1 else self.take(np.arange(start, stop, step))
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return self._row(*stretch(self.ends, index % len(self)))

    def _between(self, start: int, stop: int) -> "TokenRows":
        """Those rows as views."""
        ends = self.ends[start:stop]
        begin = int(self.ends[start - 1]) if start else 0
        return TokenRows(self.numbers[begin : ends[-1] if len(ends) else begin], ends - begin)

    def __iter__(self) -> Iterator[Sequence[int]]:
        begin = 0
        for part in chunks(len(self)):
            for end in self.ends[part].tolist():
                yield self._row(begin, end)
                begin = end

    def _row(self, begin: int, end: int) -> Sequence[int]:
        return cast(Sequence[int], self.numbers[begin:end])  # which numpy does not call one
