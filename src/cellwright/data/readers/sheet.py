"""A table of cells as texts, whatever file it came from, and which of its columns is what."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from cellwright.data.readers.delimited import Row
from cellwright.data.readers.numbers import is_number
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.times import days_in, is_time
from cellwright.data.readers.values import index_of, listed
from cellwright.errors import InputError

ROLES = "--series, --time and --label"
_WIDE = "; where each line is a series with its label first, give --format ucr"


BLOCK = 3
"""Rows at least in which a number that names a series stands."""


class Sheet(NamedTuple):
    """A table of cells as texts, and where its rows stand."""

    source: str
    names: list[str]
    rows: list[Row]
    head: str
    """Where the names of the columns stand, as messages begin."""
    unit: str = "line"
    named: bool = True
    """Whether the file names its columns."""
    notes: Sequence[str] = ()
    """How the file was read, where nobody said it."""

    def where(self, line: int, place: int) -> str:
        """Where a cell stands, as messages begin."""
        return f"{self.source}, {self.unit} {line}, column {self.names[place]!r}"


class Places(NamedTuple):
    """Where in a row each part stands; None where the file has it not."""

    series: int | None
    time: int | None
    label: int | None
    channels: list[int]


def check_header(sheet: Sheet) -> None:
    """Raise InputError for a line of values where the names of the columns are expected."""
    numbers = [is_number(name) for name in sheet.names]
    if sheet.named and any(numbers) and all(map(_is_value, sheet.names)):
        kind = "a number" if all(numbers) else "a number or a time"
        raise InputError(
            f"{sheet.head}: every name of a column is {kind} ({listed(sheet.names, most=4)}), as values are; "
            "expected a line that names the columns: --no-header reads the first line as a step too, --format ucr each "
            "line as a series with its label first"
        )


def _is_value(name: str) -> bool:
    return is_number(name) or is_time(name.strip())


def places_of(sheet: Sheet, options: SeriesOptions) -> Places:
    """Which column is what. Raises InputError for one that is not there, stands twice, or is given two parts."""
    names = sheet.names
    for name in options.ignore:
        index_of(name, names, sheet.head, "--ignore")
        if name in options.values:
            raise InputError(
                f"{sheet.head}: column {name!r} is one of those that are read, and --ignore leaves it out; expected "
                "another: --values names those that are read, and a run reads those that it learned from"
            )
    left_out = {*options.ignore, *options.passed_over}
    parts: dict[str, int | None] = {}
    for role in ("series", "time", "label"):
        column: str = getattr(options, role)
        spared = column == SeriesOptions._field_defaults[role] or (role == "label" and not options.labelled)
        spared |= role == "series" and _may_be_one(names, options)
        absent = column in left_out or (column not in names and spared)
        parts[role] = None if absent else index_of(column, names, sheet.head, ROLES)
    if options.values:
        channels = [index_of(name, names, sheet.head, "--values") for name in options.values]
    else:
        taken = {*parts.values(), *(place for place, name in enumerate(names) if name in left_out)}
        channels = [place for place, name in enumerate(names) if place not in taken and name.strip()]
    if not channels:
        raise InputError(f"{sheet.head}: no column of values beside {listed(names)}; expected one a channel")
    for place in channels:
        index_of(names[place], names, sheet.head, "--values")  # refuses a channel that stands twice
        for role, taken_by in parts.items():
            if taken_by == place:
                raise InputError(f"{sheet.head}: column {names[place]!r} for both --{role} and --values; expected two")
    return Places(parts["series"], parts["time"], parts["label"] if options.labelled else None, channels)


def _may_be_one(names: Sequence[str], options: SeriesOptions) -> bool:
    """Whether a file without the column of series is one series: all of its columns are known as something else."""
    if options.alone is None:
        return False
    known = {options.time, options.label, *options.values, *options.ignore, *options.passed_over, *options.alone}
    return all(name in known for name in names if name.strip())


def unread(sheet: Sheet, places: Places, options: SeriesOptions) -> list[str]:
    """The notes on columns that are passed over: without a name, as pandas and R write the numbers of rows, where
    --values names some, or training had fewer.
    """
    read = {places.series, places.time, places.label, *places.channels}
    passed = [
        name
        for place, name in enumerate(sheet.names)
        if name.strip() and place not in read and name not in (*options.ignore, *options.passed_over, options.label)
    ]
    notes = [
        f"{sheet.source}: column {place + 1}, which begins with {sheet.rows[0][1][place]!r}, has no name and is not "
        "read: give it one, such as time, where it is to be"
        for place, name in enumerate(sheet.names)
        if not name.strip()
    ]
    usual = SeriesOptions._field_defaults["series"]
    if places.series is None and options.series not in (usual, *options.ignore, *options.passed_over):
        notes.append(f"{sheet.source}: no column {options.series!r}, which names the series of the run: read as one")
    return [*notes, f"{sheet.source}: columns that are not read: {listed(passed)}"] if passed else notes


def likely_series(sheet: Sheet, places: Places, options: SeriesOptions) -> str | None:
    """A column of values that seems to name series: whole numbers, each in one block of several rows.

    None where nothing is in doubt: another column names them, or the user has said which are read.
    """
    if places.series is not None or options.values or options.further:
        return None
    return next((sheet.names[place] for place in places.channels if _in_blocks(sheet, place)), None)


def _in_blocks(sheet: Sheet, place: int) -> bool:
    """Whether each number of a column is a whole one that stands in one block of several rows, and there are some."""
    cells = [fields[place].strip() for _, fields in sheet.rows]
    if len({*cells[:BLOCK]}) > 1:  # nearly all columns
        return False
    blocks = [(code, len(list(rows))) for code, rows in groupby(cells)]
    return (
        1 < len(blocks) == len({code for code, _ in blocks})
        and min(count for _, count in blocks) >= BLOCK
        and all(is_number(code) and float(code).is_integer() for code, _ in blocks)
    )


def _rows_are_series(sheet: Sheet, place: int) -> bool:
    """Whether the file may have a series a row, its label in the first column, and no line of names."""
    return place == 0 and len(sheet.names) > 2 and all(map(is_number, sheet.names[1:]))


def check_words(sheet: Sheet, places: Places, options: SeriesOptions) -> None:
    """Refuse a column of words or of times as such, rather than at its first cell, and one of dates like 20180131.

    The last are numbers too, and read as such where --values names the column.
    """
    for place in places.channels:
        cells = [fields[place].strip() for _, fields in sheet.rows]
        name, where = sheet.names[place], sheet.where(sheet.rows[0][0], place)
        ways = f"--time {name} orders the steps by it, --ignore {name} leaves it out"
        if not options.values and len(cells) > 1 and (days := days_in(cells)):
            extent = "throughout" if days.odd is None else "in most rows"
            raise InputError(
                f"{where}: dates {extent}, the first {days.first}; expected numbers to learn from: {ways}, and "
                "--values, which lists all that are read, takes it for a number"
            )
        if is_number(cells[0]):
            continue
        if is_time(cells[0]) and cells[0] not in options.missing:
            raise InputError(f"{where}: {cells[0]!r} is a time; expected numbers to learn from: {ways}")
        words = [cell for cell in cells if cell and not is_number(cell) and cell not in options.missing]
        if len(words) == len(cells) and any(letter.isalpha() for letter in words[0]):
            raise InputError(
                f"{where}: words throughout, the first {words[0][:40]!r}; expected "
                f"numbers: --ignore {name} leaves the column out, --series {name} takes it for the names of the "
                f"series, --label {name} for their labels{_WIDE if _rows_are_series(sheet, place) else ''}"
            )
