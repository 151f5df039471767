"""Is this what a classifier can be trained on, or asked about?"""

from collections.abc import Mapping, Sequence

from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.data.split import SIDES
from cellwright.data.table import Table
from cellwright.errors import InputError


def classes_of(sides: Mapping[str, Table]) -> list[str]:
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
            "rows than classes: is this the column of the labels?"
        )
    check_sides(sides)
    return labels


def check_sides(sides: Mapping[str, Table]) -> None:
    """Raise InputError where a side has no row."""
    for side in SIDES:
        if not len(sides[side]):
            raise InputError(
                f"{sides[side].source}: no text falls to the {side} side ({_counts(sides)}); each text's hash decides: "
                "give more texts, a hundred fill all sides"
            )


def check_known(table: Table | SeriesTable, classes: Sequence[str]) -> None:
    """Raise InputError at the first text or series whose label is none of the classes that a run learns from."""
    known = set(classes)
    for row, label in enumerate(table.labels or []):
        if label not in known:
            raise InputError(
                f"{table.where(row)}: label {label!r} is none that is learned from; expected {listed(classes)}"
            )


def _counts(sides: Mapping[str, Table]) -> str:
    return ", ".join(f"{side} {len(sides[side])}" for side in SIDES)
