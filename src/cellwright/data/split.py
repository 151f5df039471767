"""Train, validation and test sides, chosen by a hash of the text.

A text's side depends on the text alone: not on its place in the file, nor on the other rows, nor on a seed.
So no text stands on two sides, and rows that are added later move none of the old ones. The price is that
the shares are met on average only.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TypeVar

from cellwright.data.duplicates import Duplicates, settled
from cellwright.data.table import Table
from cellwright.data.wording import counted
from cellwright.stages import staged

SIDES = ("train", "validation", "test")


Rows = TypeVar("Rows")


class Parted(dict[str, Rows]):
    """The rows "train", "validation" and "test"; `notes` says in sentences what was left out and why.

    `without` names the sides that nobody asked for: they have no rows.
    """

    def __init__(self, sides: Mapping[str, Rows], notes: list[str]) -> None:
        super().__init__(sides)
        self.notes = notes
        self.without: frozenset[str] = frozenset()


Sides = Parted[Table]
SHARE = 0.1
"""Of the validation side, and of the test side, where nothing else is said."""


@staged(lambda table, **_: f"sharing {len(table):,} texts out to train, validation and test")
def split(
    table: Table,
    *,
    validation: float = SHARE,
    test: float = SHARE,
    salt: str = "",
    duplicates: Duplicates = "majority",
) -> Sides:
    """Give each distinct text of the table to one side.

    Left out, and counted in the notes: empty texts, and what `duplicates` leaves out of those that stand several
    times. Two texts are the same if they differ only in white space at their ends.

    Args:
        table: the rows, labelled or not.
        validation: the share of texts for choosing the best epoch, in [0, 1).
        test: the share of texts for the final score, in [0, 1); together below 1.
        salt: another one draws sides that have nothing to do with these, as to split one of them again.
        duplicates: which rows are kept of a text that stands several times, with one label or several.

    Raises:
        ValueError: the shares do not leave anything for training.

    """
    check_shares(validation, test)
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(table.texts):
        rows_of[text.strip()].append(row)
    empty = rows_of.pop("", [])
    rows, notes = settled(table, rows_of.values(), duplicates)
    indices: dict[str, list[int]] = {side: [] for side in SIDES}
    for row in rows:
        indices[side_of(salt + table.texts[row].strip(), validation, test)].append(row)
    sides = {side: table.take(rows) for side, rows in indices.items()}
    return Sides(sides, [*_without_text(table, empty), *notes, *unlearnable(sides)])


def position(text: str) -> float:
    """Return the text's place in [0, 1): its SHA-256, without the white space at its ends."""
    # A lone surrogate cannot be encoded; it must not stop a table made by hand.
    digest = hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def check_shares(validation: float, test: float) -> None:
    """Raise ValueError for shares of validation and test that leave nothing for training."""
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ValueError(
            f"shares of {validation} for validation and {test} for test; expected two from 0 on, together below 1"
        )


def side_of(text: str, validation: float, test: float) -> str:
    """Return the side of a text, white space at its ends aside."""
    place = position(text)
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def with_text(table: Table) -> tuple[Table, list[str]]:
    """Return the rows that have a text, and a note on those that have none: what a file of one side is read as."""
    kept = [row for row, text in enumerate(table.texts) if text.strip()]
    empty = sorted(set(range(len(table))) - set(kept))
    return table.take(kept), _without_text(table, empty)


def _without_text(table: Table, empty: list[int]) -> list[str]:
    if not empty:
        return []
    return [f"{counted(len(empty), 'row')} without text left out, the first on {table.where(empty[0])}"]


def unlearnable(sides: Mapping[str, Table]) -> list[str]:
    """Note each label that stands on another of these sides but not in training."""
    trained = set(sides["train"].labels or [])
    others = Counter(label for side, table in sides.items() if side != "train" for label in table.labels or [])
    return [
        f"label {label!r} has no row on the training side (of {counted(count, 'row')}), so that no model can learn it"
        for label, count in sorted(others.items())
        if label not in trained
    ]
