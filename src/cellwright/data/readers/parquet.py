"""Parquet through pyarrow. It has no lines: messages name rows, from 1."""

import io
from pathlib import Path

from cellwright.data.readers.files import read_bytes
from cellwright.data.readers.values import Columns, checked_table, index_of
from cellwright.data.table import Table
from cellwright.errors import InputError


def read(path: Path, columns: Columns, encoding: str) -> Table:
    """Read the columns asked for; Parquet is UTF-8 by itself, so `encoding` plays no part."""
    values = _values(path, columns)
    count = len(values[columns.text])
    if not count:
        raise InputError(f"{path}: columns without rows; expected at least one row")
    return checked_table(columns, values, list(range(1, count + 1)), str(path), unit="row")


def _values(path: Path, columns: Columns) -> dict[str, list[object]]:
    """Return the values of each column, as Python objects."""
    import pyarrow  # slow to load, and only this format needs it
    import pyarrow.parquet

    content = read_bytes(path)
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        for name in columns.asked:
            index_of(name, file.schema_arrow.names, str(path), columns.options)
        table = file.read(columns=columns.asked)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a whole Parquet file ({error})") from error
    return {name: table.column(name).to_pylist() for name in columns.asked}
