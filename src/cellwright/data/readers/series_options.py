"""How a file of series is read, whatever its format; a format reads of it what it has."""

from typing import Literal, NamedTuple

Fill = Literal["missing", "previous", "linear"]


class SeriesOptions(NamedTuple):
    """Columns by name, and what to do with what is not there.

    A file without a column of its usual name does without; any other name must be there.
    """

    series: str = "series"
    """Names the series a row belongs to; without, the file is one."""
    time: str = "time"
    """Time of the step; without, the order of the rows is the time's."""
    label: str = "label"
    """Class of the series, or the number to learn."""
    values: tuple[str, ...] = ()
    """The channels; none: every other column."""
    ignore: tuple[str, ...] = ()
    """Columns that are not read."""
    missing: tuple[str, ...] = ()
    """What else stands for a missing value, as -9999."""
    fill: Fill | None = None
    """What takes the place of steps and values that are missing; None leaves them out, and missing."""
    fills_values: bool = True
    """Whether values that are missing are filled too, or steps alone: where columns follow from others, these are."""
    sort: bool = False
    """Whether rows are sorted by time; else they must be."""
    header: bool = True
    """Whether the first line names the columns; else they are called 1, 2, …."""
    separator: str | None = None
    """Between fields; None goes by the format."""
    labelled: bool = True
    """Whether labels are read; predictions need none."""
    passed_over: tuple[str, ...] = ()
    """Columns that are not read either, and need not be there."""

    alone: tuple[str, ...] | None = None
    """What may stand in a file without a column of series, which is one series then; None: such a column must be there.
    """
    further: bool = False
    """Whether `values` are the channels of a file that was learned from, beside which this one is read."""

    def of_further(self, values: tuple[str, ...]) -> "SeriesOptions":
        """Return how a file beside this one is read for these channels: what is ignored here need not be there."""
        return self._replace(values=values, ignore=(), passed_over=self.ignore, further=True)


def names_of(written: str | None) -> tuple[str, ...]:
    """The names in a list with commas between them.

    >>> names_of("load, wind"), names_of(None)
    (('load', 'wind'), ())
    """
    return tuple(name for each in (written or "").split(",") if (name := each.strip()))
