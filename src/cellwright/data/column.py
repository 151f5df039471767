"""Columns of a table as arrays: what a million short texts take is what their file has of them.

    column = Column.of(["fine", "schön"])
    column[1], len(column), column.take([1])[0]    # "schön", 2, "schön"

A list of strings takes 57 bytes a text beside its characters; this takes 12. Texts are made when they are asked for.
"""

from abc import abstractmethod
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, Store, chunks, ends_of, gathered, rows_where, store_of
from cellwright.stages import in_turn

Item = TypeVar("Item")


class Encoded(NamedTuple):
    """N texts in UTF-8."""

    content: bytes
    sizes: NDArray[np.int32]
    """(N,), in bytes."""


def encoded(texts: Sequence[str]) -> Encoded:
    """Return texts one behind the other. Raises UnicodeEncodeError for half a character."""
    together = "".join(texts)
    if together.isascii():
        return Encoded(together.encode(), np.fromiter(map(len, texts), np.int32, len(texts)))
    each = [text.encode() for text in texts]
    return Encoded(b"".join(each), np.fromiter(map(len, each), np.int32, len(each)))


class AsAList(Sequence[Item]):
    """What is equal to a list of the same items, or a tuple, or another such column, and as little a key as a list."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AsAList | list | tuple):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    called = "texts"
    """What the items are, as `repr` names them."""

    @abstractmethod
    def _item(self, index: int) -> Item:
        """Return the item of an index."""

    @abstractmethod
    def _part(self, part: slice) -> Self:
        """Return several, as such a column."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Item | Self:
        return self._part(index) if isinstance(index, slice) else self._item(index)

    def __repr__(self) -> str:
        more = ", …" if len(self) > 3 else ""
        return f"{type(self).__name__}({list(self[:3])!r}{more}, {len(self):,} {self.called})"


class Column(AsAList[str]):
    """N texts: UTF-8 in one buffer, of which each is a stretch. Equal to any sequence of the same texts."""

    def __init__(
        self, content: Any, begins: NDArray[np.int64], sizes: NDArray[np.int32], store: Store = MEMORY
    ) -> None:
        """Take them as they are: content, a buffer of bytes; begins (N,) and sizes (N,), in bytes, of each text.

        store: where they lie, and what is made of them should.
        """
        self._content, self._begins, self.sizes, self.store = memoryview(content), begins, sizes, store

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Column":
        """Copy texts of whole characters."""
        return cls.side_by_side(*encoded(list(texts)))

    @classmethod
    def side_by_side(cls, content: Any, sizes: NDArray[np.int32], store: Store = MEMORY) -> "Column":
        """Take texts that lie one behind the other; arguments as of a column."""
        begins = ends_of(sizes, store)
        begins -= sizes
        return cls(content, begins, sizes, store)

    def take(self, rows: Sequence[int] | NDArray[np.int64], store: Store = MEMORY) -> "Column":
        """Return the texts with these indices, in this order; the buffer is shared."""
        places = np.asarray(rows, np.int64)
        return Column(self._content, gathered(self._begins, places, store), gathered(self.sizes, places, store), store)

    def cut(self, cuts: Mapping[int, NDArray[np.int32]], store: Store = MEMORY) -> "Column":
        """Return the texts in stretches; cuts: of those that are in several the bytes of each."""
        size = len(self) + sum(len(found) - 1 for found in cuts.values())
        begins, sizes = store.empty(size, np.int64), store.empty(size, np.int32)
        end, several, seen = 0, sorted(cuts), 0
        for part in chunks(len(self)):
            counts = np.ones(part.stop - part.start, np.int64)
            rows = several[seen : bisect_left(several, part.stop, seen)]
            seen += len(rows)
            for row in rows:
                counts[row - part.start] = len(cuts[row])
            first, end = end, end + int(counts.sum())
            begins[first:end], sizes[first:end] = (np.repeat(each[part], counts) for each in (self._begins, self.sizes))
            places = first + np.cumsum(counts) - counts
            for row in rows:
                place = int(places[row - part.start])
                stretch = slice(place, place + len(cuts[row]))
                sizes[stretch] = cuts[row]
                begins[stretch] += np.cumsum(cuts[row], dtype=np.int64) - cuts[row]
        return Column(self._content, begins, sizes, store)

    def between(self, begin: tuple[int, int], end: tuple[int, int], store: Store = MEMORY) -> "Column":
        """Return the texts from a byte of one up to a byte of another, (index, byte) each, the first and last in part.

        store: where what is made of them should lie.
        """
        (first, cut), (last, left) = begin, end
        stop = last + bool(left)
        begins, sizes = self._begins[first:stop].copy(), self.sizes[first:stop].copy()
        if left:
            sizes[-1] = left
        if len(sizes):
            begins[0] += cut
            sizes[0] -= cut
        return Column(self._content, begins, sizes, store)

    def __len__(self) -> int:
        return len(self._begins)

    def _item(self, index: int) -> str:
        begin = int(self._begins[index])
        return str(self._content[begin : begin + int(self.sizes[index])], "utf-8")

    def _part(self, part: slice) -> Self:
        return type(self)(self._content, self._begins[part], self.sizes[part])

    def __iter__(self) -> Iterator[str]:
        for part in chunks(len(self)):
            for begin, size in zip(self._begins[part].tolist(), self.sizes[part].tolist(), strict=True):
                yield str(self._content[begin : begin + size], "utf-8")


