"""Lists of strings as arrays: the words of sentences, and what is said of each word.

    tags = Lists.of([["N", "V"], [], ["N"]], Names.of)
    tags[0], frequencies(tags)    # ["N", "V"], Counter({"N": 2, "V": 1})

A list of lists takes 64 bytes a word beside its characters; this takes 4 of tags and 12 of words. Lists are made when
they are asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, Store, chunks, ends_of, gathered, places_in_stretches, rows_where, store_of
from cellwright.data.column import AsAList, Bare, Column, Names, NamesBuilder, counted
from cellwright.stages import in_turn

Strings = Sequence[Sequence[str]]
"""Some strings of each row."""
TOGETHER = 1000
"""Lists that are made at once where all are gone through."""
MANY = 10_000
"""Lists of which arrays are made at once, or that something is said of."""


Items = Column | Names | Bare
"""What lists are stretches of."""


class Lists(AsAList[list[str]]):
    """N lists, each a stretch of one column. Equal to any sequence of the same lists."""

    called = "lists"

    def __init__(
        self, items: Items, begins: NDArray[np.int64], sizes: NDArray[np.int32], store: Store = MEMORY
    ) -> None:
        """Take them as they are: begins (N,) and sizes (N,), of each list among the items.

        store: where they lie, and what is made of them should.
        """
        self.items, self.sizes, self.store, self._begins = items, sizes, store, begins

    @classmethod
    def side_by_side(cls, items: Items, sizes: NDArray[np.int32], store: Store = MEMORY) -> "Lists":
        """Take lists that lie one behind the other; arguments as of the lists."""
        begins = ends_of(sizes, store)
        begins -= sizes
        return cls(items, begins, sizes, store)

    @classmethod
    def of(cls, rows: Strings, items: Callable[[list[str]], Items]) -> "Lists":
        """Copy lists; items: makes the column."""
        return cls.side_by_side(items(list(chain.from_iterable(rows))), lengths_of(rows))

    def take(self, rows: NDArray[np.int64], store: Store = MEMORY) -> "Lists":
        """Return the lists with these indices, in this order; the items are shared."""
        return Lists(self.items, gathered(self._begins, rows, store), gathered(self.sizes, rows, store), store)

    def apart(self, rows: NDArray[np.int64], store: Store = MEMORY) -> "Lists":
        """Return the lists with these indices; their items are these lists' alone, one list's behind the other's."""
        sizes = gathered(self.sizes, rows, store)
        ends = ends_of(sizes, store)
        places = store.empty(int(ends[-1]) if len(ends) else 0, np.int64)
        for part in chunks(len(rows)):
            begin = int(ends[part.start]) - int(sizes[part.start])
            some = places_in_stretches(self._begins[rows[part]], sizes[part], ends[part] - begin)
            places[begin : begin + len(some)] = some
        return Lists.side_by_side(self.items.take(places, store), sizes, store)

    def renamed(self, names: Mapping[str, str]) -> "Lists":
        """Return the lists with another string for each, where these are of a few."""
        assert isinstance(self.items, Names)  # a column of texts has no names
        return Lists(self.items.renamed(names), self._begins, self.sizes, self.store)

    def flat(self) -> Names:
        """Return the strings of all lists, one behind the other, where these are of a few."""
        assert isinstance(self.items, Names)
        found, start = self.store.empty(int(self.sizes.sum(dtype=np.int64)), np.int32), 0
        for some in self._numbers(self.items):
            found[start : start + len(some)] = some
            start += len(some)
        return Names(found, self.items.names)

    def counted(self) -> Counter[str]:
        """Return how often each string stands in a list, where these are of a few; in the order of their names."""
        assert isinstance(self.items, Names)
        return counted(self.items.names, self._numbers(self.items))

    def _numbers(self, items: Names) -> Iterator[NDArray[np.int32]]:
        """Those of all lists' strings, of MANY lists at a time."""
        for first in range(0, len(self), MANY):
            part = slice(first, first + MANY)
            ends = np.cumsum(self.sizes[part], dtype=np.int64)
            yield items.numbers[places_in_stretches(self._begins[part], self.sizes[part], ends)]

    def __len__(self) -> int:
        return len(self._begins)

    def _item(self, index: int) -> list[str]:
        begin = int(self._begins[index])
        return list(self.items[begin : begin + int(self.sizes[index])])

    def _part(self, part: slice) -> Self:
        return type(self)(self.items, self._begins[part], self.sizes[part])

    def __iter__(self) -> Iterator[list[str]]:
        for start in range(0, len(self), TOGETHER):
            part = slice(start, start + TOGETHER)
            begins, sizes = self._begins[part], self.sizes[part]
            first, last = int(begins.min()), int((begins + sizes).max())
            places = zip(begins.tolist(), sizes.tolist(), strict=True)
            if last - first <= 2 * int(sizes.sum()):  # as rows of a split do, they lie nearly one behind the other
                near = list(self.items[first:last])
                yield from (near[begin - first : begin - first + size] for begin, size in places)
            else:
                yield from (list(self.items[begin : begin + size]) for begin, size in places)


