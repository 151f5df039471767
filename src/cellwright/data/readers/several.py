"""What a user names as DATA: a file, a folder of tables, a pattern of files, or several of these.

    files_of("reviews.csv")         # itself
    files_of("shards")              # shards/0.csv, shards/1.csv: a folder that holds tables and nothing else
    files_of("shards/*.csv.gz")     # those that the pattern fits
    files_of("old.csv:new.jsonl")   # both, with what separates folders in PATH between them

Files come in the order in which they are named, and in folders and patterns in that of their names.
"""

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from glob import glob
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, overload

from cellwright.data.column import Column, ColumnBuilder
from cellwright.data.readers.files import PIECE, existing, unpacked_suffix
from cellwright.data.table import Table
from cellwright.errors import InputError

BETWEEN = os.pathsep
HIDDEN = (".", "_")
"""What begins the names of files beside the tables of a folder, such as the _SUCCESS that Spark leaves there."""
Formats = Mapping[str, Any]


def as_one(given: Sequence[str | Path]) -> str:
    """Write what names files as one string, which `files_of` reads. Raises InputError for a name that it would cut."""
    names = [str(each) for each in given]
    for name in names:
        if len(names) > 1 and BETWEEN in name:
            raise InputError(
                f"{name}: its name holds {BETWEEN!r}, which stands between the files where there are several; expected "
                "another name, or one pattern or folder for all"
            )
    return BETWEEN.join(names)


def named_by(data: str | Path, formats: Formats) -> list[Path]:
    """Return the files that DATA means, or the folder of texts, whether they are there or not.

    formats: the table of `readers` or of `tagged`, whose suffixes tell the tables of a folder.
    """
    written = str(data)
    if os.path.isdir(written):
        return _tables(Path(written), formats) or [Path(written)]
    if os.path.exists(written):
        return [Path(written)]
    if BETWEEN in written:
        return [file for each in written.split(BETWEEN) for file in named_by(each, formats)]
    return [Path(each) for each in sorted(glob(written, recursive=True))] or [Path(written)]


def files_of(data: str | Path, formats: Formats, built_in: Iterable[str] = (), *, folder: bool = True) -> list[Path]:
    """Return the same where all are there. Raises InputError as `files.existing` does for one that is not."""
    names = list(built_in)
    return [existing(each, names, folder=folder) for each in named_by(data, formats)]


def joined(tables: Sequence[Table], source: str) -> Table:
    """Make one table of several, in order, whose rows say in which file they stood.

    source: what names all of them. Raises nothing: each table has the columns that were asked for.
    """
    return Table(
        texts=_texts(tables),
        labels=_side_by_side([table.labels for table in tables]),
        lines=Places(tables),
        source=source,
        unit="",
        features=_side_by_side([table.features for table in tables]),
        notes=[note for table in tables for note in table.notes],
    )


class Places(Sequence[str]):
    """Where the rows of several tables stood, one after the other: `shards/0.csv, line 7`. Takes no memory a row."""

    def __init__(self, tables: Sequence[Any]) -> None:
        """tables: of which each row says where it stood, by `where`: of texts or of sentences."""
        self._tables = [(table.source, table.unit, table.lines) for table in tables]
        self._ends = list(accumulate(len(table) for table in tables))

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        index %= len(self)
        table = bisect_right(self._ends, index)
        source, unit, lines = self._tables[table]
        return f"{source}, {unit} {lines[index - (self._ends[table - 1] if table else 0)]}"

    def __iter__(self) -> Iterator[str]:
        return (f"{source}, {unit} {line}" for source, unit, lines in self._tables for line in lines)


def _texts(tables: Sequence[Table]) -> Column:
    builder = ColumnBuilder()
    for table in tables:
        for start in range(0, len(table), PIECE):
            builder.add(list(table.texts[start : start + PIECE]))
    return builder.column()


def _side_by_side(columns: Sequence[list[str] | None]) -> list[str] | None:
    found = [column for column in columns if column is not None]
    return list(chain.from_iterable(found)) if found else None


def _tables(folder: Path, formats: Formats) -> list[Path]:
    """The tables of a folder that holds nothing else; none where it holds folders, or texts."""
    inside = sorted(each for each in folder.iterdir() if not each.name.startswith(HIDDEN))
    suffixes = {suffix for name, each in formats.items() if name != "plain" for suffix in each.suffixes}
    told = all(not each.is_dir() and unpacked_suffix(each) in suffixes for each in inside)
    return inside if told else []
