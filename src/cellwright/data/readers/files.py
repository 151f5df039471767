"""A user's file: is it there, and what characters does it hold?"""

import difflib
import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from cellwright.errors import InputError

One = TypeVar("One")

PIECE = 1000
"""Rows that are read together where a file is read piece by piece."""
PACKED = (".gz", ".zst")
"""Suffixes of compressed files, behind that of the format; what reads such a file sees what was compressed."""


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


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """Open a file of which there is at least one byte, of a compressed one what was compressed.

    Raises InputError where it cannot be opened or read, in the block too, or is empty.
    """
    try:
        with path.open("rb") as raw, _unpacked(raw, path) as file:
            if not file.peek(1):
                raise InputError(f"{path}: the file is empty; expected at least one row")
            yield file
    except (OSError, EOFError, zlib.error) as error:
        fault = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: the file cannot be read ({fault})") from error


def _unpacked(raw: BinaryIO, path: Path) -> io.BufferedReader:
    """What a file holds, decompressed as its suffix says."""
    match path.suffix.lower():
        case ".gz":
            return io.BufferedReader(gzip.GzipFile(fileobj=raw))
        case ".zst":
            import pyarrow  # Python 3.11 has no zstd of its own

            return io.BufferedReader(pyarrow.CompressedInputStream(raw, "zstd"))
        case _:
            return cast(io.BufferedReader, raw)


def unpacked_suffix(path: Path) -> str:
    """Return the suffix that tells a file's format, in small letters: that before .gz or .zst where it is compressed.

    >>> unpacked_suffix(Path("reviews.CSV.gz"))
    '.csv'
    """
    return Path(path.stem if path.suffix.lower() in PACKED else path.name).suffix.lower()


@contextmanager
def _characters(path: Path, encoding: str, newline: str | None) -> Iterator[io.TextIOWrapper]:
    """Open a file's characters; `newline` as Python has it. Raises InputError as `decoded` does, in the block too."""
    with opened(path) as file:
        head = file.peek(2)[:2]
        try:
            text = io.TextIOWrapper(file, encoding, newline=newline)
        except LookupError as error:
            raise _unknown(path, encoding) from error
        try:
            yield text
        except UnicodeError as error:
            raise _wrong(path, encoding, error, file.tell() if file.seekable() else None, head) from error


def decoded(path: Path, encoding: str) -> str:
    """Return the file's characters, line ends as they are, without a byte order mark.

    Raises:
        InputError: the file cannot be read, is empty, or holds a byte that the encoding does not know.

    """
    with _characters(path, encoding, "") as text:
        return text.read().removeprefix("\ufeff")


def characters(path: Path, encoding: str, size: int) -> Iterator[str]:
    r"""Yield the file's characters, so many at a time, without a byte order mark, and with \n for each line end.

    Raises InputError as `decoded` does, where the fault is reached.
    """
    with _characters(path, encoding, None) as text:
        first = True
        while some := text.read(size):
            yield some.removeprefix("\ufeff") if first else some
            first = False


def lines(path: Path, encoding: str, *, ends: bool = False) -> Iterator[str]:
    r"""Yield the file's lines as they are read, without a byte order mark: with their ends as they are, or without.

    An end is \n, \r\n, or the \r that old systems and spreadsheets write. Raises InputError as `decoded` does, where
    the fault is reached.
    """
    with _characters(path, encoding, "" if ends else None) as text:
        for number, line in enumerate(text):
            whole = line if number else line.removeprefix("\ufeff")
            yield whole if ends else whole.removesuffix("\n")


def in_pieces(each: Iterable[One], size: int | None = None) -> Iterator[list[One]]:
    """Yield them, so many together; None: as many as are read at a time."""
    left = iter(each)
    while some := list(islice(left, size or PIECE)):
        yield some


def in_encoding(content: bytes, path: Path, encoding: str) -> str:
    """Return the characters of a file's bytes, as `decoded` does. Raises InputError likewise."""
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except LookupError as error:
        raise _unknown(path, encoding) from error
    except UnicodeError as error:
        raise _wrong(path, encoding, error, len(content), content) from error


def with_newlines(content: str) -> str:
    r"""Return the characters with \n for each line end: \n, \r\n, or the \r that old systems and spreadsheets write."""
    return content.replace("\r\n", "\n").replace("\r", "\n")


def lines_of(content: str) -> list[str]:
    """Cut characters into lines, the last of which may end or not."""
    # Not splitlines(): U+2028 and its like may stand inside a line.
    return with_newlines(content).removesuffix("\n").split("\n")


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes, of which there is at least one. Raises InputError as `opened` does."""
    with opened(path) as file:
        return file.read()


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


def _unknown(path: Path, encoding: str) -> InputError:
    return InputError(f"{path}: no encoding {encoding!r}; expected one such as utf-8, gb18030, utf-16")


def _wrong(path: Path, encoding: str, error: UnicodeError, read: int | None, head: bytes) -> InputError:
    """The error of bytes that are not of an encoding; `read`: so many were, where that is known; `head`: the first."""
    fault = str(error)
    if isinstance(error, UnicodeDecodeError):
        # What was decoded is the end of what was read.
        place = "" if read is None else f" at offset {read - len(error.object) + error.start}"
        fault = f"byte 0x{error.object[error.start]:02x}{place} ({error.reason})"
    return InputError(f"{path}: not {encoding}: {fault}; {_remedy(head)}")


def _remedy(content: bytes) -> str:
    """Name the encoding, where the file's first bytes do; else say how to name it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it begins like UTF-16: --encoding utf-16"
    return "name the file's encoding, such as --encoding gb18030 for Chinese"
