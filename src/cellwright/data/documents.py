"""Texts of any length, in pieces: of one that is larger than memory, only some pieces are there at once.

    texts = Documents.of(["A novel …", "A note."])
    len(texts), len(texts.pieces), texts.ends    # 2, 41, array([40, 41])

A piece ends where no token reaches across, be it a character, a word or a piece of byte pair encoding: the tokens of a
text are those of its pieces, one after the other.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, Store, chunks, ends_of, places_in_stretches, stretch
from cellwright.data.column import AsAList, Column

SIZE = 2**14
"""Characters of a piece, beside those up to the next place where one may end: the library that tokenises takes some
hundred bytes for each until the piece is done."""
MOST = 2**20
"""Characters after which a piece ends wherever it is: a word as long is cut in two."""
# White space, letters and signs that every table of Unicode calls so, the library's that cuts tokens too.
_LETTER, _SIGN = "A-Za-z\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff", ",.;:!?\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f"
_PLACE = re.compile(rf"(?<=\S)[ \n]|(?<=[{_LETTER}])[{_SIGN}]")
"""What begins a token whatever stands before it, so that a piece may end there: the first blank, or the punctuation
behind a letter. Neither is composed with what stands before (NFC)."""


def cut(blocks: Iterable[str]) -> Iterator[str]:
    """Cut a text that comes in blocks into its pieces, at least one, which joined are the text."""
    left = ""
    for block in blocks:
        left, begin = left + block, 0
        while end := _end(left, begin):
            yield left[begin:end]
            begin = end
        left = left[begin:]
    yield left


def _end(text: str, begin: int) -> int | None:
    """Where the piece that begins there ends, if it ends before the text."""
    limit = begin + MOST
    if found := _PLACE.search(text, begin + SIZE, limit):
        return found.start()
    return next((place for place in range(limit, len(text)) if _alone(text[place])), None)


def _alone(character: str) -> bool:
    """Whether a character is never composed with one before it."""
    return unicodedata.category(character)[0] in "LNPSZ" and not "\u1100" <= character <= "\u11ff"  # the jamo


class Documents(AsAList[str]):
    """N texts of whole characters, each in one piece or several. Equal to any sequence of the same texts."""

    def __init__(self, pieces: Column, ends: NDArray[np.int64], store: Store = MEMORY) -> None:
        """Take them as they are: the pieces of all texts, and ends (N,), where in them those of each text end.

        store: where they lie, and what is made of them should.
        """
        self.pieces, self.ends, self.store = pieces, ends, store

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Documents":
        """Cut texts that are too long for one piece, where they lie; a column is not copied."""
        if isinstance(texts, Documents):
            return texts
        column = texts if isinstance(texts, Column) else Column.of(texts)
        ends = column.store.empty(len(column), np.int64)
        cuts: dict[int, NDArray[np.int32]] = {}
        before = 0
        for part in chunks(len(column)):
            counts = np.ones(part.stop - part.start, np.int64)
            for row in np.flatnonzero(column.sizes[part] > SIZE).tolist():
                found = [len(piece.encode()) for piece in cut([column[part.start + row]])]
                if len(found) > 1:
                    cuts[part.start + row], counts[row] = np.array(found, np.int32), len(found)
            ends[part] = before + np.cumsum(counts)
            before += int(counts.sum())
        if not cuts:
            return cls(column, ends, column.store)
        pieces = column.cut(cuts, column.store.of(lambda: ["pieces", SIZE, MOST]))
        return cls(pieces, ends, pieces.store)

    def take(self, rows: NDArray[np.int64], store: Store = MEMORY) -> Self:
        """Return the texts with these indices, in this order."""
        begins = np.where(rows > 0, self.ends[rows - 1], 0)
        counts = self.ends[rows] - begins
        ends = ends_of(counts, store)
        places = places_in_stretches(begins, counts, ends)
        return type(self)(self.pieces.take(places, store), ends, store)

    def each(self) -> Iterator[Column]:
        """Yield of each text its pieces."""
        begin = 0
        for part in chunks(len(self)):
            for end in self.ends[part].tolist():
                yield self.pieces[begin:end]
                begin = end

    def __len__(self) -> int:
        return len(self.ends)

    def _item(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(f"text {index} of {len(self)}")
        begin, end = stretch(self.ends, index % len(self))
        return "".join(self.pieces[begin:end])

    def _part(self, part: slice) -> Self:
        return self.take(np.arange(*part.indices(len(self))))

    def __iter__(self) -> Iterator[str]:
        return map("".join, self.each())

    def __repr__(self) -> str:
        return f"Documents({len(self):,} texts in {len(self.pieces):,} pieces)"


def pieces_of(texts: Sequence[str]) -> Iterator[Iterable[str]]:
    """Yield of each text its pieces; of one that is no document, itself."""
    return texts.each() if isinstance(texts, Documents) else ((text,) for text in texts)


def stripped(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces of a text without the white space at its ends."""
    held, begun = "", False
    for piece in pieces:
        rest = piece if begun else piece.lstrip()
        begun = begun or bool(rest)
        kept = rest.rstrip()
        if kept:
            yield held + kept
            held = ""
        held += rest[len(kept) :]
