"""CSV and TSV: a line that names the columns, then a row a line.

Python's own reader, since it alone of those at hand tells the line on which each row begins, which is what
a user needs to find a mistake. Fields may stand between double quotes and then hold separators, line ends
and doubled quotes (RFC 4180); TSV is written the same way, as spreadsheets and pandas do. Lines with
nothing on them are no rows.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from cellwright.data.readers.files import decoded
from cellwright.data.readers.values import Columns, checked_table, index_of, listed
from cellwright.data.table import Table
from cellwright.errors import InputError

Row = tuple[int, list[str]]  # the line on which it begins, from 1, and its fields


def read_csv(path: Path, columns: Columns, encoding: str) -> Table:
    """Read a file of fields with commas between them."""
    return _table(path, columns, encoding, ",")


def read_tsv(path: Path, columns: Columns, encoding: str) -> Table:
    """Read a file of fields with tabs between them."""
    return _table(path, columns, encoding, "\t")


def _rows(path: Path, content: str, separator: str) -> Iterator[Row]:
    """Cut the file into rows; raises InputError where quotation marks do not pair."""
    # The limit on a field's size belongs to the whole process; a text may be as long as its file.
    limit = csv.field_size_limit(len(content) + 1)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: the quotation marks of this row do not pair ({error}); expected a field "
            'that holds " to stand between quotes, and its own to be doubled: "she said ""no"""'
        ) from error
    finally:
        csv.field_size_limit(limit)


def read_rows(path: Path, encoding: str, separator: str) -> tuple[Row, list[Row]]:
    """Return the line that names the columns, and the rows below it, of which there is at least one.

    Raises:
        InputError: quotation marks that do not pair, another separator, a row with more or fewer fields than names.

    """
    rows = list(_rows(path, decoded(path, encoding), separator))
    if not rows:
        raise InputError(f"{path}: the file is blank; expected a line that names the columns")
    (line, names), *rows = rows
    _check_separator(f"{path}, line {line}", names, separator)
    if not rows:
        raise InputError(f"{path}: nothing but the line that names the columns; expected rows below it")
    _check_widths(path, names, rows)
    return (line, names), rows


def _table(path: Path, columns: Columns, encoding: str, separator: str) -> Table:
    (line, names), rows = read_rows(path, encoding, separator)
    where = f"{path}, line {line}"
    places = {name: index_of(name, names, where, columns.options) for name in columns.asked}
    values = {name: [fields[place] for _, fields in rows] for name, place in places.items()}
    return checked_table(columns, values, [line for line, _ in rows], str(path))


def _check_separator(where: str, names: list[str], separator: str) -> None:
    """Say so where the header was plainly written with another separator, as some spreadsheets do."""
    for other in sorted(set(";,\t") - {separator}):
        if len(names) == 1 and other in names[0]:
            raise InputError(
                f"{where}: one column, {listed(names)}, with {other!r} inside; expected {separator!r} between fields"
            )


def _check_widths(path: Path, names: list[str], rows: list[Row]) -> None:
    for line, fields in rows:
        if len(fields) != len(names):
            raise InputError(
                f"{path}, line {line}: {len(fields)} fields; expected {len(names)} ({listed(names)}): "
                "a field that holds the separator stands between double quotes"
            )
