"""From what readers of formats hand out, some rows at a time, to arrays in whatever store."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from cellwright.data.arrays import Growing, Made, Store
from cellwright.data.column import Column, Lines, Names
from cellwright.data.readers.folder import files_in
from cellwright.data.readers.places import Places, Segment
from cellwright.data.readers.values import FILE
from cellwright.errors import InputError

Some = TypeVar("Some")


class RowBuilder(ABC, Generic[Some]):
    """Makes arrays of the rows of a file, or of several, which come some at a time.

    Where a process before was ended, `growing` has rows already: they come again, and are passed by.
    """

    def __init__(self, growing: Growing, roles: Iterable[str]) -> None:
        """roles: what of a row is one of a few strings, which are numbered in the order in which they come."""
        self.growing, self._there, self._seen = growing, growing.rows, 0
        self.names: dict[str, dict[str, int]] = {role: {} for role in roles}
        self.files: list[dict[str, Any]] = []

    def begin(self, path: str) -> None:
        """Say that the rows that come are those of this file."""
        self.path = path
        self.files.append({"rows": 0, "unit": "line", "notes": []})

    @abstractmethod
    def add(self, some: Some) -> None:
        """Take further rows. Raises InputError for one that is not as expected."""

    def count(self, rows: int, unit: str, notes: Iterable[str] = ()) -> slice:
        """Count further rows, and return which of them are not there yet."""
        file = self.files[-1]
        file["rows"] += rows
        file["unit"] = unit
        file["notes"] += [note.removeprefix(self.path) for note in notes]
        new = slice(min(max(self._there - self._seen, 0), rows), rows)
        self._seen += rows
        return new

    def told(self) -> dict[str, Any]:
        """Return what is not in the arrays, for `place_of_rows` and `names_of`."""
        return {"names": {role: list(found) for role, found in self.names.items()}, "files": self.files}


def built(
    files: Sequence[Path],
    store: Store,
    name: str,
    kinds: dict[str, Any],
    builder: Callable[[Growing], RowBuilder[Some]],
    pieces: Callable[[Path], Iterator[Some]],
    key: Sequence[object],
) -> tuple[Made, Store]:
    """Return what a builder makes of the rows of files, or made before of the same content, and where it lies.

    kinds: the types of its arrays. pieces: reads a file some rows at a time. key: how that is done, as JSON.

    Raises InputError as these do, and for a file that is changed while it is read.

    Many arguments: what, where, and how.
    """
    before = [_state(file) for file in files]
    store = store.of(lambda: [[_digest(file) for file in files], *key])

    def fill(growing: Growing) -> object:
        made = builder(growing)
        for file in files:
            made.begin(str(file))
            for some in pieces(file):
                made.add(some)
        for file, state in zip(files, before, strict=True):
            if _state(file) != state:
                raise InputError(f"{file}: was changed while it was read; run the same again")
        return made.told()

    return store.made(name, kinds, fill), store


NAMES = "name_content", "name_sizes"
"""Of the rows of a folder, which are its files; their lines are their places among these."""


def place_of_rows(made: Made, files: Sequence[Path], source: str, store: Store) -> Segment:
    """Return where all rows stood that a builder made of these files, which lie in the store.

    source: what names all of them, where they are several; the rows then say in which they stood.
    """
    segments, end = list[Segment](), 0
    names = None
    if made.arrays.keys() >= set(NAMES):
        content, sizes = (made.arrays[each] for each in NAMES)
        names = Column.side_by_side(content, sizes, store)
    for path, file in zip(files, made.told["files"], strict=True):
        begin, end = end, end + file["rows"]
        lines: Sequence[int | str] = Lines(made.arrays["lines"][begin:end])
        if names is not None and file["unit"] == FILE:
            lines = names.take(made.arrays["lines"][begin:end], store)
        segments.append(Segment(str(path), file["unit"], lines))
    return segments[0] if len(segments) == 1 else Segment(source, "", Places(segments))


def names_of(made: Made, role: str) -> Names | None:
    """Return the strings of a role, None where nobody asked for it."""
    names = made.told["names"]
    return Names(made.arrays[role], names[role]) if role in names else None


def _state(path: Path) -> object:
    """By which a file that is written to shows, or a folder of them; None of what is neither."""
    if path.is_dir():
        return _of_each(path, _state)
    stat = path.stat()
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns) if path.is_file() else None


def _digest(path: Path) -> str:
    """Of the content of a file, or of a folder's files and their names."""
    if path.is_dir():
        return _of_each(path, _digest)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_each(folder: Path, found: Callable[[Path], object]) -> str:
    """One digest of what is found of each file in a folder, and of its name there."""
    together = hashlib.sha256()
    for file in files_in(folder, labelled=False):
        together.update(repr((str(file.relative_to(folder)), found(file))).encode())
    return together.hexdigest()
