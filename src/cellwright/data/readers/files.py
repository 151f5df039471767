"""A user's file: is it there, and what characters does it hold?"""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

from cellwright.errors import InputError


def existing(path: str | Path, built_in: Iterable[str] = (), *, folder: bool = False) -> Path:
    """Return the path if it is a file.

    Args:
        path: what the user named.
        built_in: names of the built-in sets, where one of them would have done as well.
        folder: whether a folder is as good.

    Raises:
        InputError: nothing is there (suggests the nearest names that are), or a folder.

    """
    path = Path(path)
    # os.path answers False to names that no file can have, where Path raises: a whole sentence, say.
    if os.path.isdir(path) and not folder:
        raise InputError(f"{path}: this is a folder; expected a file: name one inside it")
    if not os.path.exists(path):
        raise InputError(f"{path}: no such file{_suggestion(path, list(built_in))}")
    return path


def decoded(path: Path, encoding: str) -> str:
    """Return the file's characters, line ends as they are, without a byte order mark.

    Raises:
        InputError: the file cannot be read, is empty, or holds a byte that the encoding does not know.

    """
    return in_encoding(read_bytes(path), path, encoding)


def in_encoding(content: bytes, path: Path, encoding: str) -> str:
    """Return the characters of a file's bytes, as `decoded` does. Raises InputError likewise."""
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise InputError(f"{path}: no encoding {encoding!r}; expected one such as utf-8, gb18030, utf-16") from error
    except UnicodeError as error:
        raise InputError(f"{path}: not {encoding}: {_fault(error)}; {_remedy(content)}") from error


def with_newlines(content: str) -> str:
    r"""Return the characters with \n for each line end: \n, \r\n, or the \r that old systems and spreadsheets write."""
    return content.replace("\r\n", "\n").replace("\r", "\n")


def lines_of(content: str) -> list[str]:
    """Cut characters into lines, the last of which may end or not."""
    # Not splitlines(): U+2028 and its like may stand inside a line.
    return with_newlines(content).removesuffix("\n").split("\n")


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes, of which there is at least one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror})") from error
    if not content:
        raise InputError(f"{path}: the file is empty; expected at least one row")
    return content


def reading(path: str | Path, *given: object, **named: object) -> str:
    """What is said while a file is read, with its size."""
    size = os.path.getsize(path) if os.path.isfile(path) else 0
    return f"reading {path} ({size / 1e6:,.0f} MB)" if size >= 1e6 else f"reading {path}"


def _suggestion(path: Path, built_in: list[str]) -> str:
    try:
        siblings = os.listdir(path.parent)
    except OSError:  # the folder is not there either, or closed to us: nothing to suggest from it
        siblings = []
    near = [str(path.with_name(name)) for name in difflib.get_close_matches(path.name, siblings)]
    near += difflib.get_close_matches(str(path), built_in)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    sets = f", or a built-in set ({', '.join(built_in)})" if built_in else ""
    return f"; expected the path of a file{sets}"


def _fault(error: UnicodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte 0x{error.object[error.start]:02x} at offset {error.start} ({error.reason})"
    return str(error)


def _remedy(content: bytes) -> str:
    """Name the encoding, where the file's first bytes do; else say how to name it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it begins like UTF-16: --encoding utf-16"
    return "name the file's encoding, such as --encoding gb18030 for Chinese"
