"""Series in wide form, a series a row with its label first, as the UCR archive has them.

    1	0.1321	0.4218	0.6190
    -1	0.8486	0.9487	NaN

Between the fields stand tabs, commas or spaces; there is no header. The archive brings short series to the length of
the longest with NaN, so that a series ends at its last value.
"""

import re
from pathlib import Path

import numpy as np

from cellwright.data.readers.files import lines
from cellwright.data.readers.numbers import ReadSeries, as_table, is_number, number
from cellwright.data.readers.picked import picked
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError

_SEPARATOR = re.compile(r"[\t,]|[ ]+")


def read(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read a series from each line that is not blank."""
    rows = [(k, _fields(line)) for k, line in enumerate(lines(path, encoding), start=1) if line.strip()]
    if not rows:
        raise InputError(f"{path}: blank; expected a series a line, its label first")
    found = [_series(str(count), f"line {line}", f"{path}, line {line}", fields, options)
             for count, (line, fields) in enumerate(rows, start=1)]  # fmt: skip
    short = sum(len(each.values) < len(fields) - 1 for each, (_, fields) in zip(found, rows, strict=True))
    notes = [f"{path}: {short:,} series end in missing values, and are read up to their last value"] if short else []
    return picked(as_table(found, None, str(path), options, notes), options)


def is_wide(path: Path, encoding: str) -> bool:
    """Whether a file looks like the archive's: numbers only, a whole one first in each row, of few kinds.

    All others are measured values: were they whole too, a row might as well be a step.
    """
    if not _begins_with_numbers(path, encoding):
        return False
    rows = [_fields(line) for line in lines(path, encoding) if line.strip()]
    labels = {row[0] for row in rows}
    return (
        min(map(len, rows)) > 2
        and all(map(_whole, labels))
        and 2 * len(labels) <= len(rows)
        and not all(_whole(value) for row in rows for value in row[1:])
    )


def _begins_with_numbers(path: Path, encoding: str) -> bool:
    """Whether the first line is one of numbers, which nearly no file of steps begins with."""
    try:
        with path.open(encoding=encoding, errors="replace") as file:
            first = next((line for line in file if line.strip()), "")
    except (LookupError, OSError, UnicodeError):  # said better where the file is read
        return False
    return bool(first) and all(map(is_number, _fields(first.strip().removeprefix("\ufeff"))))


def _fields(line: str) -> list[str]:
    return _SEPARATOR.split(line.strip(" "))


def _whole(written: str) -> bool:
    return is_number(written) and float(written).is_integer()


def _series(name: str, place: str, where: str, fields: list[str], options: SeriesOptions) -> ReadSeries:
    label, *written = fields
    if label.strip() == "":
        raise InputError(f"{where}: no label; expected one first, then the values")
    values = [number(each, f"{where}, step {k}", options.missing) for k, each in enumerate(written, start=1)]
    known = np.flatnonzero(~np.isnan(values))
    end = known[-1] + 1 if len(known) else len(values)
    return ReadSeries(name, np.array(values[:end], dtype=np.float64)[:, None], _label(label), place)


def _label(written: str) -> str:
    """1.0000000e+00, as older files have it, is 1."""
    return str(int(float(written))) if _whole(written) else written.strip()
