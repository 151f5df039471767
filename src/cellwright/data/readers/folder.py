"""A folder of texts, a file a text: in one folder a class where labels are asked for, as in

    aclImdb/train/pos/0_9.txt
    aclImdb/train/neg/0_3.txt

Names that begin with a full stop are left aside, as `ls` has it.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cellwright.data.readers.files import in_encoding, in_pieces, with_newlines
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import FILE, Cells, Columns, listed
from cellwright.data.wording import counted
from cellwright.errors import InputError

UNLABELLED = "unsup"
"""The folder of aclImdb whose texts have no label."""


def read(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Read a text from each file, in the order of their names; its folder is its label. Columns have no names here."""
    if columns.pairs or columns.features is not None:
        raise InputError(f"{path}: a folder of texts has no two columns for {columns.options}; expected a file")
    folders, loose = _inside(path)
    files = _listed(path, folders, loose, labelled=columns.label is not None)
    notes = [] if columns.label is None else _notes(path, folders, loose, files)
    for some in in_pieces(files):
        values = {columns.text: [_text(file, how.encoding) for file in some]}
        if columns.label is not None:
            values[columns.label] = [file.parent.name for file in some]
        yield Cells(values, [str(file.relative_to(path)) for file in some], notes, FILE)
        notes = []


def texts(path: Path, encoding: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file, as they are read without labels. Raises InputError as `read` does."""
    for file in _listed(path, *_inside(path), labelled=False):
        yield str(file.relative_to(path)), _text(file, encoding)


def _inside(path: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the files of a folder, in the order of their names."""
    inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    return [each for each in inside if each.is_dir()], [each for each in inside if not each.is_dir()]


def _listed(path: Path, folders: list[Path], loose: list[Path], *, labelled: bool) -> list[Path]:
    """Return the files that are texts: those of the folders, and without labels those beside them."""
    files = [file for folder in folders for file in _files(folder)] + ([] if labelled else loose)
    if not files:
        found = f"{counted(len(loose), 'file')} and no folder with one" if loose else "nothing"
        expected = "a folder a class, each with a file a text, or nothing but tables" if labelled else "a file a text"
        raise InputError(f"{path}: {found}; expected {expected}")
    return files


def _text(file: Path, encoding: str) -> str:
    return with_newlines(in_encoding(file.read_bytes(), file, encoding))


def _files(folder: Path) -> list[Path]:
    inside = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    for each in inside:
        if each.is_dir():
            raise InputError(
                f"{folder}: holds folders ({each.name} is one); expected texts, a file each, in one folder a class: if "
                f"{folder.name} is a split of the data, name it, as in fit {folder} --test {folder.parent / 'test'}"
            )
    return inside


def _notes(path: Path, folders: list[Path], loose: list[Path], files: list[Path]) -> list[str]:
    sizes = Counter(file.parent for file in files)
    counts = ", ".join(f"{folder.name} {sizes[folder]:,}" for folder in folders)
    notes = [f"{path}: a folder a class: {counts}"]
    if loose:
        names = listed([each.name for each in loose], most=4)
        notes.append(f"{path}: {counted(len(loose), 'file')} beside the folders left out ({names})")
    notes += [
        f"{path}: {folder.name} is a class like the others, and in aclImdb it holds texts without a label: move it out "
        f"of {path}, or to {path / '.unsup'}, to leave it out"
        for folder in folders
        if folder.name == UNLABELLED
    ]
    return notes