class Bare(AsAList[str]):
    """Texts without the white space at their ends, and behind each what belongs there; made when they are asked for."""

    def __init__(self, texts: Sequence[str], endings: Sequence[str] | None = None, store: Store | None = None) -> None:
        """endings: (N,) what stands behind each; store: as of a column, None: that of the texts."""
        self._texts, self._endings, self.store = texts, endings, store_of(texts) if store is None else store

    def take(self, rows: NDArray[np.int64], store: Store = MEMORY) -> "Bare":
        """Return the texts with these indices, in this order."""
        endings = None if self._endings is None else taken(self._endings, rows, store)
        return Bare(taken(self._texts, rows, store), endings, store)

    def __len__(self) -> int:
        return len(self._texts)

    def _item(self, index: int) -> str:
        return self._texts[index].strip() + ("" if self._endings is None else self._endings[index])

    def _part(self, part: slice) -> Self:
        return type(self)(self._texts[part], None if self._endings is None else self._endings[part])

    def __iter__(self) -> Iterator[str]:
        bare = map(str.strip, self._texts)
        return bare if self._endings is None else map(str.__add__, bare, self._endings)


class Lines(AsAList[int]):
    """Whole numbers, 8 bytes each, equal to a list of the same: the lines that rows stand on."""

    called = "numbers"

    def __init__(self, numbers: Sequence[int] | NDArray[np.int64]) -> None:
        """numbers: (N,), an array as it is."""
        self._numbers = np.asarray(numbers, np.int64)

    def take(self, rows: NDArray[np.int64], store: Store = MEMORY) -> "Lines":
        """Return the numbers with these indices, in this order."""
        return Lines(gathered(self._numbers, rows, store))

    def __len__(self) -> int:
        return len(self._numbers)

    def _item(self, index: int) -> int:
        return int(self._numbers[index])

    def _part(self, part: slice) -> Self:
        return type(self)(self._numbers[part])

    def __iter__(self) -> Iterator[int]:
        for part in chunks(len(self)):
            yield from self._numbers[part].tolist()


