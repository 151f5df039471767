"""Every row of a table with all its columns, for a command that hands them on beside its answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cellwright.data.readers import delimited, format_of, jsonl, parquet
from cellwright.data.readers.files import decoded, existing, lines_of, reading
from cellwright.data.readers.jsonl import Pairs
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import COLUMN, as_text, index_of, place_of
from cellwright.stages import staged


@dataclass(frozen=True)
class Records:
    """N rows in the order of their file: of each its columns by name, as the format's library hands them out.

    `lines` and `unit` as in `data.table`; `notes` are sentences on what nobody had said of the file.
    """

    rows: list[Pairs]
    lines: list[int]
    source: str
    unit: str = "line"
    notes: list[str] = field(default_factory=list)
    named: bool = True
    """Whether the columns have names or numbers to ask by; rows of plain text are the text."""
    ordered: bool = True
    """Whether the columns have an order, and so numbers; keys of JSON have none."""
    header: int | None = None
    """The line that names the columns, where one does."""

    def where(self, index: int) -> str:
        """Say where a row stood, to begin a message with."""
        return f"{self.source}, {self.unit} {self.lines[index]}"

    def has(self, column: str) -> bool:
        """Whether there is a column of that name."""
        return self.named and any(name == column for name, _ in self.rows[0])

    def values(self, column: str) -> list[object]:
        """The column's value in each row; of rows of plain text the text. Raises InputError where it is not there."""
        if not self.named:
            return [row[0][1] for row in self.rows]
        if self.header is not None:
            where, names = f"{self.source}, line {self.header}", [name for name, _ in self.rows[0]]
            only = place_of(column, names, where, COLUMN, delimited.PERHAPS_A_ROW)
            return [row[only][1] for row in self.rows]
        place = place_of if self.ordered else index_of
        places = [place(column, [name for name, _ in row], self.where(i), COLUMN) for i, row in enumerate(self.rows)]
        return [row[place][1] for row, place in zip(self.rows, places, strict=True)]

    def texts(self, column: str) -> list[str]:
        """The same, each a text. Raises InputError for another value."""
        return [as_text(value, column, self.where(i)) for i, value in enumerate(self.values(column))]


@staged(reading)
def read_records(path: str | Path, how: ReadOptions | None = None) -> Records:
    """Read all columns of every row of a file; else as `readers.read`. Columns that no line names have numbers."""
    path, how = existing(path), how or ReadOptions()
    return _READ[format_of(path, how.format)](path, how)


def _separated(usual: str) -> Callable[[Path, ReadOptions], Records]:
    def read(path: Path, how: ReadOptions) -> Records:
        found = delimited.read_rows(path, how, usual)
        names = found.names or [str(number) for number, _ in enumerate(found.rows[0][1], start=1)]
        pairs: list[Pairs] = [list(zip(names, fields, strict=True)) for _, fields in found.rows]
        header = found.line if found.names is not None else None
        return Records(pairs, [line for line, _ in found.rows], str(path), notes=found.notes, header=header)

    return read


def _jsonl(path: Path, how: ReadOptions) -> Records:
    found = jsonl.rows(path, decoded(path, how.encoding))
    pairs = [[(name, jsonl.as_python(value)) for name, value in row] for _, row in found]
    return Records(pairs, [line for line, _ in found], str(path), ordered=False)


def _parquet(path: Path, how: ReadOptions) -> Records:
    names, rows = parquet.objects(path)
    pairs: list[Pairs] = [list(zip(names, row, strict=True)) for row in rows]
    return Records(pairs, list(range(1, len(rows) + 1)), str(path), "row")


def _plain(path: Path, how: ReadOptions) -> Records:
    lines = lines_of(decoded(path, how.encoding))
    return Records([[("text", line)] for line in lines], list(range(1, len(lines) + 1)), str(path), named=False)


_READ: dict[str, Callable[[Path, ReadOptions], Records]] = {
    "csv": _separated(delimited.COMMA),
    "tsv": _separated(delimited.TAB),
    "jsonl": _jsonl,
    "parquet": _parquet,
    "plain": _plain,
}
"""By the names of `readers.FORMATS`."""
