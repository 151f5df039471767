"""From series to what a model reads: cut into stretches, scaled, with what is to be learned of each."""

from collections.abc import Mapping
from typing import NamedTuple

from cellwright.data.scaling import Scaling
from cellwright.data.series import SeriesTable
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
) -> list[Stretch]:
    """Cut and scale the series of a table.

    Args:
        table: N series.
        scaling: the run's.
        window: most steps of a stretch; None reads each series whole.
        ahead: whether the scored steps are forecast from those before them, which alone then may tell the scale: where
            there are none, as in training, it is that of all.
        answers: number of each label; None without labels.

    Raises InputError for a value too far from the others.
    """
    found = []
    for row, values in enumerate(table.values):
        answer = answers[table.labels[row]] if answers and table.labels else None
        for begin, first, end in _cut(len(values), window, table.firsts[row]):
            own = scaling.of(values[begin : first if ahead and first > begin else end])
            scaled = own.apply(values[begin:end], table.where(row))
            found.append(Stretch(SeriesExample(scaled, answer, first - begin), row, own))
    return found


def examples_of(found: list[Stretch]) -> list[SeriesExample]:
    """The examples alone."""
    return [each.example for each in found]


def _cut(steps: int, window: int | None, first: int) -> list[tuple[int, int, int]]:
    return [(0, first, steps)] if window is None else stretches(steps, window, first)
