"""CSV and TSV: a row a line, and above them a line that names the columns, unless there is none.

Python's own reader, since it alone of those at hand tells the line on which each row begins, which is what
a user needs to find a mistake. Fields may stand between double quotes and then hold separators, line ends
and doubled quotes (RFC 4180); TSV is written the same way, as spreadsheets and pandas do. Lines with
nothing on them are no rows, nor is the `sep=;` that Excel reads above all, and the last columns no columns where they
have no name (`nameless.py`).
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from cellwright.data.readers.decimals import decimal_commas, with_point
from cellwright.data.readers.files import PIECE, lines
from cellwright.data.readers.nameless import Nameless
from cellwright.data.readers.options import ReadOptions, character_of, name_of
from cellwright.data.readers.separator import head_of, likely_separator
from cellwright.data.readers.values import NUMBER, Cells, Columns, listed, place_of
from cellwright.errors import InputError

COMMA, TAB = ",", "\t"
PERHAPS_A_ROW = "; if this line is a row, give --no-header and the columns by number"
_NAMED = re.compile(r'"?sep=([^"\w])"?')
"""The line above all others by which Excel is told what separates the fields."""
LONGEST = 2**31 - 1
"""Characters of a field, which csv limits to fewer: a text may be as long as its file."""
Row = tuple[int, list[str]]  # the line on which it begins, from 1, and its fields


class Rows(NamedTuple):
    """Rows of a file, all of as many fields: some of them, or all."""

    names: list[str] | None
    """Of the columns; None where no line names them."""
    line: int
    """Of the names, else of the first row."""
    rows: list[Row]
    """Below the names, at least one."""
    notes: list[str]
    """What nobody had said of the file, in sentences, and what was not said with the rows before."""
    separator: str


def read_csv(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Read a file of fields with commas between them, unless `how` or the rows say otherwise."""
    return _cells(path, columns, pieces(path, how, COMMA, columns.asked))


