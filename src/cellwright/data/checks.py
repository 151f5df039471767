"""Is this what a classifier can be trained on, or asked about?"""

from collections import Counter
from collections.abc import Sequence, Sized
from typing import Any, TypeVar

from cellwright.data.arrays import MEMORY, store_of
from cellwright.data.column import Names
from cellwright.data.labels import numbers
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.data.splits import SPLITS, Splits, counts
from cellwright.data.table import Table
from cellwright.data.wording import shortened
from cellwright.errors import InputError

Labelled = TypeVar("Labelled", Table, SeriesTable)


def classes_of(splits: Splits[Table]) -> list[str]:
    """Return the labels of all splits, sorted, if a classifier can be trained on them.

    Raises:
        InputError: no labels, one class only, fewer rows to train on than classes, or a split without rows.

    """
    source = splits["train"].source
    labels = sorted({label for split in SPLITS for label in splits[split].labels or []})
    if len(labels) < 2:
        found = f"every label is {labels[0]!r}" if labels else "no row has a label"
        raise InputError(f"{source}: {found}; expected at least two classes to tell apart")
    rows = len(splits["train"])
    if rows < len(labels):
        raise InputError(
            f"{source}: {rows} rows to train on for {len(labels)} classes ({listed(labels, most=4)}); expected more "
            f"rows than classes: {numbers(labels) or 'is this the column of the labels?'}"
        )
    check_splits(splits, source, "text")
    return labels


def check_splits(splits: Splits[Any], source: str, one: str) -> None:
    """Raise InputError where a split that was asked for has no row; one: what of the source is one, as "text"."""
    for split in SPLITS:
        rows: Sized = splits[split]
        if split not in splits.without and not len(rows):
            none = "" if split == "train" else f", or a file of their own with --{split}, or --{split}-share 0 for none"
            raise InputError(
                f"{source}: no {one} falls to the {split} split ({counts(splits)}); each {one}'s hash decides: give "
                f"more {one}s, a hundred fill all splits{none}"
            )


def with_known_labels(table: Labelled, classes: Sequence[str], rows: str = "texts") -> tuple[Labelled, list[str]]:
    """Return the rows whose label is one of the classes of a run, and a sentence on the others; rows: what they are.

    Raises InputError where none is left.
    """
    unknown = Counter(label for label in table.labels or [] if label not in classes)
    if not unknown:
        return table, []
    if unknown.total() == len(table):
        check_known(table, classes)
    named = shortened([f"{label!r} ({count:,})" for label, count in unknown.most_common()])
    store = store_of(table.texts) if isinstance(table, Table) else MEMORY
    kept = Names.of(table.labels or []).rows_of(set(classes), store)
    return table.take(kept), [
        f"{unknown.total():,} of the {len(table):,} {rows} have a label that the run does not know, and are not "
        f"scored: {named}"
    ]


def check_known(table: Table | SeriesTable, classes: Sequence[str]) -> None:
    """Raise InputError at the first text or series whose label is none of the classes that a run learns from."""
    known = set(classes)
    for row, label in enumerate(table.labels or []):
        if label not in known:
            raise InputError(
                f"{table.where(row)}: label {label!r} is none that is learned from; expected {listed(classes)}"
            )
