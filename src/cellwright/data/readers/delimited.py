"""CSV and TSV: a row a line, and above them a line that names the columns, unless there is none.

Python's own reader, since it alone of those at hand tells the line on which each row begins, which is what
a user needs to find a mistake. Fields may stand between double quotes and then hold separators, line ends
and doubled quotes (RFC 4180); TSV is written the same way, as spreadsheets and pandas do. Lines with
nothing on them are no rows.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cellwright.data.readers.decimals import decimal_commas, with_point
from cellwright.data.readers.files import decoded
from cellwright.data.readers.options import ReadOptions, character_of, name_of
from cellwright.data.readers.separator import likely_separator
from cellwright.data.readers.values import NUMBER, Columns, checked_table, listed, place_of
from cellwright.data.table import Table
from cellwright.errors import InputError

COMMA, TAB = ",", "\t"
PERHAPS_A_ROW = "; if this line is a row, give --no-header and the columns by number"
Row = tuple[int, list[str]]  # the line on which it begins, from 1, and its fields


class Rows(NamedTuple):
    """The rows of a file, all of as many fields."""

    names: list[str] | None
    """Of the columns; None where no line names them."""
    line: int
    """Of the names, else of the first row."""
    rows: list[Row]
    """Below the names, at least one."""
    notes: list[str]
    """What nobody had said of the file, in sentences."""


def read_csv(path: Path, columns: Columns, how: ReadOptions) -> Table:
    """Read a file of fields with commas between them, unless `how` or the rows say otherwise."""
    return _table(path, columns, read_rows(path, how, COMMA))


def read_tsv(path: Path, columns: Columns, how: ReadOptions) -> Table:
    """Read a file of fields with tabs between them, unless `how` or the rows say otherwise."""
    return _table(path, columns, read_rows(path, how, TAB))


def read_rows(path: Path, how: ReadOptions, usual: str, *, numbers: bool = False) -> Rows:
    """Return the rows of a file; `usual` separates the fields where neither `how` nor the rows say another character.

    numbers: whether columns of numbers with decimal commas get points in their place, which is noted.

    Raises:
        InputError: quotation marks that do not pair, another separator than said, a row with more or fewer fields.

    """
    content = decoded(path, how.encoding)
    if how.separator is None:
        separator = likely_separator(content, usual, quoting=how.quoting)
    else:
        separator = character_of(how.separator)
    rows = list(_cut(path, content, separator, how.quoting))
    if not rows:
        expected = "a line that names the columns" if how.header else "a row a line"
        raise InputError(f"{path}: the file is blank; expected {expected}")
    line, first = rows[0]
    _check_separator(f"{path}, line {line}", first, separator)
    if how.header:
        rows = rows[1:]
    if not rows:
        raise InputError(
            f"{path}: nothing but the line that names the columns ({listed(first)}); expected rows below it, or "
            "--no-header if it is a row"
        )
    _check_widths(path, line, first, rows)
    notes = []
    if how.separator is None and separator != usual:
        notes.append(
            f"{path}: found {name_of(separator)} between the fields; --separator {name_of(usual)} reads it otherwise"
        )
    if numbers and separator != COMMA:
        rows, said = _with_points(path, first if how.header else None, rows)
        notes += said
    return Rows(first if how.header else None, line, rows, notes + _swallowed(path, rows, separator))


def _cut(path: Path, content: str, separator: str, quoting: bool) -> Iterator[Row]:
    """Cut the file into rows; raises InputError where quotation marks do not pair."""
    # The limit on a field's size belongs to the whole process; a text may be as long as its file.
    limit = csv.field_size_limit(len(content) + 1)
    reader = csv.reader(
        io.StringIO(content, newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
        strict=True,
    )
    line = 1
    try:
        for fields in reader:
            if fields:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: the quotation marks of this row do not pair ({error}); expected a field "
            'that holds " to stand between quotes, and its own to be doubled: "she said ""no""", or give --no-quoting '
            "where quotation marks are part of the text"
        ) from error
    finally:
        csv.field_size_limit(limit)


