"""What a user names as DATA: a file, a folder of tables, a pattern of files, or several of these.

    files_of("reviews.csv")         # itself
    files_of("shards")              # shards/0.csv, shards/1.csv: a folder that holds tables and nothing else
    files_of("shards/*.csv.gz")     # those that the pattern fits; ** fits folders in folders
    files_of("old.csv:new.jsonl")   # both, with what separates folders in PATH between them

Files come in the order in which they are named, and in folders and patterns in that of their names.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from glob import glob
from itertools import compress
from pathlib import Path
from typing import Any

from cellwright.data.readers.files import PACKED, existing, unpacked_suffix
from cellwright.data.wording import shortened
from cellwright.errors import InputError

BETWEEN = os.pathsep
HIDDEN = (".", "_")
"""What begins the names of files beside the tables of a folder, such as the _SUCCESS that Spark leaves there."""
Formats = Mapping[str, Any]


def as_one(given: Sequence[str | Path], built_in: Iterable[str] = ()) -> str:
    """Write what names files as one string, which `files_of` reads.

    built_in: names of the built-in sets. Raises InputError for a name that would be cut, and for a set beside others.
    """
    names = [str(each) for each in given]
    for name in names:
        if len(names) > 1 and BETWEEN in name:
            raise InputError(
                f"{name}: its name holds {BETWEEN!r}, which stands between the files where there are several; expected "
                "another name, or one pattern or folder for all"
            )
    one = BETWEEN.join(names)
    parts = one.split(BETWEEN)
    if len(parts) > 1 and not os.path.exists(one) and (sets := [name for name in parts if name in set(built_in)]):
        raise InputError(
            f"{one}: {sets[0]} is a built-in set, which stands alone; expected files, or the set and nothing beside it "
            f"(a file of that name is ./{sets[0]})"
        )
    return one


def named_by(data: str | Path, formats: Formats) -> list[Path]:
    """Return the files that DATA means, or the folder of texts, whether they are there or not.

    formats: the table of `readers` or of `tagged`, whose suffixes tell the tables of a folder.
    """
    written = str(data)
    if os.path.isdir(written):
        return _tables(Path(written), formats) or [Path(written)]
    if os.path.exists(written):
        return [Path(written)]
    parts = written.split(BETWEEN)
    if not all(parts):  # which Path takes for the current folder
        raise InputError(
            f"{written!r}: an empty name where a file is named; expected the path of a file, or several with {BETWEEN} "
            "between them"
        )
    if len(parts) > 1:
        return [file for each in parts for file in named_by(each, formats)]
    return fitting(written) or [Path(written)]


def files_of(data: str | Path, formats: Formats, built_in: Iterable[str] = (), *, folder: bool = True) -> list[Path]:
    """Return the same where all are there.

    folder: whether a folder of texts is as good.

    Raises InputError as `files.existing` does for one that is not, for a pattern that no file fits, and for folders in
    a folder that hold tables.
    """
    names, files = list(built_in), named_by(data, formats)
    for each in filter(os.path.isdir, files):
        _refuse_tables_below(each, formats)
        if not folder:
            refuse_mixed(each, formats)
    return [existing_or_fitted(each, names, folder=folder) for each in files]


def existing_or_fitted(name: str | Path, built_in: Iterable[str] = (), *, folder: bool = True) -> Path:
    """Return the path as `files.existing` does. Raises InputError likewise, for a pattern in words of its own."""
    if is_pattern(name) and not os.path.exists(name):
        raise InputError(
            f"{name}: a pattern that no file fits; expected one that fits a file (names that begin with _ or . count "
            "only where the pattern has them)"
        )
    return existing(name, built_in, folder=folder)


def is_pattern(name: str | Path) -> bool:
    """Whether a name holds what stands for others in a pattern."""
    return any(sign in str(name) for sign in "*?[")


def fitting(pattern: str) -> list[Path]:
    """Return the files that a pattern fits, in the order of their names.

    As in a folder of tables, names that begin with . or _ do not count, unless the pattern has such a name itself.
    """
    asked = [part for part in Path(pattern).parts if part.startswith(HIDDEN)]
    found = [Path(each) for each in sorted(glob(pattern, recursive=True))]
    hidden = ((part for part in file.parts if part.startswith(HIDDEN)) for file in found)
    counts = (all(any(fnmatchcase(part, each) for each in asked) for part in parts) for parts in hidden)
    return list(compress(found, counts))


def refuse_mixed(folder: Path, formats: Formats) -> None:
    """Raise InputError where tables stand in a folder beside files that are none, and no folders."""
    inside, suffixes = _inside(folder), _suffixes(formats)
    others = [each.name for each in inside if unpacked_suffix(each) not in suffixes]
    if 0 < len(others) < len(inside) and not any(each.is_dir() for each in inside):
        table = next(each for each in inside if each.name not in others)
        raise InputError(
            f"{folder}: holds tables, and {shortened(others)}, which {'is' if len(others) == 1 else 'are'} none; "
            f"expected nothing but tables: move the others out, or name the tables by a pattern such as "
            f"'{folder / ('*' + _ending(table))}'"
        )


def _refuse_tables_below(folder: Path, formats: Formats) -> None:
    """Raise InputError where all that stands in the folders of a folder are tables: their texts would be raw rows."""
    suffixes = _suffixes(formats)
    endings: dict[str, Path] = {}
    for within in (each for each in _inside(folder) if each.is_dir()):
        for place, folders, names in os.walk(within):
            folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
            for file in (Path(place, name) for name in sorted(names) if not name.startswith(HIDDEN)):
                if unpacked_suffix(file) not in suffixes:
                    return
                endings.setdefault(_ending(file), file)
    if endings:
        patterns = " ".join(f"'{folder / '**' / ('*' + ending)}'" for ending in endings)
        one = next(iter(endings.values())).relative_to(folder)
        raise InputError(
            f"{folder}: its folders hold tables and nothing else ({one} is one); expected texts, a file each, in one "
            f"folder a class: tables in folders are named by a pattern, {patterns}"
        )


def _tables(folder: Path, formats: Formats) -> list[Path]:
    """The tables of a folder that holds nothing else; none where it holds folders, or texts."""
    inside, suffixes = _inside(folder), _suffixes(formats)
    told = all(not each.is_dir() and unpacked_suffix(each) in suffixes for each in inside)
    return inside if told else []


def _inside(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if not each.name.startswith(HIDDEN))


def _suffixes(formats: Formats) -> set[str]:
    """Those that tell a table."""
    return {suffix for name, each in formats.items() if name != "plain" for suffix in each.suffixes}


def _ending(table: Path) -> str:
    """The suffixes that tell how a table is read: `.csv.gz`."""
    packed = table.suffix if table.suffix.lower() in PACKED else ""
    return Path(table.name.removesuffix(packed)).suffix + packed
