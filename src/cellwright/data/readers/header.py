"""The header that `.ts` and `.tsf` share: lines @name value above @data, which the data must agree with."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cellwright.data.readers.files import lines_of
from cellwright.data.readers.numbers import ReadSeries
from cellwright.errors import InputError

Line = tuple[int, str]  # its number, from 1, and its text


class HeaderValue(NamedTuple):
    """A value of the header, and the line it stands on."""

    words: list[str]
    line: int


Header = dict[str, HeaderValue]


def split_header(path: Path, content: str) -> tuple[list[Line], list[Line]]:
    """Return the lines above @data and those below it, of which there is one; blank ones and comments are none."""
    lines = [
        (k, line.strip())
        for k, line in enumerate(lines_of(content), start=1)
        if line.strip() and line.strip()[0] not in "#%"
    ]
    start = next((k for k, (_, line) in enumerate(lines) if line.lower() == "@data"), None)
    if start is None:
        raise InputError(f"{path}: no line @data; expected a header, then @data, then a series a line")
    if not lines[start + 1 :]:
        raise InputError(f"{path}: nothing below @data; expected a series a line")
    return lines[:start], lines[start + 1 :]


def header_of(path: Path, lines: Sequence[Line], flags: frozenset[str], read: frozenset[str]) -> Header:
    """Return the header by names in small letters.

    Args:
        path: of the file.
        lines: above @data.
        flags: names of lines that say true or false.
        read: names of lines that the data must agree with, so that none may stand there with two values.

    Raises:
        InputError: a line that is none of a header, a flag that is neither, two values of one name.

    """
    header: Header = {}
    for line, text in lines:
        words = text[1:].split()
        if not text.startswith("@") or not words:
            raise InputError(f"{path}, line {line}: {text[:40]!r} before @data; expected @name value, or # a comment")
        name = words.pop(0).lower()
        told = HeaderValue(_flag(name, words, f"{path}, line {line}") if name in flags else words, line)
        if name in read and header.get(name, told).words != told.words:
            raise InputError(
                f"{path}, line {line}: @{name} {' '.join(told.words)[:40]}, but line {header[name].line} says "
                f"{' '.join(header[name].words)[:40]}; expected one of them: take the other out"
            )
        header[name] = told
    return header


def says(header: Header, name: str) -> bool | None:
    """What a line of the header says: true, false, or None where it is not there."""
    return header[name].words[:1] == ["true"] if name in header else None


def check_claims(path: Path, header: Header, found: Sequence[ReadSeries]) -> None:
    """Refuse what the header says and the data does not do."""
    for each in found:
        steps, channels = each.values.shape
        missing = bool(np.isnan(each.values).any())
        claims = (
            ("univariate", says(header, "univariate") is True and channels != 1, f"{channels} channels"),
            ("dimensions", _number(path, header, "dimensions", channels) != channels, f"{channels} channels"),
            ("serieslength", _number(path, header, "serieslength", steps) != steps, f"{steps} steps"),
            ("missing", says(header, "missing") is False and missing, "a missing value"),
            ("equallength", says(header, "equallength") is True and steps != len(found[0].values), f"{steps} steps"),
        )
        for name, broken, got in claims:
            if broken:
                told = header[name]
                raise InputError(
                    f"{path}, {each.place}: {got}, but line {told.line} says @{name} {' '.join(told.words)}; expected "
                    "a header that holds: mend the line, or the series"
                )


def _flag(name: str, words: list[str], where: str) -> list[str]:
    """The words behind a flag, the first of them in small letters; names of classes keep theirs."""
    said, *names = words or [""]
    if said.lower() not in ("true", "false"):
        raise InputError(f"{where}: @{name} {said[:40]!r}; expected true or false")
    if name == "classlabel" and said.lower() == "true" and not names:
        raise InputError(f"{where}: @classLabel {said} names no class; expected the names of all behind it")
    return [said.lower(), *names]


def _number(path: Path, header: Header, name: str, default: int) -> int:
    if name not in header:
        return default
    words, line = header[name]
    written = " ".join(words)
    if not written.isdecimal() or len(written) > 18:  # int() refuses thousands of digits
        raise InputError(f"{path}, line {line}: @{name} {written[:40]}; expected a whole number below 10^18")
    return int(words[0])
