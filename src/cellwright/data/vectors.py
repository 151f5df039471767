"""Word vectors that others have trained, read as a stream: only those of words that are wanted are kept.

    V E               word2vec's text and fastText's .vec: how many vectors there are, of how many numbers
    the 0.1 -0.2 …    a word and its numbers; GloVe has these lines alone

word2vec's binary form has the same first line, then a word, a space and E float32 each. A file of safetensors has one
matrix, and its words in the metadata `words`, a JSON list, or in a `tokenizer.json` beside it. All but the last may be
compressed by gzip.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from cellwright.data.readers.files import existing
from cellwright.data.wording import counted
from cellwright.errors import InputError
from cellwright.stages import stage

Vector = NDArray[np.float32]
AHEAD = 1 << 20
"""Bytes that are read at once, and looked at to tell the formats apart."""
LONGEST = 4096
"""Bytes of a word: longer ones are none, and the file is something else."""
FORMATS = "word2vec (text or binary), GloVe, fastText .vec, or safetensors"
FASTTEXT_MODEL = (793_712_314).to_bytes(4, "little")
"""With which fastText's own models begin."""
MOST_OF_GZIP = 1032
"""Bytes that one byte of a compressed file can stand for, at most."""


class Entry(NamedTuple):
    """A word of a file."""

    word: str
    where: str
    """Its place in the file, for messages."""
    numbers: Callable[[], Vector]
    """Its vector (E,); raises ValueError for what is none."""


@dataclass
class Vectors:
    """The vectors of those words that were wanted."""

    size: int
    """E, numbers of each."""
    of: dict[str, Vector] = field(default_factory=dict)
    """By word."""
    alike: set[str] = field(default_factory=set)
    """Words that stand there in other letters only: Boston, where boston is wanted."""


def read_vectors(path: str | Path, wanted: Collection[str], reads: Callable[[str], str]) -> Vectors:
    """Read a file once, and keep the vectors of the words that are wanted: those as written, else the first alike.

    Args:
        path: the file.
        wanted: words as the data has them.
        reads: how the data reads a word, in small letters, say: by it words are alike.

    Raises:
        InputError: the file is not there, is of another format, is cut short, or a line is malformed.

    """
    path = existing(path)
    with stage(f"reading vectors of {path}"), _entries(path) as (size, entries):
        found = Vectors(size)
        for entry in entries:
            exact = entry.word in wanted
            word = entry.word if exact else reads(entry.word)
            if word in found.of and not (exact and word in found.alike):
                continue
            if exact or word in wanted:
                found.of[word] = _numbers(entry, size)
                (found.alike.discard if exact else found.alike.add)(word)
    return found


def _numbers(entry: Entry, size: int) -> Vector:
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused below
            numbers = entry.numbers()
    except ValueError as error:
        raise InputError(f"{entry.where}: {error}; expected {size} numbers behind {entry.word[:40]!r}") from None
    if not np.isfinite(numbers).all():
        raise InputError(f"{entry.where}: the vector of {entry.word[:40]!r} has a number that is not finite")
    return numbers


@contextmanager
def _entries(path: Path) -> Iterator[tuple[int, Iterator[Entry]]]:
    """Numbers of a vector, and the words one after the other. Raises InputError, in the block too."""
    if path.suffix == ".safetensors":
        with _safetensors(path) as found:
            yield found
        return
    try:
        with _unpacked(path) as file:
            yield _streamed(path, file)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: the file cannot be read ({error}); expected {FORMATS}") from None


@contextmanager
def _unpacked(path: Path) -> Iterator[io.BufferedReader[Any]]:
    with io.BufferedReader(path.open("rb", buffering=0), AHEAD) as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with gzip.open(raw) as unzipped:
                yield io.BufferedReader(unzipped, AHEAD)
        else:
            yield raw


def _streamed(path: Path, file: io.BufferedReader[Any]) -> tuple[int, Iterator[Entry]]:
    head = file.peek(AHEAD)
    if head.startswith(codecs.BOM_UTF8):
        file.read(len(codecs.BOM_UTF8))
        head = head[len(codecs.BOM_UTF8) :]
    if not head:
        raise InputError(f"{path}: the file is empty; expected {FORMATS}")
    if head.startswith(FASTTEXT_MODEL):
        raise InputError(f"{path}: is a model of fastText, not vectors; expected the .vec beside it")
    first = head[: head.find(b"\n") if b"\n" in head else None].split()
    if len(first) == 2 and all(part.isdigit() for part in first):
        file.readline()
        count, size = map(int, first)
        if size < 1:
            raise InputError(f"{path}, line 1: vectors of {size} numbers; expected at least one")
        following = file.peek(AHEAD)[:LONGEST]
        return size, (_text(path, file, size, 2, count) if _is_text(following) else _binary(path, file, size, count))
    if len(first) < 3 or not _is_text(head[:LONGEST]):
        raise InputError(f"{path}, line 1: no word with numbers behind it; expected {FORMATS}")
    return len(first) - 1, _text(path, file, len(first) - 1, 1, None)


