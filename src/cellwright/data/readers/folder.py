"""A folder of texts, a file a text: in one folder a class where labels are asked for, as in

    aclImdb/train/pos/0_9.txt
    aclImdb/train/neg/0_3.txt

Names that begin with a full stop are left aside, as `ls` has it.
"""

from pathlib import Path

from cellwright.data.readers.files import in_encoding, with_newlines
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import Columns, listed
from cellwright.data.table import Table
from cellwright.data.wording import counted
from cellwright.errors import InputError


def read(path: Path, columns: Columns, how: ReadOptions) -> Table:
    """Read a text from each file, in the order of their names; its folder is its label. Columns have no names here."""
    if columns.pairs or columns.features is not None:
        raise InputError(f"{path}: a folder of texts has no two columns for {columns.options}; expected a file")
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    folders = [each for each in inside if each.is_dir()]
    loose = [each for each in inside if not each.is_dir()]
    files = [file for folder in folders for file in _files(folder)]
    if columns.label is None:
        files += loose
    _check(path, columns, files, loose)
    table = Table(
        texts=[with_newlines(in_encoding(file.read_bytes(), file, how.encoding)) for file in files],
        labels=None if columns.label is None else [file.parent.name for file in files],
        lines=[str(file.relative_to(path)) for file in files],
        source=str(path),
        unit="file",
    )
    if columns.label is not None:
        table.notes.extend(_notes(path, folders, loose, table.labels or []))
    return table


def _files(folder: Path) -> list[Path]:
    inside = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    for each in inside:
        if each.is_dir():
            raise InputError(
                f"{folder}: holds folders ({each.name} is one); expected texts, a file each, in one folder a class: if "
                f"{folder.name} is a split of the data, name it, as in fit {folder} --test {folder.parent / 'test'}"
            )
    return inside


def _check(path: Path, columns: Columns, files: list[Path], loose: list[Path]) -> None:
    if not files:
        found = f"{counted(len(loose), 'file')} and no folder with one" if loose else "nothing"
        expected = "a folder a class, each with a file a text" if columns.label is not None else "a file a text"
        raise InputError(f"{path}: {found}; expected {expected}")


def _notes(path: Path, folders: list[Path], loose: list[Path], labels: list[str]) -> list[str]:
    counts = ", ".join(f"{folder.name} {labels.count(folder.name):,}" for folder in folders)
    notes = [f"{path}: a folder a class: {counts}"]
    if loose:
        names = listed([each.name for each in loose], most=4)
        notes.append(f"{path}: {counted(len(loose), 'file')} beside the folders left out ({names})")
    return notes
