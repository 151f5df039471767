"""The rows of a table with all their columns, some at a time, for a command that hands them on beside its answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellwright.data.readers import FOLDER, delimited, folder, format_of, jsonl, parquet
from cellwright.data.readers.files import existing, in_pieces, lines
from cellwright.data.readers.jsonl import Pairs
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import COLUMN, as_text, index_of, place_of


@dataclass(frozen=True)
class Records:
    """N rows, at least one, in the order of their file: of each its columns by name, as the format's library has them.

    `lines` and `unit` as in `data.table`; `notes` are sentences on what nobody had said of the file, those of the rows
    before aside.
    """

    rows: list[Pairs]
    lines: Sequence[int | str]
    source: str
    unit: str = "line"
    notes: list[str] = field(default_factory=list)
    named: bool = True
    """Whether the columns have names or numbers to ask by; rows of plain text and of folders end in the text."""
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
        """The column's value in each row; where none has a name the text. Raises InputError where it is not there."""
        if not self.named:
            return [row[-1][1] for row in self.rows]
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


def read_pieces(path: str | Path, how: ReadOptions | None = None, asked: Sequence[str] = ()) -> Iterator[Records]:
    """Yield all rows of a file or folder, some at a time, at least one.

    asked: columns that `Records.values` will be asked for. Columns that no line names have numbers. Else as
    `readers.read`; what is wrong is raised where it is reached.
    """
    path, how = existing(path, folder=True), how or ReadOptions()
    yield from _READ[format_of(path, how.format)](path, how, asked)


def _separated(usual: str) -> Callable[[Path, ReadOptions, Sequence[str]], Iterator[Records]]:
    def read(path: Path, how: ReadOptions, asked: Sequence[str]) -> Iterator[Records]:
        for part in delimited.pieces(path, how, usual, asked):
            names = part.names or [str(number) for number, _ in enumerate(part.rows[0][1], start=1)]
            pairs: list[Pairs] = [list(zip(names, fields, strict=True)) for _, fields in part.rows]
            header = part.line if part.names is not None else None
            yield Records(pairs, [line for line, _ in part.rows], str(path), notes=part.notes, header=header)

    return read


def _jsonl(path: Path, how: ReadOptions, asked: Sequence[str]) -> Iterator[Records]:
    for some in in_pieces(jsonl.rows(path, lines(path, how.encoding))):
        pairs = [[(name, jsonl.as_python(value)) for name, value in row] for _, row in some]
        yield Records(pairs, [line for line, _ in some], str(path), ordered=False)


def _parquet(path: Path, how: ReadOptions, asked: Sequence[str]) -> Iterator[Records]:
    count = 0
    for names, rows in parquet.pieces(path):
        pairs: list[Pairs] = [list(zip(names, row, strict=True)) for row in rows]
        yield Records(pairs, range(count + 1, count + len(rows) + 1), str(path), "row")
        count += len(rows)


def _plain(path: Path, how: ReadOptions, asked: Sequence[str]) -> Iterator[Records]:
    for some in in_pieces(enumerate(lines(path, how.encoding), start=1)):
        rows: list[Pairs] = [[("text", line)] for _, line in some]
        yield Records(rows, [number for number, _ in some], str(path), named=False)


def _folder(path: Path, how: ReadOptions, asked: Sequence[str]) -> Iterator[Records]:
    for some in folder.pieces(path, how.encoding):
        rows: list[Pairs] = [[("file", name), ("text", text)] for name, text in some]
        yield Records(rows, [name for name, _ in some], str(path), "file", named=False)


_READ: dict[str, Callable[[Path, ReadOptions, Sequence[str]], Iterator[Records]]] = {
    "csv": _separated(delimited.COMMA),
    "tsv": _separated(delimited.TAB),
    "jsonl": _jsonl,
    "parquet": _parquet,
    "plain": _plain,
    FOLDER: _folder,
}
"""By the names of `readers.FORMATS`."""
