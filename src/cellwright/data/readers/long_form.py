"""Series from CSV and TSV in long form: a row a step, a column a channel.

    series,time,x,y,label
    a,1,0.5,2.25,good
    a,2,0.75,,good          (y is missing)
    b,1,0.25,1.5,bad

Rows of a series need not stand together, but follow its time, which is a number or a date and time as ISO 8601 writes
it. Each row is a step, whatever time has gone by since the one before.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cellwright.data.readers.delimited import COMMA, TAB, Row, read_rows
from cellwright.data.readers.numbers import Found, as_table, number
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import index_of, listed
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError


class SeriesColumns(NamedTuple):
    """Columns by name. A file without one of its usual name does without; any other name must be there."""

    series: str = "series"
    """Names the series; without, the file is one."""
    time: str = "time"
    """Time of the step; without, the order of the rows is the time's."""
    label: str = "label"
    """Class of the series."""


class _Places(NamedTuple):
    """Where in a row each part stands; None where the file has it not."""

    series: int | None
    time: int | None
    label: int | None
    channels: list[int]


def read_csv(path: Path, columns: SeriesColumns, encoding: str) -> SeriesTable:
    """Read a file of fields with commas between them."""
    return _read(path, columns, encoding, COMMA)


def read_tsv(path: Path, columns: SeriesColumns, encoding: str) -> SeriesTable:
    """Read a file of fields with tabs between them."""
    return _read(path, columns, encoding, TAB)


def _read(path: Path, columns: SeriesColumns, encoding: str, separator: str) -> SeriesTable:
    names, line, rows, _ = read_rows(path, ReadOptions(encoding, separator=separator), separator)
    assert names is not None  # a header is asked for
    places = _places(columns, names, f"{path}, line {line}")
    rows_of: dict[str, list[Row]] = {}
    for row in rows:
        rows_of.setdefault("1" if places.series is None else row[1][places.series].strip(), []).append(row)
    found = [_series(path, name, own, names, places) for name, own in rows_of.items()]
    return as_table(found, [names[place] for place in places.channels], str(path))


def _places(columns: SeriesColumns, names: list[str], where: str) -> _Places:
    parts: dict[str, int | None] = {}
    for role, name in columns._asdict().items():
        absent = name not in names and name == SeriesColumns._field_defaults[role]
        parts[role] = None if absent else index_of(name, names, where, "--series, --time and --label")
    channels = [place for place in range(len(names)) if place not in parts.values()]
    if not channels:
        raise InputError(f"{where}: no column of values beside {listed(names)}; expected one a channel")
    for place in channels:
        index_of(names[place], names, where)  # refuses a channel that stands twice
    return _Places(parts["series"], parts["time"], parts["label"], channels)


def _series(path: Path, name: str, rows: list[Row], names: list[str], places: _Places) -> Found:
    first = rows[0][0]
    if places.time is not None:
        _check_times(path, rows, names, places.time)
    values = [
        [number(fields[place], f"{path}, line {line}, column {names[place]!r}") for place in places.channels]
        for line, fields in rows
    ]
    label = None if places.label is None else _label(path, rows, places.label)
    return Found(name, np.array(values, dtype=np.float64), label, f"line {first}")


def _label(path: Path, rows: list[Row], place: int) -> str | None:
    label = rows[0][1][place].strip()
    for line, fields in rows:
        if fields[place].strip() != label:
            raise InputError(
                f"{path}, line {line}: label {fields[place]!r}, and {label!r} on line {rows[0][0]} of the same series; "
                "expected one label in all rows of a series"
            )
    return label or None


def _check_times(path: Path, rows: list[Row], names: list[str], place: int) -> None:
    before: float | datetime | None = None
    for line, fields in rows:
        where = f"{path}, line {line}, column {names[place]!r}"
        time = _time(fields[place].strip(), where)
        if before is not None:
            if type(time) is not type(before):
                raise InputError(f"{where}: {fields[place]!r} among {before}; expected numbers only, or dates only")
            if not time > before:  # type: ignore[operator]
                raise InputError(
                    f"{where}: {fields[place]} does not come after {before} of the row before in this series; "
                    "expected rising times: sort the rows, and name the column of the series with --series"
                )
        before = time


def _time(written: str, where: str) -> float | datetime:
    try:
        time = float(written)
    except ValueError:
        pass
    else:
        if not np.isfinite(time):
            raise InputError(f"{where}: {written!r} is no time; expected a number, or a date such as 2026-01-31")
        return time
    try:
        date = datetime.fromisoformat(written)
        # Python compares no date with a zone to one without.
        return date if date.tzinfo is None else date.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # a zone may lead out of the years 1 to 9999
        raise InputError(
            f"{where}: {written!r} is no time; expected a number, or a date such as 2026-01-31 or 2026-01-31T12:00"
        ) from None
