"""One text cut into splits by position, as a language model is trained and scored."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import Growing
from cellwright.data.column import Column, portions
from cellwright.data.documents import Documents
from cellwright.data.hash_split import check_shares
from cellwright.data.splits import SPLITS, Splits
from cellwright.data.table import Table
from cellwright.errors import InputError
from cellwright.stages import staged

SHARE = 0.05
"""Of validation, and of test: nine tenths are trained on."""
TOGETHER = 1000
"""Pieces that are counted at once."""


@staged(lambda texts, *_, **__: "cutting the text into train, validation and test")
def split_by_position(
    texts: Documents, source: str, *, validation: float = SHARE, test: float = SHARE
) -> Splits[Table]:
    """Split one text by position: its beginning is trained on, then come validation and test.

    Of N code points the first ⌊(1 - validation - test) N⌋ are trained on. A split without any has no row.

    Raises:
        InputError: nothing but white space.
        ValueError: shares that leave nothing for training, and other than one text.

    """
    check_shares(validation, test)
    if len(texts) != 1:
        raise ValueError(f"split_by_position: {len(texts)} texts; expected one")
    if not any(map(str.strip, texts.pieces)):
        raise InputError(f"{source}: no text, only white space; expected something to learn from")
    measured = _Measured(texts.pieces)
    size = measured.size
    # Rounded first: 1 - 0.05 - 0.05 falls short of 0.9, and the cut should not.
    first, second = (int(round(share, 9) * size) for share in (1 - validation - test, 1 - test))
    parts = {"train": (0, first), "validation": (first, second), "test": (second, size)}
    tables = {split: measured.part(*parts[split], source, [split, validation, test]) for split in SPLITS}
    sizes = ", ".join(f"{split} {end - start:,}" for split, (start, end) in parts.items())
    return Splits(tables, [f"one text of {size:,} characters, cut by position: {sizes}"])


class _Measured:
    """A text's pieces, and how many characters and lines each has."""

    def __init__(self, pieces: Column) -> None:
        def fill(growing: Growing) -> None:
            for part in portions(pieces, TOGETHER, growing.rows):
                some = list(pieces[part])
                lines = [piece.count("\n") for piece in some]
                growing.append(len(some), {"characters": np.array(list(map(len, some))), "lines": np.array(lines)})

        made = pieces.store.made("lengths", {"characters": np.int32, "lines": np.int32}, fill).arrays
        self._pieces, self._lines = pieces, made["lines"]
        self._ends: NDArray[np.int64] = np.cumsum(made["characters"], dtype=np.int64)

    @property
    def size(self) -> int:
        """Characters of all."""
        return int(self._ends[-1])

    def part(self, start: int, end: int, source: str, key: list[Any]) -> Table:
        """The characters [start, end) as the one row of a table, or a table without rows; key: as of `Table.take`."""
        if start == end:
            return Table(Documents.of([]), None, [], source)
        (first, before), (last, within) = self._place(start), self._place(end)
        store = self._pieces.store.of(lambda: ["by position", *key])
        part = self._pieces.between((first, len(before.encode())), (last, len(within.encode())), store)
        line = 1 + int(self._lines[:first].sum(dtype=np.int64)) + before.count("\n")
        return Table(Documents(part, np.array([len(part)]), store), None, [line], source)

    def _place(self, character: int) -> tuple[int, str]:
        """The piece that a character stands in, and what of the piece stands before it."""
        piece = int(np.searchsorted(self._ends, character, side="right"))
        begin = int(self._ends[piece - 1]) if piece else 0
        return piece, self._pieces[piece][: character - begin] if character > begin else ""
