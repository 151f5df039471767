"""Parquet through pyarrow. It has no lines: messages name rows, from 1."""

import io
from pathlib import Path

from cellwright.data.readers.files import read_bytes
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import Columns, checked_table, place_of
from cellwright.data.table import Table
from cellwright.errors import InputError


def read(path: Path, columns: Columns, how: ReadOptions) -> Table:
    """Read the columns asked for; Parquet says by itself how it is written, so `how` plays no part."""
    values = _values(path, columns)
    count = len(values[columns.text])
    if not count:
        raise InputError(f"{path}: columns without rows; expected at least one row")
    return checked_table(columns, values, list(range(1, count + 1)), str(path), unit="row")


def _values(path: Path, columns: Columns) -> dict[str, list[object]]:
    """Return the values of each column that is asked for, as Python objects."""
    import pyarrow  # slow to load, and only this format needs it
    import pyarrow.parquet

    content = read_bytes(path)
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        names = file.schema_arrow.names
        found = {column: names[place_of(column, names, str(path), columns.options)] for column in columns.asked}
        table = file.read(columns=list(found.values()))
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a whole Parquet file ({error})") from error
    return {column: table.column(name).to_pylist() for column, name in found.items()}
