"""From series to what a model reads: cut into stretches, scaled, with what is to be learned of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, overload

import numpy as np

from cellwright.data.scaling import Scaling
from cellwright.data.series import Roles, SeriesTable, Values, not_ahead
from cellwright.data.series_batches import SeriesExample, stretches
from cellwright.tasks.texts import batches_of


class Stretch(NamedTuple):
    """A series, or as many of its steps as are read at once."""

    example: SeriesExample
    series: int
    """Its row in the table."""
    scaling: Scaling
    """What the example's numbers are in units of."""


class Stretches(Sequence[Stretch]):
    """Stretches of the series of a table, each scaled when it is asked for, so that they are never all there."""

    def __init__(self, lengths: Sequence[int], series: Sequence[int], make: Callable[[int], Stretch]) -> None:
        """lengths: steps of each, with those told ahead. series: its row in the table. make: makes one by number."""
        self.lengths, self.series, self._make = lengths, series, make

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, index: int) -> Stretch: ...
    @overload
    def __getitem__(self, index: slice) -> list[Stretch]: ...
    def __getitem__(self, index: int | slice) -> Stretch | list[Stretch]:
        """Make some. Raises InputError for a value too far from the others."""
        numbers = range(len(self))[index]
        return self._make(numbers) if isinstance(numbers, int) else [self._make(number) for number in numbers]

    def batches(self, budget: int) -> Iterator[tuple[list[int], list[Stretch]]]:
        """Yield those of a batch, as `batches_of` puts them together, and their numbers."""
        for numbers in batches_of(self.lengths, budget):
            yield numbers, [self._make(number) for number in numbers]


def stretches_of(
    table: SeriesTable,
    scaling: Scaling,
    window: int | None,
    *,
    ahead: bool = False,
    answers: Mapping[str, float] | None = None,
    told: int = 0,
) -> Stretches:
    """Cut and scale the series of a table.

    Args:
        table: N series.
        scaling: the run's.
        window: most steps of a stretch; None reads each series whole.
        ahead: whether the scored steps are forecast from those before them, which alone then may tell the scale: where
            there are none, as in training, it is that of all.
        answers: number of each label; None without labels.
        told: steps behind each stretch of which future covariates are told ahead, where the table has them.

    Asked for one of them, it raises InputError for a value too far from the others.
    """
    cuts = [
        (row, *cut) for row, values in enumerate(table.values) for cut in _cut(len(values), window, table.firsts[row])
    ]

    def make(number: int) -> Stretch:
        row, begin, first, end = cuts[number]
        values = table.values[row]
        answer = answers[table.labels[row]] if answers and table.labels else None
        own = scaling.of(values[begin : first if ahead and first > begin else end])
        where = partial(_at, table, row, begin)
        scaled = own.apply(told_ahead(values[begin : end + told], end - begin, table.roles), where)
        return Stretch(SeriesExample(scaled, answer, first - begin, end - begin), row, own)

    lengths = [min(end + told, len(table.values[row])) - begin for row, begin, _, end in cuts]
    return Stretches(lengths, [row for row, *_ in cuts], make)


def told_ahead(values: Values, steps: int, roles: Roles) -> Values:
    """The series (T, C), NaN behind those steps for all but what is known ahead."""
    found = values.copy()
    found[np.ix_(np.arange(len(values)) >= steps, not_ahead(values.shape[1], roles))] = np.nan
    return found


def examples_of(found: Sequence[Stretch]) -> list[SeriesExample]:
    """The examples alone."""
    return [each.example for each in found]


def _at(table: SeriesTable, row: int, begin: int, step: int, channel: int) -> str:
    """Where a value of a stretch stood."""
    return table.at(row, begin + step, channel)


def _cut(steps: int, window: int | None, first: int) -> list[tuple[int, int, int]]:
    return [(0, first, steps)] if window is None else stretches(steps, window, first)