def read_tsv(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Read a file of fields with tabs between them, unless `how` or the rows say otherwise."""
    return _cells(path, columns, pieces(path, how, TAB, columns.asked))


def read_rows(path: Path, how: ReadOptions, usual: str, *, numbers: bool = False) -> Rows:
    """Return all rows of a file; arguments and errors as of `pieces`.

    numbers: whether columns of numbers with decimal commas get points in their place, which is noted.
    """
    parts = list(pieces(path, how, usual))
    names, line, _, _, separator = parts[0]
    rows, notes = [row for part in parts for row in part.rows], [note for part in parts for note in part.notes]
    if numbers and separator != COMMA:
        rows, said = _with_points(path, names, rows)
        notes += said
    return Rows(names, line, rows, notes, separator)


def pieces(path: Path, how: ReadOptions, usual: str, asked: Sequence[str] = ()) -> Iterator[Rows]:
    """Yield the rows of a file, some at a time, at least one.

    usual: what separates the fields where neither `how` nor the first rows say another character.
    asked: columns that are to be read, by name or by number.

    Raises:
        InputError: quotation marks that do not pair, another separator than said, a row with more or fewer fields; a
            column that is asked for from the end, where something stands behind the last name.

    """
    separator, written = _separated(lines(path, how.encoding, ends=True), how, usual)
    parts = _cut(path, written, separator, how.quoting)
    (line, first), rows = _first(path, next(parts, []), separator, how.header)
    notes = []
    if how.separator is None and separator != usual:
        notes.append(
            f"{path}: found {name_of(separator)} between the fields; --separator {name_of(usual)} reads it otherwise"
        )
    hidden = False
    nameless = Nameless(path, first if how.header else [], asked)
    notes += nameless.note()
    for part in chain([rows], parts):
        _check_widths(path, line, first, part)
        part, said_of_them = nameless.without(part)
        notes += said_of_them
        if not hidden and (said := _swallowed(path, part, separator)):
            hidden, notes = True, [*notes, said]
        yield Rows(first[: len(first) - nameless.count] if how.header else None, line, part, notes, separator)
        notes = []


def _separated(written: Iterator[str], how: ReadOptions, usual: str) -> tuple[str, Iterator[str]]:
    """Return what separates the fields, and the lines, in which a blank one takes the place of Excel's sep=;."""
    first = next(written, "")
    named = _NAMED.fullmatch(first.rstrip("\r\n"))
    written = chain(["\n" if named else first], written)
    if how.separator is not None:
        return character_of(how.separator), written
    if named:
        return named[1], written
    head = head_of(written)
    return likely_separator("".join(head), usual, quoting=how.quoting), chain(head, written)


def _first(path: Path, rows: list[Row], separator: str, header: bool) -> tuple[Row, list[Row]]:
    """Return the first row of a file, and the first ones of those below the names, if it is these."""
    if not rows:
        expected = "a line that names the columns" if header else "a row a line"
        raise InputError(f"{path}: the file is blank; expected {expected}")
    line, first = rows[0]
    _check_separator(f"{path}, line {line}", first, separator)
    if header and len(rows) == 1:
        raise InputError(
            f"{path}: nothing but the line that names the columns ({listed(first)}); expected rows below it, or "
            "--no-header if it is a row"
        )
    return rows[0], rows[1:] if header else rows


def _cut(path: Path, written: Iterable[str], separator: str, quoting: bool) -> Iterator[list[Row]]:
    """Cut the file into rows, some at a time; raises InputError where quotation marks do not pair."""
    reader = csv.reader(
        written,
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
        strict=True,
    )
    while rows := _some(path, reader):
        yield rows


def _some(path: Path, reader: Any) -> list[Row]:
    """Return the next rows of csv's reader, none at the end."""
    limit = csv.field_size_limit(LONGEST)  # of the whole process, and so not beyond these rows
    rows: list[Row] = []
    line = reader.line_num + 1
    try:
        for fields in reader:
            if fields:
                rows.append((line, fields))
            line = reader.line_num + 1
            if len(rows) == PIECE:
                break
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: the quotation marks of this row do not pair ({error}); expected a field "
            'that holds " to stand between quotes, and its own to be doubled: "she said ""no""", or give --no-quoting '
            "where quotation marks are part of the text"
        ) from error
    finally:
        csv.field_size_limit(limit)
    return rows


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


def _cells(path: Path, columns: Columns, parts: Iterator[Rows]) -> Iterator[Cells]:
    first = next(parts)
    places = {column: _place(path, column, columns, first) for column in columns.asked}
    for one, other in zip(places, list(places)[1:], strict=False):
        if places[one] == places[other]:
            raise InputError(
                f"{path}: columns {one!r} and {other!r} of {columns.options} are one; expected different ones"
            )
    again = set[str]()
    for part in chain([first], parts):
        values = {column: [fields[place] for _, fields in part.rows] for column, place in places.items()}
        again.update(column for column, cells in values.items() if column in cells)
        yield Cells(values, [line for line, _ in part.rows], part.notes)
    doubtful = _doubtful_names(path, places, first, [each for each in places if each in again])
    yield Cells(dict.fromkeys(places, ()), (), doubtful)


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


def _doubtful_names(path: Path, places: dict[str, int], found: Rows, again: list[str]) -> list[str]:
    """Say so where the first line may be a row: nobody read its names, or one of them is a value of its column.

    again: the columns of whose names this is so.
    """
    if found.names is None:
        return []
    numbers = [column for column, place in places.items() if column != found.names[place]]
    if numbers:
        doubt = listed(found.names)
    else:
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


def _swallowed(path: Path, rows: list[Row], separator: str) -> str | None:
    """Say so where quotation marks seem to be part of a text: what pairs with a later one hides the rows between."""
    hiding = (line for line, fields in rows if any("\n" in field and TAB in field for field in fields))
    line = next(hiding, None) if separator == TAB else None
    if line is None:
        return None
    return (
        f"{path}, line {line}: a field between quotation marks that holds tabs and line ends: if quotation marks are "
        "part of the texts, give --no-quoting"
    )
