"""What a model reads of texts, as arrays: each text in one piece or several, which are made when they are asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cellwright.data.arrays import (
    MEMORY,
    Growing,
    OnDemand,
    Store,
    chunks,
    ends_of,
    gathered,
    rows_where,
    store_of,
    stretch,
)
from cellwright.data.batches import Example, Pieces
from cellwright.data.token_rows import TokenRows, narrow
from cellwright.data.tokenizer import TOGETHER, Tokenizer
from cellwright.stages import stage

Cut = Callable[[Sequence[str]], Sequence[tuple[Sequence[int], Pieces]]]
"""Returns of each of some texts its token numbers, and the pieces that are read of these."""


class Whole(Sequence[Pieces]):
    """Texts that are read whole."""

    def __init__(self, rows: TokenRows) -> None:
        self._rows = rows

    def costs(self, window: int) -> NDArray[np.integer]:
        """(N,) padded tokens that each text takes in a batch."""
        return self._rows.lengths

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Pieces: ...
    @overload
    def __getitem__(self, index: slice) -> "Whole": ...
    def __getitem__(self, index: int | slice) -> "Pieces | Whole":
        return Whole(self._rows[index]) if isinstance(index, slice) else [self._rows[index]]

    def __iter__(self) -> Iterator[Pieces]:
        return ([row] for row in self._rows)


class InPieces(OnDemand[Pieces]):
    """Texts that are read in parts."""

    called = "text"

    def __init__(self, rows: TokenRows, ends: NDArray[np.int64], store: Store = MEMORY) -> None:
        """rows: the pieces of all texts, of each at least one; ends: (N,), where in them those of each text end."""
        self._rows, self._ends, self._store = rows, ends, store

    def one_by_one(self) -> "SinglePieces":
        """Return all pieces of all texts that have a token."""
        lengths = self._rows.lengths
        return SinglePieces(
            self._rows, rows_where(len(lengths), lambda part: lengths[part] > 0, self._store), self._store
        )

    def costs(self, window: int) -> NDArray[np.integer]:
        """(N,) padded tokens that each text takes in a batch, at most; window: the tokens of a piece, at most."""
        found = self._store.empty(len(self), np.int32)
        for part in chunks(len(self)):
            ends = self._ends[part]
            counts = np.diff(ends, prepend=self._ends[part.start - 1] if part.start else 0)
            found[part] = np.where(counts == 1, self._rows.lengths[ends - 1], counts * window)
        return found

    def __len__(self) -> int:
        return len(self._ends)

    def _item(self, index: int) -> Pieces:
        return [self._rows[piece] for piece in range(*stretch(self._ends, index))]


class SinglePieces(Sequence[Example]):
    """Pieces of texts, each an example by itself, without a label."""

    def __init__(self, rows: TokenRows, places: NDArray[np.int64], store: Store) -> None:
        """places: (M,) of the pieces among the rows; store: where they lie."""
        self._rows, self._places, self.store = rows, places, store

    def costs(self) -> NDArray[np.integer]:
        """(M,) tokens of each."""
        return gathered(self._rows.lengths, self._places, self.store)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> "SinglePieces": ...
    def __getitem__(self, index: int | slice) -> "Example | SinglePieces":
        if isinstance(index, slice):
            return SinglePieces(self._rows, self._places[index], self.store)
        return self._rows[int(self._places[index])], None


class Tokenised(NamedTuple):
    """N texts."""

    numbers: TokenRows
    """All token numbers of each."""
    pieces: Whole | InPieces
    """What is read of each."""


def whole(texts: Sequence[str], tokenizer: Tokenizer) -> Tokenised:
    """Return texts that are read whole, where they lie."""
    rows = tokenizer.rows(texts)
    return Tokenised(rows, Whole(rows))


def shortened(texts: Sequence[str], tokenizer: Tokenizer, cut: Cut, key: object) -> Tokenised:
    """Return texts that are read in parts, where they lie; key: how they are cut, as JSON."""

    def fill(growing: Growing) -> None:
        with stage("tokenising texts", len(texts)) as done:
            for start in range(growing.rows, len(texts), TOGETHER):
                some = cut(texts[start : start + TOGETHER])
                numbers = TokenRows.of([numbers for numbers, _ in some], tokenizer.size)
                read = TokenRows.of([piece for _, pieces in some for piece in pieces], tokenizer.size)
                arrays = {"numbers": numbers.numbers, "lengths": numbers.lengths}
                arrays |= {"read": read.numbers, "sizes": read.lengths}
                growing.append(len(some), arrays | {"counts": np.array([len(pieces) for _, pieces in some])})
                done(len(some))

    kind = narrow(tokenizer.size)
    kinds: dict[str, DTypeLike]
    kinds = {"numbers": kind, "lengths": np.int32, "read": kind, "sizes": np.int32, "counts": np.int32}
    store = store_of(texts).of(lambda: [tokenizer.digest, key])
    made = store.made("pieces", kinds, fill).arrays
    numbers = TokenRows(made["numbers"], ends_of(made["lengths"], store), made["lengths"])
    read = TokenRows(made["read"], ends_of(made["sizes"], store), made["sizes"])
    return Tokenised(numbers, InPieces(read, ends_of(made["counts"], store), store))