class Side(AsAList[list[tuple[str, ...]]]):
    """N lists of tuples, put together of as many lists of strings as a tuple has places."""

    called = "lists"

    def __init__(self, columns: Sequence[Lists]) -> None:
        """columns: at least one, whose lists are as long as those of the others."""
        self.columns, self.store = columns, columns[0].store

    def take(self, rows: NDArray[np.int64], store: Store = MEMORY) -> "Side":
        """Return the lists with these indices, in this order."""
        return Side([each.take(rows, store) for each in self.columns])

    def __len__(self) -> int:
        return len(self.columns[0])

    def _item(self, index: int) -> list[tuple[str, ...]]:
        return list(zip(*(each[index] for each in self.columns), strict=True))

    def _part(self, part: slice) -> Self:
        return type(self)([each[part] for each in self.columns])

    def __iter__(self) -> Iterator[list[tuple[str, ...]]]:
        for each in zip(*self.columns, strict=True):
            yield list(zip(*each, strict=True))


def lengths_of(rows: Sequence[Sequence[Any]]) -> NDArray[np.int32]:
    """(N,) of each row."""
    return rows.sizes if isinstance(rows, Lists) else np.fromiter(map(len, rows), np.int32, len(rows))


def filled(rows: Sequence[Sequence[Any]], store: Store = MEMORY) -> NDArray[np.int64]:
    """Return the indices of the rows that hold something."""
    lengths = lengths_of(rows)
    return rows_where(len(rows), lambda part: lengths[part] > 0, store)


def flat(rows: Strings) -> Sequence[str]:
    """Return the strings of all rows, which are of a few, one behind the other."""
    return rows.flat() if isinstance(rows, Lists) else list(chain.from_iterable(rows))


def frequencies(rows: Strings) -> Counter[str]:
    """Return how often each string stands in the rows, of which there are a few."""
    return rows.counted() if isinstance(rows, Lists) else Counter(chain.from_iterable(rows))


def said_of(
    rows: Strings, names: Sequence[str], answer: Callable[[Any], Strings], asked: Sequence[Any] | None = None
) -> Lists:
    """Return one of these names for each item of the rows, where the rows lie; MANY rows at once.

    answer: returns of some rows their names. asked: what it is told of the rows in place of these.
    """
    store, lengths, told = store_of(rows), lengths_of(rows), rows if asked is None else asked
    found = NamesBuilder(names, int(lengths.sum(dtype=np.int64)), store)
    in_turn("tagging sentences", len(rows), MANY, lambda part: found.add(chain.from_iterable(answer(told[part]))))
    return Lists.side_by_side(found.strings, lengths, store)
