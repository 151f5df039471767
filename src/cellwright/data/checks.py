"""Is this what a classifier can be trained on, or asked about?"""

from collections import Counter
from collections.abc import Sequence, Sized
from typing import Any

from cellwright.data.labels import numbers
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.data.split import SIDES, Parted, Sides
from cellwright.data.splits import counts
from cellwright.data.table import Table
from cellwright.data.wording import shortened
from cellwright.errors import InputError


def classes_of(sides: Sides) -> list[str]:
    """Return the labels of all sides, sorted, if a classifier can be trained on them.

    Raises:
        InputError: no labels, one class only, fewer rows to train on than classes, or a side without rows.

    """
    source = sides["train"].source
    labels = sorted({label for side in SIDES for label in sides[side].labels or []})
    if len(labels) < 2:
        found = f"every label is {labels[0]!r}" if labels else "no row has a label"
        raise InputError(f"{source}: {found}; expected at least two classes to tell apart")
    rows = len(sides["train"])
    if rows < len(labels):
        raise InputError(
            f"{source}: {rows} rows to train on for {len(labels)} classes ({listed(labels, most=4)}); expected more "
            f"rows than classes: {numbers(labels) or 'is this the column of the labels?'}"
        )
    check_sides(sides, source, "text")
    return labels


def check_sides(sides: Parted[Any], source: str, one: str) -> None:
    """Raise InputError where a side that was asked for has no row; one: what of the source is one, as "text"."""
    for side in SIDES:
        rows: Sized = sides[side]
        if side not in sides.without and not len(rows):
            asks = "" if side == "train" else f", or a file of their own with --{side}, or --{side}-share 0 for none"
            raise InputError(
                f"{source}: no {one} falls to the {side} side ({counts(sides)}); each {one}'s hash decides: give more "
                f"{one}s, a hundred fill all sides{asks}"
            )


def with_known_labels(table: Table, classes: Sequence[str]) -> tuple[Table, list[str]]:
    """Return the texts whose label is one of the classes of a run, and a sentence on the others.

    Raises InputError where none is left.
    """
    unknown = Counter(label for label in table.labels or [] if label not in classes)
    if not unknown:
        return table, []
    if unknown.total() == len(table):
        check_known(table, classes)
    labels = shortened([f"{label!r} ({count:,})" for label, count in unknown.most_common()])
    rows = [row for row, label in enumerate(table.labels or []) if label not in unknown]
    return table.take(rows), [
        f"{unknown.total():,} of the {len(table):,} texts have a label that the run does not know, and are not scored: "
        f"{labels}"
    ]


def check_known(table: Table | SeriesTable, classes: Sequence[str]) -> None:
    """Raise InputError at the first text or series whose label is none of the classes that a run learns from."""
    known = set(classes)
    for row, label in enumerate(table.labels or []):
        if label not in known:
            raise InputError(
                f"{table.where(row)}: label {label!r} is none that is learned from; expected {listed(classes)}"
            )
