"""Parquet through pyarrow. It has no lines: messages name rows, from 1."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellwright.data.readers.files import read_bytes
from cellwright.data.readers.hugging_face import class_names, named
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import Columns, checked_table, place_of
from cellwright.data.table import Table
from cellwright.errors import InputError


def read(path: Path, columns: Columns, how: ReadOptions) -> Table:
    """Read the columns asked for; Parquet says by itself how it is written, so `how` plays no part."""
    values = values_of(path, columns)
    return checked_table(columns, values, list(range(1, len(values[columns.text]) + 1)), str(path), unit="row")


def cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of all columns, and the rows as texts: numbers as Python reads them back, "" where missing.

    Raises InputError for a column that holds neither numbers, texts nor times.
    """
    import pyarrow

    table = _table(path)
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


def objects(path: Path) -> tuple[list[str], list[list[object]]]:
    """Return the names of all columns, and the rows as Python objects. Raises InputError."""
    table = _table(path)
    columns = [column.to_pylist() for column in table.columns]
    return table.column_names, [list(row) for row in zip(*columns, strict=True)]


def values_of(path: Path, columns: Columns) -> dict[str, list[object]]:
    """Return the values of each column that is asked for, as Python objects, and classes by their names."""
    names: list[str] = _of_file(path, lambda file: file.schema_arrow.names)
    found = {column: names[place_of(column, names, str(path), columns.options)] for column in columns.asked}
    table = _table(path, list(found.values()))
    names_of = class_names(table.schema.metadata)
    return {
        column: named(table.column(name).to_pylist(), names_of.get(name), f"{path}: column {name!r}")
        for column, name in found.items()
    }


def _table(path: Path, names: list[str] | None = None) -> Any:
    """Return the columns of these names, or all, as pyarrow's table. Raises InputError where it has no row."""
    table = _of_file(path, lambda file: file.read(columns=names))
    if not table.num_rows:
        raise InputError(f"{path}: columns without rows; expected at least one row")
    return table


def _of_file(path: Path, read: Callable[[Any], Any]) -> Any:
    """Return what `read` finds in pyarrow's view of the file."""
    import pyarrow  # slow to load, and only this format needs it
    import pyarrow.parquet

    content = read_bytes(path)
    try:
        return read(pyarrow.parquet.ParquetFile(io.BytesIO(content)))
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a whole Parquet file ({error})") from error