def _with_points(path: Path, names: list[str] | None, rows: list[Row]) -> tuple[list[Row], list[str]]:
    places = decimal_commas(list(zip(*(fields for _, fields in rows), strict=True)))
    if not places:
        return rows, []
    line, place = next((line, place) for line, fields in rows for place in places if "," in fields[place])
    cell = next(fields[place] for number, fields in rows if number == line)
    pointed = [
        (number, [with_point(cell) if place in places else cell for place, cell in enumerate(fields)])
        for number, fields in rows
    ]
    columns = listed([names[place] if names else str(place + 1) for place in places], most=6)
    return pointed, [f"{path}: found decimal commas in {columns}; line {line} has {cell}, read as {with_point(cell)}"]


def _table(path: Path, columns: Columns, found: Rows) -> Table:
    places = {column: _place(path, column, columns, found) for column in columns.asked}
    for first, second in zip(places, list(places)[1:], strict=False):
        if places[first] == places[second]:
            raise InputError(
                f"{path}: columns {first!r} and {second!r} of {columns.options} are one; expected different ones"
            )
    values = {column: [fields[place] for _, fields in found.rows] for column, place in places.items()}
    table = checked_table(columns, values, [line for line, _ in found.rows], str(path))
    table.notes.extend([*found.notes, *_doubtful_names(path, places, found)])
    return table


def _place(path: Path, column: str, columns: Columns, found: Rows) -> int:
    """Return the place of a column, from 0."""
    where = f"{path}, line {found.line}"
    if found.names is not None:
        return place_of(column, found.names, where, columns.options, PERHAPS_A_ROW)
    fields = found.rows[0][1]
    if not NUMBER.fullmatch(column):
        raise InputError(
            f"{where}: no column {column!r}, since no line names the columns; expected numbers from 1 to {len(fields)} "
            f"for {columns.options}: this row is {listed(fields)}"
        )
    return place_of(column, [""] * len(fields), where, columns.options)


def _doubtful_names(path: Path, places: dict[str, int], found: Rows) -> list[str]:
    """Say so where the first line may be a row: nobody read its names, or one of them is a value of its column."""
    if found.names is None:
        return []
    numbers = [column for column, place in places.items() if column != found.names[place]]
    if numbers:
        doubt = listed(found.names)
    else:
        again = [name for name, place in places.items() if any(fields[place] == name for _, fields in found.rows)]
        if not again:
            return []
        doubt = f"{again[0]!r}, which is also a value of its column"
    return [
        f"{path}, line {found.line} is taken for the names of the columns: {doubt}; if it is a row, give --no-header"
    ]


def _check_separator(where: str, first: list[str], separator: str) -> None:
    """Say so where the first row was plainly written with another separator, as some spreadsheets do."""
    for other in sorted(set(";,\t") - {separator}):
        if len(first) == 1 and other in first[0]:
            raise InputError(
                f"{where}: one column, {listed(first)}, with {other!r} inside; expected {separator!r} between fields"
            )


def _check_widths(path: Path, line: int, first: list[str], rows: list[Row]) -> None:
    for number, fields in rows:
        if len(fields) != len(first):
            raise InputError(
                f"{path}, line {number}: {len(fields)} fields; expected {len(first)} as on line {line} "
                f"({listed(first)}): a field that holds the separator stands between double quotes"
            )


def _swallowed(path: Path, rows: list[Row], separator: str) -> list[str]:
    """Say so where quotation marks seem to be part of a text: what pairs with a later one hides the rows between."""
    hiding = [line for line, fields in rows if any("\n" in field and TAB in field for field in fields)]
    if separator != TAB or not hiding:
        return []
    return [
        f"{path}, line {hiding[0]}: a field between quotation marks that holds tabs and line ends, one of "
        f"{len(hiding):,}: if quotation marks are part of the texts, give --no-quoting"
    ]
