"""Parquet through pyarrow. It has no lines: messages name rows, from 1."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cellwright.data.readers.files import PIECE, opened
from cellwright.data.readers.hugging_face import class_names, named
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import Cells, Columns, place_of
from cellwright.errors import InputError

BUFFER = 2**20
"""Bytes of a column that are read ahead; without one, pyarrow reads all that a row group has of it."""


def read(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Read the columns asked for; Parquet says by itself how it is written, so `how` plays no part."""
    count = 0
    for values in values_of(path, columns):
        rows = len(values[columns.text])
        yield Cells(values, range(count + 1, count + rows + 1), unit="row")
        count += rows


def cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of all columns, and the rows as texts: numbers as Python reads them back, "" where missing.

    Raises InputError for a column that holds neither numbers, texts nor times.
    """
    import pyarrow

    with _opened(path) as file:
        table = file.read()
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            texts = column if pyarrow.types.is_floating(column.type) else column.cast(pyarrow.string())
        except pyarrow.ArrowException:
            raise InputError(
                f"{path}, column {name!r}: holds {column.type}; expected numbers, texts or times, a row a step"
            ) from None
        columns.append(["" if each is None else str(each) for each in texts.to_pylist()])
    return table.column_names, [list(row) for row in zip(*columns, strict=True)]


def pieces(path: Path) -> Iterator[tuple[list[str], list[list[object]]]]:
    """Yield rows as Python objects, some at a time, and with them the names of all columns. Raises InputError."""
    with _opened(path) as file:
        for batch in file.iter_batches(PIECE):
            columns = [column.to_pylist() for column in batch.columns]
            yield file.schema_arrow.names, [list(row) for row in zip(*columns, strict=True)]


def values_of(path: Path, *asked: Columns) -> Iterator[dict[str, list[object]]]:
    """Yield the values of each column that is asked for, some rows at a time, and classes by their names."""
    with _opened(path) as file:
        names: list[str] = file.schema_arrow.names
        found = {
            column: names[place_of(column, names, str(path), columns.options)]
            for columns in asked
            for column in columns.asked
        }
        names_of = class_names(file.schema_arrow.metadata)
        for batch in file.iter_batches(PIECE, columns=list(dict.fromkeys(found.values()))):
            yield {
                column: named(batch.column(name).to_pylist(), names_of.get(name), f"{path}: column {name!r}")
                for column, name in found.items()
            }


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file as pyarrow sees it. Raises InputError where it is none, in the block too, or has no row."""
    import pyarrow  # slow to load, and only this format needs it
    import pyarrow.parquet

    with opened(path) as file:
        whole = file if file.seekable() else io.BytesIO(file.read())  # a pipe's end, where Parquet begins, comes last
        try:
            found = pyarrow.parquet.ParquetFile(whole, buffer_size=BUFFER)
            if not found.metadata.num_rows:
                raise InputError(f"{path}: columns without rows; expected at least one row")
            yield found
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{path}: not a whole Parquet file ({error})") from error