def _is_text(begin: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(begin)
    except UnicodeDecodeError:
        return False
    return all(character >= " " or character in "\t\r\n" for character in text)


def _text(path: Path, file: io.BufferedReader[Any], size: int, first: int, count: int | None) -> Iterator[Entry]:
    """Lines from number `first` on, `count` of them where a first line has said so."""
    number = first - 1
    for number, line in enumerate(file, start=first):
        row = line.rstrip()
        if not row:
            raise InputError(f"{path}, line {number}: blank; expected a word and {size} numbers")
        behind = row.count(b" ")
        if behind < size:
            raise InputError(f"{path}, line {number}: a word and {counted(behind, 'number')}; expected {size}")
        # Some words of GloVe have spaces inside: the numbers are the last ones.
        word, *numbers = row.split(b" ") if behind == size else row.rsplit(b" ", size)
        yield Entry(word.decode("utf-8", "replace"), f"{path}, line {number}", partial(_parsed, numbers))
    if count is not None and number - 1 != count:
        raise InputError(
            f"{path}, line {number}: the file ends after {number - 1:,} vectors; expected {count:,}, as its first line "
            "says: it was cut short, or is not whole"
        )


def _parsed(numbers: list[bytes]) -> Vector:
    return np.array([float(number) for number in numbers], np.float32)


def _binary(path: Path, file: io.BufferedReader[Any], size: int, count: int) -> Iterator[Entry]:
    most = path.stat().st_size * (MOST_OF_GZIP if isinstance(file.raw, gzip.GzipFile) else 1)
    if 4 * size > most:
        raise InputError(
            f"{path}, line 1: vectors of {size:,} numbers; expected no more than the file has room for, {most // 4:,}: "
            "it was cut short, or is another format"
        )
    for number in range(1, count + 1):
        where = f"{path}, vector {number:,} of {count:,}"
        word = bytearray()
        while (character := file.read(1)) != b" ":
            if not character:
                raise InputError(f"{where}: the file ends here; expected all that its first line says: copy it again")
            word += character
            if len(word) > LONGEST:
                raise InputError(f"{where}: no word of {LONGEST} bytes or fewer; expected word2vec's binary format")
        content = file.read(4 * size)
        if len(content) < 4 * size:
            raise InputError(f"{where}: the file ends within it; expected {size} numbers of float32: copy it again")
        # Some writers end each vector with a line break, which then stands before the next word.
        text = bytes(word).lstrip(b"\n").decode("utf-8", "replace")
        yield Entry(text, where, partial(_unpacked_numbers, content))
    if file.read(2) not in (b"", b"\n"):
        raise InputError(
            f"{path}: goes on after {counted(count, 'vector')}; expected no more, as its first line says: correct the "
            "line, or copy the file again"
        )


def _unpacked_numbers(content: bytes) -> Vector:
    return np.frombuffer(content, "<f4").astype(np.float32)


@contextmanager
def _safetensors(path: Path) -> Iterator[tuple[int, Iterator[Entry]]]:
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118  # no dict
            matrices = [name for name, shape in shapes.items() if len(shape) == 2]
            if len(matrices) != 1:
                raise InputError(f"{path}: {len(matrices)} matrices; expected one, of a row a word")
            rows, size = shapes[matrices[0]]
            if size < 1:
                raise InputError(f"{path}: vectors of {size} numbers; expected at least one")
            words = _words_of(path, (file.metadata() or {}).get("words"))
            if len(words) != rows:
                raise InputError(f"{path}: {rows:,} vectors and {len(words):,} words; expected as many")
            matrix = file.get_slice(matrices[0])
            each = enumerate(words)
            yield size, (Entry(word, f"{path}, row {k}", partial(_row, matrix, k)) for k, word in each)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error}); copy it again") from None


def _row(matrix: Any, row: int) -> Vector:
    vector: Vector = matrix[row : row + 1][0].float().numpy()  # torch's, as NumPy has no bfloat16
    return vector


def _words_of(path: Path, told: str | None) -> list[str]:
    """The word of each row. Raises InputError."""
    beside = path.with_name("tokenizer.json")
    try:
        if told is not None:
            words = json.loads(told)
        else:
            numbers = json.loads(beside.read_text("utf-8"))["model"]["vocab"]
            words = sorted(numbers, key=numbers.__getitem__)
    except FileNotFoundError:
        raise InputError(
            f"{path}: has no words; expected a JSON list of them in its metadata, 'words', or {beside.name} beside it"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: its words cannot be read ({error}); expected a JSON list of them") from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"{path}: its words are none; expected a JSON list of strings")
    return words
