"""From series to what a model reads: scaled, labelled, cut into stretches."""

from collections.abc import Mapping

from cellwright.data.scaling import Scaling
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesExample, stretches


def examples_of(
    table: SeriesTable, scaling: Scaling, window: int | None, numbers: Mapping[str, int] | None = None
) -> tuple[list[SeriesExample], list[int]]:
    """Return the examples, and the series that each is of.

    window: most steps of an example, None reads each series whole. numbers: those of the labels, None without labels.
    """
    found, owners = [], []
    for row, values in enumerate(table.values):
        scaled = scaling.apply(values, table.where(row))
        label = numbers[table.labels[row]] if numbers and table.labels else None
        for begin, first, end in _cut(len(values), window, table.firsts[row]):
            found.append(SeriesExample(scaled[begin:end], label, first - begin))
            owners.append(row)
    return found, owners


def _cut(steps: int, window: int | None, first: int) -> list[tuple[int, int, int]]:
    return [(0, first, steps)] if window is None else stretches(steps, window, first)
