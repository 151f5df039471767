"""Files that are whole or not there: written beside their place, then renamed into it."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from cellwright.errors import InputError

PART = ".cellwright-part"
"""How the name of a file that is not yet whole ends."""


def check_free(paths: Mapping[str, Path | None], *, overwrite: bool) -> None:
    """Refuse to replace what the user did not say may be replaced, before any work is done.

    paths: each by the option that names it; None was not given.

    Raises InputError for one that is there already, unless `overwrite`, and for a folder in any case.
    """
    for option, path in paths.items():
        if path is not None and os.path.isdir(path):
            raise InputError(f"{path}: is a folder; expected a file: give another {option}")
        if path is not None and not overwrite and os.path.lexists(path):
            raise InputError(f"{path}: is there already; give another {option}, or --overwrite to replace it")


def check_apart(paths: Mapping[str, Path | None], read: Iterable[Path]) -> None:
    """Refuse to replace what a command reads, which no --overwrite means, before any work is done.

    paths: as of `check_free`. read: files, and folders of which all is read; those that are not there do not count.

    Raises InputError for one that is such a file, under whatever name, or lies in such a folder.
    """
    # os.path answers False to names that no file can have, where Path raises.
    written = {option: path for option, path in paths.items() if path is not None and os.path.exists(path)}
    for each in filter(os.path.exists, read if written else ()):
        for file in each.rglob("*") if each.is_dir() else [each]:
            for option, path in written.items():
                if os.path.exists(file) and path.samefile(file):
                    raise InputError(
                        f"{path}: {option} would replace what is read, {file}; expected another file: give another "
                        f"{option}"
                    )


def beside(path: Path) -> Path:
    """Where what becomes `path` lies until it is whole: a name that no file of the user's own has.

    What a kill left there is written over, so that such parts do not add up.
    """
    return path.with_name(f".{path.name}{PART}")


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` such that a reader, a kill or a full disk never meets half a file.

    Raises InputError where the file cannot be written; what `path` held before is still there.
    """
    with replacing(path, f"{len(content):,} bytes") as file:
        file.write(content)


@contextmanager
def replacing(path: Path, bytes_needed: str = "enough bytes") -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when all is written, as `replace_file` does; else it is gone.

    bytes_needed: as the error names them. Raises InputError where the file cannot be written.
    """
    part = beside(path)
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # a disk may report that it is full only now
        part.replace(path)
    except OSError as error:
        kept = "the last good one stays" if path.exists() else "nothing was written"
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); {kept}; expected a writable folder with "
            f"{bytes_needed} free: make room and try again (of a stopped `fit`, with --resume)"
        ) from error
    finally:
        part.unlink(missing_ok=True)


class RepeatedKey(ValueError):
    """A key that stands twice in an object of JSON, of which Python's reader would keep the last value."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the key {key!r} stands twice in one object; expected each once")


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values, as json's `object_pairs_hook` is given them. Raises RepeatedKey."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RepeatedKey(next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return found


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace `path` by indented JSON, in the order given. Raises InputError as `replace_file` does."""
    replace_file(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises InputError, with line and column, for one that is cut short."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once_each)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {error.lineno}, column {error.colno}: not whole JSON ({error.msg}); the file is cut "
            "short or damaged: copy the run folder again or train anew"
        ) from None
    except RepeatedKey as error:
        raise InputError(f"{path}: {error}") from None
    except RecursionError:
        raise InputError(
            f"{path}: its JSON is nested too deeply to be read; expected an object of a few levels"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); expected JSON in UTF-8") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a JSON {type(content).__name__}; expected an object")
    return content
