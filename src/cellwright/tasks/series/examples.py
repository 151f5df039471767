"""From series to what a model reads: cut into stretches, scaled, with what is to be learned of each."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from cellwright.data.scaling import Scaling
from cellwright.data.series import Roles, SeriesTable, Values, not_ahead
from cellwright.data.series_batches import SeriesExample, stretches


class Stretch(NamedTuple):
    """A series, or as many of its steps as are read at once."""

    example: SeriesExample
    series: int
    """Its row in the table."""
    scaling: Scaling
    """What the example's numbers are in units of."""


def stretches_of(
    table: SeriesTable,
    scaling: Scaling,
    window: int | None,
    *,
    ahead: bool = False,
    answers: Mapping[str, float] | None = None,
    told: int = 0,
) -> list[Stretch]:
    """Cut and scale the series of a table.

    Args:
        table: N series.
        scaling: the run's.
        window: most steps of a stretch; None reads each series whole.
        ahead: whether the scored steps are forecast from those before them, which alone then may tell the scale: where
            there are none, as in training, it is that of all.
        answers: number of each label; None without labels.
        told: steps behind each stretch of which future covariates are told ahead, where the table has them.

    Raises InputError for a value too far from the others.
    """
    found = []
    for row, values in enumerate(table.values):
        answer = answers[table.labels[row]] if answers and table.labels else None
        for begin, first, end in _cut(len(values), window, table.firsts[row]):
            own = scaling.of(values[begin : first if ahead and first > begin else end])
            where = partial(_at, table, row, begin)
            scaled = own.apply(told_ahead(values[begin : end + told], end - begin, table.roles), where)
            found.append(Stretch(SeriesExample(scaled, answer, first - begin, end - begin), row, own))
    return found


def told_ahead(values: Values, steps: int, roles: Roles) -> Values:
    """The series (T, C), NaN behind those steps for all but what is known ahead."""
    found = values.copy()
    found[np.ix_(np.arange(len(values)) >= steps, not_ahead(values.shape[1], roles))] = np.nan
    return found


def examples_of(found: list[Stretch]) -> list[SeriesExample]:
    """The examples alone."""
    return [each.example for each in found]


def _at(table: SeriesTable, row: int, begin: int, step: int, channel: int) -> str:
    """Where a value of a stretch stood."""
    return table.at(row, begin + step, channel)


def _cut(steps: int, window: int | None, first: int) -> list[tuple[int, int, int]]:
    return [(0, first, steps)] if window is None else stretches(steps, window, first)
