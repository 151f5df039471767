"""Where arrays lie that are as long as the data: in memory, or on disk and mapped into it (`data/cache.py`).

    tokens = store.made("tokens", {"numbers": np.uint16}, fill)    # what takes long: `fill` adds some rows at a time
    order = store.empty(len(texts), np.int32)                      # what is worked out anew each time

What goes through the data asks the store of its rows for arrays as long as they, and takes CHUNK rows at a time. So
data in memory and data on disk are one code, and give the same bits.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Item = TypeVar("Item")

CHUNK = 2**18
"""Rows that are worked on at once: what that takes is nothing beside a model, and as fast as all of them."""


class Growing(Protocol):
    """Arrays that grow together, some rows at a time."""

    rows: int
    """Those that are there: 0 of new arrays, more where a process before was ended while it made them."""

    def append(self, rows: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put further rows behind those before, of each array what it has of them."""
        ...


class Made(NamedTuple):
    """What was made of the data, or was there from an earlier time."""

    arrays: Mapping[str, NDArray[Any]]
    told: Any
    """What was found out on the way, as JSON has it."""


Fill = Callable[[Growing], Any]
"""Appends the rows from `Growing.rows` on, and returns what was found out of all of them, those before too."""


class Store(Protocol):
    """Where the arrays of some rows lie."""

    def of(self, key: Callable[[], object]) -> "Store":
        """Return where those lie that are made of other rows: what these are made of ours by is the key, as JSON.

        A key of None says that nobody will ask for them again.
        """
        ...

    def made(self, name: str, kinds: Mapping[str, DTypeLike], fill: Fill) -> Made:
        """Return arrays of these types that `fill` makes, or made before of the same rows under the same name."""
        ...

    def empty(self, size: int, kind: DTypeLike) -> NDArray[Any]:
        """Return an array of so many items, whatever stands in it."""
        ...

    def sentences(self) -> list[str]:
        """Say where arrays lie that stay when the process ends, and how large they are."""
        ...


class Memory:
    """In memory, from where nothing stays."""

    def __init__(self, said: Sequence[str] = ()) -> None:
        """said: why it is here."""
        self._said = list(said)

    def of(self, key: Callable[[], object]) -> "Memory":
        """Return this store: no array is looked for by what it is made of."""
        return self

    def made(self, name: str, kinds: Mapping[str, DTypeLike], fill: Fill) -> Made:
        """Return arrays of these types that `fill` makes."""
        growing = _InMemory(kinds)
        told = fill(growing)
        return Made({name: np.frombuffer(growing.content[name], kind) for name, kind in kinds.items()}, told)

    def empty(self, size: int, kind: DTypeLike) -> NDArray[Any]:
        """Return an array of so many items, whatever stands in it."""
        return np.empty(size, kind)

    def sentences(self) -> list[str]:
        """Say why they lie in memory, where it was not to be expected."""
        return self._said


MEMORY = Memory()


class _InMemory:
    """Bytes, which grow in their place as lists do, where arrays would be copied."""

    def __init__(self, kinds: Mapping[str, DTypeLike]) -> None:
        self.rows = 0
        self.content = {name: bytearray() for name in kinds}
        self._kinds = kinds

    def append(self, rows: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        for name, array in arrays.items():
            self.content[name] += bytes_of(array, self._kinds[name])
        self.rows += rows


def bytes_of(array: NDArray[Any], kind: DTypeLike) -> memoryview:
    """Return the bytes of an array, as one of this type has them."""
    return np.ascontiguousarray(array, kind).data.cast("B")


def chunks(size: int, start: int = 0) -> Iterator[slice]:
    """Yield where `size` rows are taken in turn, from row `start` on."""
    for begin in range(start, size, CHUNK):
        yield slice(begin, min(begin + CHUNK, size))


def counting(size: int, store: Store = MEMORY, first: int = 0) -> NDArray[np.int64]:
    """Return so many whole numbers, from the first on, in the store."""
    found = store.empty(size, np.int64)
    for part in chunks(size):
        found[part] = np.arange(first + part.start, first + part.stop)
    return found


def gathered(array: NDArray[Any], rows: NDArray[np.int64], store: Store = MEMORY) -> NDArray[Any]:
    """Return the items with these indices, in this order, in the store."""
    found = store.empty(len(rows), array.dtype)
    for part in chunks(len(rows)):
        found[part] = array[rows[part]]
    return found


def rows_where(size: int, holds: Callable[[slice], NDArray[np.bool_]], store: Store = MEMORY) -> NDArray[np.int64]:
    """Return those of `size` rows, in order, of which it holds; holds: of some of them in turn, twice."""
    found = store.empty(sum(int(np.count_nonzero(holds(part))) for part in chunks(size)), np.int64)
    end = 0
    for part in chunks(size):
        rows = np.flatnonzero(holds(part))
        found[end : end + len(rows)] = rows + part.start
        end += len(rows)
    return found


def ends_of(lengths: NDArray[Any], store: Store = MEMORY) -> NDArray[np.int64]:
    """Return where each of some stretches ends that lie one behind the other."""
    ends, before = store.empty(len(lengths), np.int64), 0
    for part in chunks(len(lengths)):
        ends[part] = np.cumsum(lengths[part], dtype=np.int64)
        ends[part] += before
        before = int(ends[part.stop - 1])
    return ends


def stretch(ends: NDArray[np.int64], index: int) -> tuple[int, int]:
    """Return where the stretch of this index, from 0 on, begins and ends, of some that lie one behind the other."""
    return int(ends[index - 1]) if index else 0, int(ends[index])


def places_in_stretches(
    begins: NDArray[np.int64], sizes: NDArray[np.integer], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(T,) of each item of some stretches its place: where its stretch begins, and how far in it it is.

    begins, sizes: (N,) of each stretch. ends: (N,) where each ends when they lie one behind the other.
    """
    before = np.repeat(begins - (ends - sizes), sizes)
    return before + np.arange(len(before))


class OnDemand(Sequence[Item]):
    """Items that are put together when they are asked for; a slice of them is a list."""

    called = "row"
    """What an item is, as messages name it."""

    @abstractmethod
    def _item(self, index: int) -> Item:
        """Put together the item of an index from 0 on."""

    def _items(self, part: slice) -> list[Item]:
        """Put together several: one by one, unless there is a shorter way."""
        return [self._item(each) for each in range(*part.indices(len(self)))]

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return self._items(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.called} {index} of {len(self)}")
        return self._item(index % len(self))


def store_of(items: Sequence[Any]) -> Store:
    """Return where the items lie: columns say so, and what does not is in memory."""
    store: Store = getattr(items, "store", MEMORY)
    return store
