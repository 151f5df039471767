"""Files of rows, one module a format; the file's suffix chooses. Three tables of formats, each of one kind of rows:

    FORMATS here      texts, labelled or not, and pairs: `read(path, columns, how) -> Iterator[Cells]`
    tagged.FORMATS    tagged sentences: `read(path, columns, encoding) -> Iterator[Sentences]`
    series.FORMATS    numeric series: `read(path, options, encoding) -> SeriesTable`

Texts that may be as long as a file, for language models, come by `documents.py`, which asks the first of them for rows.
The other modules read no file by themselves: they are what several formats share (cells, times, numbers, headers).
To add a format: its module, a line in its table (of texts in that of `records.py` too), and its name in the options of
the tasks that read it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from cellwright.data.arrays import MEMORY, Store
from cellwright.data.readers import delimited, folder, jsonl, parquet, plain
from cellwright.data.readers.builder import TableBuilder, table_of
from cellwright.data.readers.files import reading, unpacked_suffix
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.rows import built
from cellwright.data.readers.several import files_of, refuse_mixed
from cellwright.data.readers.values import Cells, Columns
from cellwright.data.table import LABEL, TEXT, Table
from cellwright.errors import InputError
from cellwright.stages import staged

Request = TypeVar("Request")
How = TypeVar("How")
Read = TypeVar("Read")


@dataclass(frozen=True)
class Format(Generic[Request, How, Read]):
    """A way to write rows to a file: the suffixes that mean it, and who reads it."""

    suffixes: tuple[str, ...]
    read: Callable[[Path, Request, How], Read]


FOLDER = "folder"
FORMATS: dict[str, Format[Columns, ReadOptions, Iterator[Cells]]] = {
    "csv": Format((".csv",), delimited.read_csv),
    "tsv": Format((".tsv", ".tab"), delimited.read_tsv),
    "jsonl": Format((".jsonl", ".ndjson"), jsonl.read),
    "parquet": Format((".parquet", ".pq"), parquet.read),
    "plain": Format((".txt",), plain.read),
    FOLDER: Format((), folder.read),
}
DELIMITED = ("csv", "tsv")
"""The formats whose separator, header and quoting can be told."""


def read(
    path: str | Path,
    *,
    text: str = TEXT,
    label: str | None = LABEL,
    how: ReadOptions | None = None,
    store: Store = MEMORY,
) -> Table:
    """Read every row of a file, of several, or every file of a folder.

    An empty or missing text is read as "", for whoever asks about it gets an answer; `split` leaves such
    rows out of a training and says so. A missing label is "" too, which `data.labels` refuses or leaves out. Labels
    become strings: numbers in digits, 1.0 as 1, and booleans as "true" and "false".

    Args:
        path: the file, a folder that holds one a class, or what `several.files_of` takes for several files.
        text: the column of the texts: its name, or its number from 1.
        label: the column of the labels, likewise; None if there is none to read.
        how: how the file is written; None is as its suffix and its rows say.
        store: where the table lies.

    Raises:
        InputError: the file, a row or a value is not as expected; names file, line or column, what was found.

    """
    columns = Columns(text, label) if label is not None else Columns(text, None, "--text")
    return read_columns(path, columns, how, store)


@staged(reading)
def read_columns(path: str | Path, columns: Columns, how: ReadOptions | None = None, store: Store = MEMORY) -> Table:
    """Read these columns of every row of a file, or of several; else as `read`."""
    files, how = files_of(path, FORMATS), how or ReadOptions()
    if len(set(columns.asked)) < len(columns.asked):
        twice = next(column for column in columns.asked if columns.asked.count(column) > 1)
        raise InputError(f"{path}: column {twice!r} for both of {columns.options}; expected two columns")
    for file in files:
        if columns.label is not None and file.is_dir():
            refuse_mixed(file, FORMATS)
    formats = {file: format_of(file, how.format) for file in files}
    made, store = built(
        files,
        store,
        "rows",
        TableBuilder.kinds(columns, named=FOLDER in formats.values()),
        partial(TableBuilder, columns),
        lambda file: FORMATS[formats[file]].read(file, columns, how),
        [[formats[file] for file in files], columns, how],
    )
    return table_of(made, files, str(path), store)


def format_of(
    path: Path,
    format: str | None = None,
    formats: Mapping[str, Format[Any, Any, Any]] = FORMATS,
) -> str:
    """Return the name of a file's format among these, from what the user says or else from the suffix."""
    if FOLDER in formats and path.is_dir():
        return FOLDER
    names = [name for name in formats if name != FOLDER]
    if format is not None and format not in names:
        raise InputError(f"{path}: no format {format!r}; expected one of {', '.join(names)}")
    if found := format or by_suffix(path, formats):
        return found
    raise InputError(f"{untold(path, formats)}, or --format {'|'.join(names)}")


def untold(path: Path, formats: Mapping[str, Format[Any, Any, Any]]) -> str:
    """Say that a file's suffix tells none of these formats, and which do."""
    suffixes = ", ".join(suffix for candidate in formats.values() for suffix in candidate.suffixes)
    suffix = unpacked_suffix(path)
    found = f"the suffix {suffix!r}" if suffix else "a name without a suffix"
    return f"{path}: {found} tells no format; expected a file that ends in {suffixes}"


def by_suffix(path: Path, formats: Mapping[str, Format[Any, Any, Any]] = FORMATS) -> str | None:
    """Return the name of the format among these that a file's suffix tells, if it tells one."""
    return next((name for name, each in formats.items() if unpacked_suffix(path) in each.suffixes), None)
