"""Texts without labels, however long: of plain text the whole of a file is one, of other formats each row."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from cellwright.data.arrays import MEMORY, Store
from cellwright.data.column import Column, taken
from cellwright.data.documents import MOST, SIZE, Documents, cut
from cellwright.data.readers import FOLDER, FORMATS, by_suffix, format_of, read
from cellwright.data.readers.builder import TableBuilder, table_of
from cellwright.data.readers.files import characters, in_pieces, reading
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.rows import built
from cellwright.data.readers.several import files_of
from cellwright.data.readers.values import Cells, Columns
from cellwright.data.table import TEXT, Table
from cellwright.stages import staged


@staged(reading)
def read_documents(
    path: str | Path, *, text: str = TEXT, how: ReadOptions | None = None, store: Store = MEMORY
) -> Table:
    """Read every text of a file, or of several, some rows or pieces at a time; else as `readers.read`."""
    files, how = files_of(path, FORMATS), how or ReadOptions()
    one = {file: is_one_text(file, how) for file in files}
    if not any(one.values()):
        return read(path, text=text, label=None, how=how, store=store)
    columns = Columns(text, None, "--text")
    formats = {file: ONE if one[file] else format_of(file, how.format) for file in files}

    def rows(file: Path) -> Iterator[Cells]:
        return _pieces(file, columns, how) if one[file] else FORMATS[formats[file]].read(file, columns, how)

    key = [[formats[file] for file in files], columns, how, SIZE, MOST]
    kinds = TableBuilder.kinds(columns, named=FOLDER in formats.values())
    made, store = built(files, store, "texts", kinds, partial(TableBuilder, columns), rows, key)
    table = table_of(made, files, str(path), store)
    counts = [
        np.array([said["rows"]]) if one[file] else np.ones(said["rows"], np.int64)
        for file, said in zip(files, made.told["files"], strict=True)
    ]
    sizes = np.concatenate(counts)
    ends = np.cumsum(sizes)
    lines = taken(table.lines, ends - sizes, store)
    assert isinstance(table.texts, Column)  # as tables are built
    return replace(table, texts=Documents(table.texts, ends, store), lines=lines)


ONE = "one text"
"""What is read of plain text."""


TOGETHER = 64
"""Pieces that are read at once: a million characters."""


def is_one_text(path: Path, how: ReadOptions | None) -> bool:
    """Whether a file is one text: what is neither a table nor a folder."""
    return not path.is_dir() and ((how and how.format) or by_suffix(path) or "plain") == "plain"


def _pieces(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Yield the pieces of a text, all of them on the line on which it begins."""
    for some in in_pieces(cut(characters(path, how.encoding, SIZE)), TOGETHER):
        yield Cells({columns.text: some}, [1] * len(some))
