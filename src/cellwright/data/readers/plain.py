"""Plain text: a text a line, and no labels. An empty line is an empty text, so that lines and answers pair."""

from pathlib import Path

from cellwright.data.readers.files import lines
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import Columns
from cellwright.data.table import Table
from cellwright.errors import InputError


def read(path: Path, columns: Columns, how: ReadOptions) -> Table:
    """Read a text from each line; `columns` may not ask for a label."""
    if columns.label is not None:
        raise InputError(
            f"{path}: plain text has no column {columns.label!r}; expected CSV, TSV, JSONL, Parquet or a folder where "
            "labels are needed: if it is one of them, say so with --format"
        )
    texts = list(lines(path, how.encoding))
    return Table(texts=texts, labels=None, lines=list(range(1, len(texts) + 1)), source=str(path))
