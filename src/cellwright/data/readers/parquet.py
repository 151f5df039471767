"""Parquet through pyarrow. It has no lines: messages name rows, from 1."""

import io
from collections.abc import Sequence
from pathlib import Path

from cellwright.data.readers.files import read_bytes
from cellwright.data.readers.values import Columns, index_of, label_of, text_of
from cellwright.data.table import Table
from cellwright.errors import InputError


def read(path: Path, columns: Columns, encoding: str) -> Table:
    """Read the columns asked for; Parquet is UTF-8 by itself, so `encoding` plays no part."""
    values = _values(path, [name for name in columns if name is not None])
    count = len(values[0])
    if not count:
        raise InputError(f"{path}: columns without rows; expected at least one row")
    places = [f"{path}, row {row}" for row in range(1, count + 1)]
    texts = [text_of(value, columns.text, place) for value, place in zip(values[0], places, strict=True)]
    labels = None
    if columns.label is not None:
        labels = [label_of(value, columns.label, place) for value, place in zip(values[1], places, strict=True)]
    return Table(texts, labels, lines=list(range(1, count + 1)), source=str(path), unit="row")


def _values(path: Path, names: list[str]) -> list[Sequence[object]]:
    """Return the values of each named column, as Python objects."""
    import pyarrow  # slow to load, and only this format needs it
    import pyarrow.parquet

    content = read_bytes(path)
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        for name in names:
            index_of(name, file.schema_arrow.names, str(path))
        table = file.read(columns=names)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a whole Parquet file ({error})") from error
    return [table.column(name).to_pylist() for name in names]
