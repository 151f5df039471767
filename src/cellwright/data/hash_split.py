"""Which split a row falls to: a hash of its text decides.

It depends on the text alone: not on its place in the file, nor on the other rows, nor on a seed.
So no text stands in two splits, and rows that are added later move none of the old ones. The price is that
the shares are met on average only.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping

from cellwright.data.duplicates import Duplicates, settled
from cellwright.data.splits import SHARE, SPLITS, Splits
from cellwright.data.table import Table
from cellwright.data.wording import counted
from cellwright.stages import staged


@staged(lambda table, **_: f"sharing {len(table):,} texts out to train, validation and test")
def split_table(
    table: Table,
    *,
    validation: float = SHARE,
    test: float = SHARE,
    salt: str = "",
    duplicates: Duplicates = "majority",
) -> Splits[Table]:
    """Give each distinct text of the table to one split.

    Left out, and counted in the notes: empty texts, and what `duplicates` leaves out of those that stand several
    times. Two texts are the same if they differ only in white space at their ends.

    Args:
        table: the rows, labelled or not.
        validation: the share of texts for choosing the best epoch, in [0, 1).
        test: the share of texts for the final score, in [0, 1); together below 1.
        salt: another one draws splits that have nothing to do with these, as to split one of them again.
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
    indices: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row in rows:
        indices[split_of(salt + table.texts[row].strip(), validation, test)].append(row)
    splits = {split: table.take(rows) for split, rows in indices.items()}
    return Splits(splits, [*_without_text(table, empty), *notes, *unlearnable(splits)])


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


def split_of(text: str, validation: float, test: float) -> str:
    """Return the split of a text, white space at its ends aside."""
    place = position(text)
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def with_text(table: Table) -> tuple[Table, list[str]]:
    """Return the rows that have a text, and a note on those that have none: what a file of one split is read as."""
    kept = [row for row, text in enumerate(table.texts) if text.strip()]
    empty = sorted(set(range(len(table))) - set(kept))
    return table.take(kept), _without_text(table, empty)


def _without_text(table: Table, empty: list[int]) -> list[str]:
    if not empty:
        return []
    return [f"{counted(len(empty), 'row')} without text left out, the first on {table.where(empty[0])}"]


def unlearnable(splits: Mapping[str, Table]) -> list[str]:
    """Note each label that stands in another of these splits but not in training."""
    trained = set(splits["train"].labels or [])
    others = Counter(label for split, table in splits.items() if split != "train" for label in table.labels or [])
    return [
        f"label {label!r} has no row in the training split (of {counted(count, 'row')}), so that no model can learn it"
        for label, count in sorted(others.items())
        if label not in trained
    ]
