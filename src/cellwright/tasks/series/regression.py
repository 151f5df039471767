"""Labels of series as numbers: those to learn, and those that are taken for classes by mistake."""

import numpy as np

from cellwright.data.readers.numbers import is_number
from cellwright.data.scaling import Scaling, fit_scaling
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError

MANY = 20
"""So many classes that all are numbers are measured values rather, where hardly two series share one."""


def numbers_of(table: SeriesTable) -> list[float]:
    """The number to learn of each series. Raises InputError where there is none, or one that is not finite."""
    if table.labels is None:
        raise InputError(
            f"{table.source}: the series have no labels, which --target regress learns; expected a number of each, in "
            "the column of --label in CSV, behind @targetLabel in .ts"
        )
    for row, label in enumerate(table.labels):
        if not is_number(label) or not np.isfinite(float(label)):
            raise InputError(
                f"{table.where(row)}: label {label[:40]!r} is no number, which --target regress learns; expected a "
                "finite one, or --target classify"
            )
    return [float(label) for label in table.labels]


def number_scaling(train: SeriesTable) -> Scaling:
    """Mean and deviation of the numbers to learn. Raises InputError where all are the same."""
    numbers = numbers_of(train)
    if len(set(numbers)) < 2:
        raise InputError(f"{train.source}: every number to learn is {numbers[0]:g}; expected at least two")
    return fit_scaling([np.array(numbers)[:, None]])


def check_classes(table: SeriesTable) -> None:
    """Raise InputError for classes that are measured values."""
    labels = set(table.labels or [])
    if len(labels) <= MANY or not all(map(is_number, labels)):
        return
    if 2 * len(labels) > len(table) or not all(float(label).is_integer() for label in labels):
        raise InputError(
            f"{table.source}: {len(labels):,} labels that all are numbers, for {len(table):,} series; expected "
            "classes: --target regress learns numbers"
        )
