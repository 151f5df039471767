"""Series in long form, a row a step and a column a channel: CSV, TSV, Parquet, and JSON lines of records.

    series,time,x,y,label
    a,1,0.5,2.25,good
    a,2,0.75,,good          (y is missing)
    b,1,0.25,1.5,bad

Rows of a series need not stand together, but follow its time (`times.py`). Each row is a step, whatever time has gone
by since the one before; where it is more than usual, a note says so (`gaps.py`). Rows of empty cells, as spreadsheets
leave them below a table, are none where a time or a name is read, which they lack; a note counts them.
"""

from pathlib import Path

import numpy as np

from cellwright.data.readers import delimited, jsonl, parquet
from cellwright.data.readers.clock import clock_of
from cellwright.data.readers.delimited import Row
from cellwright.data.readers.files import lines_of
from cellwright.data.readers.gaps import check_rising, sorted_by_time, without_gaps
from cellwright.data.readers.numbers import ReadSeries, as_table, number
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.sheet import (
    ROLES,
    Places,
    Sheet,
    check_header,
    check_words,
    likely_series,
    places_of,
    unread,
)
from cellwright.data.readers.times import WITHOUT, Time, days_in, has_zone, time_of
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable, numbered
from cellwright.data.wording import counted
from cellwright.errors import InputError


