"""A folder of texts, a file a text: in one folder a class where labels are asked for, as in

    aclImdb/train/pos/0_9.txt
    aclImdb/train/neg/0_3.txt

Names that begin with a full stop are left aside, as `ls` has it.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cellwright.data.readers.files import in_encoding, in_pieces, with_newlines
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import FILE, Cells, Columns, listed
from cellwright.data.wording import counted
from cellwright.errors import InputError

UNLABELLED = "unsup"
"""The folder of aclImdb whose texts have no label."""
TOGETHER = 2**24
"""Characters after which texts are handed on, however few they are: each may be a book."""


def read(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Read a text from each file, in the order of their names; its folder is its label. Columns have no names here."""
    if columns.pairs or columns.features is not None:
        raise InputError(f"{path}: a folder of texts has no two columns for {columns.options}; expected a file")
    labelled = columns.label is not None
    notes = _notes(path) if labelled else []
    for some in _texts(path, how.encoding, labelled=labelled):
        values = {columns.text: [text for _, text in some]}
        if columns.label is not None:
            values[columns.label] = [file.parent.name for file, _ in some]
        yield Cells(values, [_name(file, path) for file, _ in some], notes, FILE)
        notes = []


def pieces(path: Path, encoding: str) -> Iterator[list[tuple[str, str]]]:
    """Yield names and texts of some files at a time, as they are read without labels. Raises InputError as `read`."""
    for some in _texts(path, encoding, labelled=False):
        yield [(_name(file, path), text) for file, text in some]


def files_in(path: Path, *, labelled: bool) -> Iterator[Path]:
    """Yield the files that are texts: those of the folders, and without labels those beside them. Raises InputError.

    The names of one folder are in memory at a time.
    """
    folders, loose = _inside(path)
    for folder in folders:
        yield from (path / folder / name for name in _names(path / folder))
    if not labelled:
        yield from map(path.joinpath, loose)


def _inside(path: Path) -> tuple[list[str], list[str]]:
    """Return the names of the folders and of the files in a folder, each in their order."""
    found: tuple[list[str], list[str]] = [], []
    with os.scandir(path) as inside:
        for each in inside:
            if not each.name.startswith("."):
                found[not each.is_dir()].append(each.name)
    return sorted(found[0]), sorted(found[1])


def _texts(path: Path, encoding: str, *, labelled: bool) -> Iterator[list[tuple[Path, str]]]:
    """Yield some files at a time with their texts. Raises InputError for a folder in one of the folders, or no file."""
    folders, loose = _inside(path)
    count = sum(len(_names(path / folder)) for folder in folders)
    if not (count or (loose and not labelled)):
        found = f"{counted(len(loose), 'file')} and no folder with one" if loose else "nothing"
        expected = "a folder a class, each with a file a text, or nothing but tables" if labelled else "a file a text"
        raise InputError(f"{path}: {found}; expected {expected}")
    for some in in_pieces(files_in(path, labelled=labelled)):
        read, size = list[tuple[Path, str]](), 0
        for file in some:
            read.append((file, _text(file, encoding)))
            size += len(read[-1][1])
            if size >= TOGETHER:
                yield read
                read, size = [], 0
        if read:
            yield read


def _name(file: Path, path: Path) -> str:
    """What a file is called: what of its name is no character is written as one types it, \\xff."""
    return os.fsencode(file.relative_to(path)).decode(errors="backslashreplace")


def _text(file: Path, encoding: str) -> str:
    return with_newlines(in_encoding(file.read_bytes(), file, encoding))


def _names(folder: Path) -> Sequence[str]:
    """Return the names of a folder's files, in their order. Raises InputError for a folder in it."""
    folders, files = _inside(folder)
    if folders:
        raise InputError(
            f"{folder}: holds folders ({folders[0]} is one); expected texts, a file each, in one folder a class: if "
            f"{folder.name} is a split of the data, name it, as in fit {folder} --test {folder.parent / 'test'}"
        )
    return files


def _notes(path: Path) -> list[str]:
    """Say how many texts each folder of a folder has, and what is odd in it."""
    folders, loose = _inside(path)
    counts = ", ".join(f"{folder} {len(_names(path / folder)):,}" for folder in folders)
    notes = [f"{path}: a folder a class: {counts}"]
    if loose:
        names = listed(loose, most=4)
        notes.append(f"{path}: {counted(len(loose), 'file')} beside the folders left out ({names})")
    notes += [
        f"{path}: {folder} is a class like the others, and in aclImdb it holds texts without a label: move it "
        f"elsewhere, or name it .{folder}, to leave it out"
        for folder in folders
        if folder == UNLABELLED
    ]
    return notes