class Names(AsAList[str]):
    """N strings, each one of a few, as labels are: 4 bytes each. Equal to any sequence of the same strings."""

    called = "strings"

    def __init__(self, numbers: NDArray[np.int32], names: Sequence[str]) -> None:
        """Take them as they are: numbers (N,), of each string its place among the names, of which some may be alike."""
        self.numbers, self.names = numbers, names

    @classmethod
    def of(cls, strings: Sequence[str]) -> "Names":
        """Take the strings of a list apart, in the order in which they first stand there; names stay as they are."""
        if isinstance(strings, Names):
            return strings
        place = {name: number for number, name in enumerate(dict.fromkeys(strings))}
        return cls(np.fromiter(map(place.__getitem__, strings), np.int32, len(strings)), list(place))

    @classmethod
    def repeated(cls, string: str, count: int) -> "Names":
        """Return the same string so many times."""
        return cls(np.broadcast_to(np.int32(0), (count,)), [string])

    def take(self, rows: NDArray[np.int64], store: Store = MEMORY) -> "Names":
        """Return the strings with these indices, in this order."""
        return Names(gathered(self.numbers, rows, store), self.names)

    def renamed(self, names: Mapping[str, str]) -> "Names":
        """Return the strings with another for each."""
        return Names(self.numbers, [names.get(name, name) for name in self.names])

    def numbered(self, numbers: Mapping[str, int], store: Store = MEMORY) -> NDArray[np.int32]:
        """(N,) of each string the number that it has there; -1 of one that has none."""
        table = np.array([numbers.get(name, -1) for name in self.names], np.int32)
        found = store.empty(len(self), np.int32)
        for part in chunks(len(self)):
            found[part] = table[self.numbers[part]]
        return found

    def counted(self) -> Counter[str]:
        """Return how often each string stands here, in the order of the names."""
        return counted(self.names, (self.numbers[part] for part in chunks(len(self))))

    def rows_of(self, names: Collection[str], store: Store = MEMORY) -> NDArray[np.int64]:
        """Return the indices of all strings that are one of these."""
        wanted = np.array([name in names for name in self.names], bool)
        return rows_where(len(self), lambda part: wanted[self.numbers[part]], store)

    def __len__(self) -> int:
        return len(self.numbers)

    def _item(self, index: int) -> str:
        return self.names[int(self.numbers[index])]

    def _part(self, part: slice) -> Self:
        return type(self)(self.numbers[part], self.names)

    def __iter__(self) -> Iterator[str]:
        for part in chunks(len(self)):
            yield from map(self.names.__getitem__, self.numbers[part].tolist())


class NamesBuilder:
    """Gathers strings, each one of a few, some at a time."""

    def __init__(self, names: Sequence[str], size: int, store: Store = MEMORY) -> None:
        """names: those that there are. size: how many strings will come, for which there is room in the store."""
        self.strings, self._end = Names(store.empty(size, np.int32), names), 0
        self._number = {name: number for number, name in enumerate(names)}

    def add(self, strings: Iterable[str]) -> None:
        """Put further strings behind those before. Raises KeyError for one that is none of the names."""
        numbers = [self._number[each] for each in strings]
        self.strings.numbers[self._end : self._end + len(numbers)] = numbers
        self._end += len(numbers)


BYTES = 2**18
"""Of texts that are worked on together: what a library holds for each until all are done is a hundred times as much."""


def portions(texts: Sequence[str], most: int, start: int = 0, size: int | None = None) -> Iterator[slice]:
    """Yield where texts are taken some at a time: at most so many, and so many bytes together unless one has more.

    start: the first that is taken. size: BYTES where None; of texts that are no column, characters.
    """
    begin, together, limit = start, 0, size or BYTES
    for part in chunks(len(texts), start):
        sizes = texts.sizes[part].tolist() if isinstance(texts, Column) else list(map(len, texts[part]))
        for place, each in enumerate(sizes, part.start):
            if place - begin == most or (together + each > limit and place > begin):
                yield slice(begin, place)
                begin, together = place, 0
            together += each
    if begin < len(texts):
        yield slice(begin, len(texts))


TOGETHER = 2**16
"""Texts that a model answers at once: beside the text, an answer takes a few hundred bytes."""


def counted(names: Sequence[str], numbers: Iterable[NDArray[np.int32]]) -> Counter[str]:
    """Return how often each name stands there, in their order; numbers: its place among the names, some at a time."""
    counts = np.zeros(len(names), np.int64)
    for some in numbers:
        counts += np.bincount(some, minlength=len(counts))
    return Counter({name: count for name, count in zip(names, counts.tolist(), strict=True) if count})


def answered(texts: Sequence[str], answers: Sequence[str], answer: Callable[[Sequence[str]], Sequence[str]]) -> Names:
    """Return what a model answers each text, where the texts lie, and TOGETHER of them at once.

    answers: those that there may be.
    """
    found = NamesBuilder(answers, len(texts), store_of(texts))
    in_turn("labelling texts", len(texts), TOGETHER, lambda part: found.add(answer(texts[part])))
    return found.strings


def taken(items: Sequence[Item], rows: NDArray[np.int64], store: Store = MEMORY) -> Sequence[Item]:
    """Return the items with these indices, in this order: those of a column as a column, in the store."""
    if hasattr(items, "take"):
        found: Sequence[Item] = items.take(rows, store)
        return found
    return [items[row] for row in rows.tolist()]