def read_csv(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read a file of fields with commas between them."""
    return read_sheet(_delimited(path, options, encoding, delimited.COMMA), options)


def read_tsv(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read a file of fields with tabs between them."""
    return read_sheet(_delimited(path, options, encoding, delimited.TAB), options)


def read_parquet(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read Parquet, of which each row is a step; it is UTF-8 by itself, so `encoding` plays no part."""
    names, rows = parquet.cells(path)
    return read_sheet(Sheet(str(path), names, list(enumerate(rows, start=1)), str(path), "row"), options)


def read_records(path: Path, options: SeriesOptions, content: str) -> SeriesTable:
    """Read JSON lines of which each is an object of one step; all have the keys of the first."""
    found = list(jsonl.rows(path, lines_of(content)))
    names = [name for name, _ in found[0][1]]
    rows: list[Row] = []
    for line, pairs in found:
        where = f"{path}, line {line}"
        if len(pairs) != len(names):
            raise InputError(f"{where}: {len(pairs)} keys; expected {len(names)} ({listed(names)}), as the first has")
        rows.append((line, [_text(jsonl.value(pairs, name, where, ROLES)) for name in names]))
    return read_sheet(Sheet(str(path), names, rows, f"{path}, line {found[0][0]}"), options)


def read_sheet(sheet: Sheet, options: SeriesOptions) -> SeriesTable:
    """Read a table of cells. Raises InputError."""
    check_header(sheet)
    places = places_of(sheet, options)
    sheet = _filled_in(sheet, places)
    check_words(sheet, places, options)
    times, dated = ({}, []) if places.time is None else _times(sheet, places.time)
    rows_of: dict[str, list[Row]] = {}
    for row in sheet.rows:
        rows_of.setdefault("1" if places.series is None else row[1][places.series].strip(), []).append(row)
    if places.series is not None and len(rows_of) > 1 and (nameless := rows_of.get("")):
        raise InputError(
            f"{sheet.where(nameless[0][0], places.series)}: empty; expected the name of a series in each row, or in "
            "none"
        )
    found = [_series(sheet, name, rows, places, options) for name, rows in rows_of.items()]
    notes, likely = [*sheet.notes, *unread(sheet, places, options), *dated], likely_series(sheet, places, options)
    if likely and places.time is None:
        notes.append(
            f"{sheet.source}: the numbers of column {likely!r} stand in a block each, and it is read as a channel of "
            f"one series: if they name series, give --series {likely}"
        )
    if places.time is not None:
        found = [each._replace(times=[times[line] for line in each.lines]) for each in found]
        if options.sort:
            found, moved = sorted_by_time(found)
            notes += [f"{sheet.source}: {moved:,} rows are sorted by time, as --sort says"] if moved else []
        check_rising(found, sheet, places.time, likely)
        as_read = found
        found, said = without_gaps(found, sheet.source, options)
        found = _with_clocks(found, as_read, sheet, places.time)
        notes += said
    channels = [sheet.names[place] for place in places.channels]
    return as_table(found, channels if sheet.named else None, sheet.source, options, notes)


def _with_clocks(found: list[ReadSeries], as_read: list[ReadSeries], sheet: Sheet, place: int) -> list[ReadSeries]:
    """The series, which may have steps put in between, with what goes on from the times of those that were read."""
    lasts = {each.lines[-1] for each in as_read}
    written = {line: fields[place].strip() for line, fields in sheet.rows if line in lasts}
    return [
        each._replace(clock=clock_of(read.times, written[read.lines[-1]], len(each.values)))
        for each, read in zip(found, as_read, strict=True)
    ]


def _filled_in(sheet: Sheet, places: Places) -> Sheet:
    """The table without its empty rows; without a time and a name such a row is a step whose values are missing."""
    if places.time is None and places.series is None:
        return sheet
    filled = [row for row in sheet.rows if any(cell and not cell.isspace() for cell in row[1])]
    empty = len(sheet.rows) - len(filled)
    if not filled or not empty:
        return sheet
    first = next(line for line, fields in sheet.rows if not "".join(fields).strip())
    note = f"{sheet.source}: {counted(empty, 'empty row')} left out, the first on {sheet.unit} {first}"
    return sheet._replace(rows=filled, notes=[*sheet.notes, note])


def _delimited(path: Path, options: SeriesOptions, encoding: str, usual: str) -> Sheet:
    how = ReadOptions(encoding, separator=options.separator, header=options.header)
    found = delimited.read_rows(path, how, usual, numbers=True)
    columns = found.names or list(numbered(len(found.rows[0][1])))
    named = found.names is not None
    return Sheet(str(path), columns, found.rows, f"{path}, line {found.line}", named=named, notes=found.notes)


def _text(value: object) -> str:
    """A value of JSON as a cell; what is neither a text nor a number stands as it is shown, to be refused."""
    return "" if value is None else value if isinstance(value, str) else repr(value)


def _times(sheet: Sheet, place: int) -> tuple[dict[int, Time], list[str]]:
    """The time of each row by its line, and what is to be said of them."""
    first, found = "", dict[int, Time]()
    cells = [fields[place].strip() for _, fields in sheet.rows]
    days = days_in(cells)
    if days and days.odd is not None:
        raise InputError(
            f"{sheet.where(sheet.rows[days.odd][0], place)}: {cells[days.odd]!r} is no day, and most of the column's "
            f"cells are, the first {days.first}; expected year, month, day in each: mend it, or {WITHOUT}"
        )
    for (line, _), written in zip(sheet.rows, cells, strict=True):
        time = found[line] = time_of(written, sheet.where(line, place), days=days is not None)
        first = first or written
        if time.kind != (kind := next(iter(found.values())).kind):
            raise InputError(f"{sheet.where(line, place)}: {written!r} among {first!r}; expected {kind}s only")
    column = f"{sheet.source}: column {sheet.names[place]!r}"
    said = [f"{column} is read as dates, as {first}: year, month, day in each row"] if days else []
    if days is None and len({has_zone(cell) for cell in cells}) > 1:
        with_one, without = (next(cell for cell in cells if has_zone(cell) is each) for each in (True, False))
        said.append(f"{column} has a zone in {with_one!r} and none in {without!r}, which is read as UTC's time")
    return found, said


def _series(sheet: Sheet, name: str, rows: list[Row], places: Places, options: SeriesOptions) -> ReadSeries:
    values = [
        [number(fields[place], sheet.where(line, place), options.missing) for place in places.channels]
        for line, fields in rows
    ]
    lines = [line for line, _ in rows]
    label = None if places.label is None else _label(sheet, rows, places.label)
    return ReadSeries(name, np.array(values, dtype=np.float64), label, f"{sheet.unit} {lines[0]}", lines=lines)


def _label(sheet: Sheet, rows: list[Row], place: int) -> str | None:
    first, (_, fields) = rows[0][0], rows[0]
    label = fields[place].strip()
    for line, fields in rows:
        if fields[place].strip() != label:
            raise InputError(
                f"{sheet.source}, {sheet.unit} {line}: label {fields[place]!r}, and {label!r} on {sheet.unit} {first} "
                "of the same series; expected one label in all rows of a series: --series names the column that tells "
                "series apart, and a file of a series a row has --format ucr and no line of names"
            )
    return label or None
