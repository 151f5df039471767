"""Plain text: a text a line, and no labels. An empty line is an empty text, so that lines and answers pair."""

from collections.abc import Iterator
from pathlib import Path

from cellwright.data.readers.files import in_pieces, lines
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import Cells, Columns
from cellwright.errors import InputError


def read(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Read a text from each line; `columns` may not ask for a label."""
    if columns.label is not None:
        raise InputError(
            f"{path}: plain text has no column {columns.label!r}; expected CSV, TSV, JSONL, Parquet or a folder where "
            "labels are needed: if it is one of them, say so with --format"
        )
    count = 0
    for texts in in_pieces(lines(path, how.encoding)):
        yield Cells({columns.text: texts}, range(count + 1, count + len(texts) + 1))
        count += len(texts)
