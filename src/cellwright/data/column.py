"""Texts of a file in one buffer: what a million short ones take is what their file has of them.

    column = Column.of(["fine", "schön"])
    column[1], len(column), column.take([1])[0]    # "schön", 2, "schön"

A list of strings takes 57 bytes a text beside its characters; this takes 12. Texts are made when they are asked for.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")


class Column(Sequence[str]):
    """N texts: UTF-8 in one buffer, of which each is a stretch. Equal to any sequence of the same texts."""

    def __init__(self, content: Any, begins: NDArray[np.int64], sizes: NDArray[np.int32]) -> None:
        """Take them as they are: content, a buffer of bytes; begins (N,) and sizes (N,), in bytes, of each text."""
        self._content, self._begins, self._sizes = memoryview(content), begins, sizes

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Column":
        """Copy texts of whole characters."""
        builder = ColumnBuilder()
        builder.add(list(texts))
        return builder.column()

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Column":
        """Return the texts with these indices, in this order; the buffer is shared."""
        places = np.asarray(rows, np.int64)
        return Column(self._content, self._begins[places], self._sizes[places])

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Column": ...
    def __getitem__(self, index: int | slice) -> "str | Column":
        if isinstance(index, slice):
            return Column(self._content, self._begins[index], self._sizes[index])
        begin = int(self._begins[index])
        return str(self._content[begin : begin + int(self._sizes[index])], "utf-8")

    def __iter__(self) -> Iterator[str]:
        for begin, size in zip(self._begins.tolist(), self._sizes.tolist(), strict=True):
            yield str(self._content[begin : begin + size], "utf-8")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Column | list | tuple):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __repr__(self) -> str:
        return f"Column({list(self[:3])!r}{', …' if len(self) > 3 else ''}, {len(self):,} texts)"


class ColumnBuilder:
    """Gathers texts, some at a time."""

    def __init__(self) -> None:
        self._content, self._sizes = bytearray(), array("i")

    def add(self, texts: Sequence[str]) -> None:
        """Put further texts behind those before. Raises UnicodeEncodeError for half a character, and adds none then."""
        together = "".join(texts)
        if together.isascii():
            self._content += together.encode()
            self._sizes.extend(map(len, texts))
        else:
            encoded = [text.encode() for text in texts]
            self._content += b"".join(encoded)
            self._sizes.extend(map(len, encoded))

    def column(self) -> Column:
        """Return the texts so far; nothing may be added after."""
        sizes = np.frombuffer(self._sizes, np.int32) if self._sizes else np.zeros(0, np.int32)
        return Column(self._content, np.cumsum(sizes, dtype=np.int64) - sizes, sizes)


class Lines(Sequence[int]):
    """Whole numbers, 8 bytes each, equal to a list of the same: the lines that rows stand on."""

    def __init__(self, numbers: Iterable[int]) -> None:
        """Copy them."""
        self.numbers = array("q", numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> "Lines": ...
    def __getitem__(self, index: int | slice) -> "int | Lines":
        return Lines(self.numbers[index]) if isinstance(index, slice) else self.numbers[index]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Lines | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of a list


def taken(items: Sequence[Item], rows: NDArray[np.int64]) -> Sequence[Item]:
    """Return the items with these indices, in this order: a column of a column, whole numbers of whole numbers."""
    if isinstance(items, Column):
        return items.take(rows)  # type: ignore[return-value]  # which is of texts, as the column is
    if isinstance(items, Lines):
        return Lines(np.asarray(items.numbers)[rows].tolist())  # type: ignore[return-value]  # likewise
    return [items[row] for row in rows.tolist()]
