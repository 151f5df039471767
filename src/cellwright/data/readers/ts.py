"""Series from `.ts` files, the text format of sktime and of the UEA and UCR archives.

    # a comment
    @problemName Vowels
    @univariate false
    @dimensions 2
    @equalLength false
    @classLabel true one two
    @data
    1.5,2.5,?:0.5,0.25,1:one          (channels between colons, the class last; "?" is missing)

sktime reads it too, in seconds that importing it takes, and believes a header that is wrong. Here a header that does
not hold of the data is refused. Time stamps and sparse files are not read.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from cellwright.data.readers.files import decoded, lines_of
from cellwright.data.readers.long_form import SeriesColumns
from cellwright.data.readers.numbers import Found, as_table, number
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError


class _Told(NamedTuple):
    """A value of the header, and the line it stands on."""

    words: list[str]
    line: int


Header = dict[str, _Told]
FLAGS = frozenset({"timestamps", "missing", "univariate", "equallength", "classlabel", "targetlabel"})
"""Lines of the header that say true or false."""
READ = FLAGS | {"dimensions", "serieslength"}
"""Lines of the header that the data must agree with."""


def read(path: Path, columns: SeriesColumns, encoding: str) -> SeriesTable:
    """Read every series; the format names its parts itself, so `columns` play no part."""
    lines = [
        (k, line.strip())
        for k, line in enumerate(lines_of(decoded(path, encoding)), start=1)
        if line.strip() and line.strip()[0] not in "#%"
    ]
    start = next((k for k, (_, line) in enumerate(lines) if line.lower() == "@data"), None)
    if start is None:
        raise InputError(f"{path}: no line @data; expected a header, then @data, then a series a line")
    header = _header(path, lines[:start])
    rows = lines[start + 1 :]
    if not rows:
        raise InputError(f"{path}: nothing below @data; expected a series a line")
    found = [_series(path, k, line, text, header) for k, (line, text) in enumerate(rows, start=1)]
    _check(path, header, found)
    return as_table(found, None, str(path))


def _header(path: Path, lines: list[tuple[int, str]]) -> Header:
    header: Header = {}
    for line, text in lines:
        words = text[1:].split()
        if not text.startswith("@") or not words:
            raise InputError(f"{path}, line {line}: {text[:40]!r} before @data; expected @name value, or # a comment")
        name = words.pop(0).lower()
        told = _Told(_flag(name, words, f"{path}, line {line}") if name in FLAGS else words, line)
        if name in READ and header.get(name, told).words != told.words:
            raise InputError(
                f"{path}, line {line}: @{name} {' '.join(told.words)[:40]}, but line {header[name].line} says "
                f"{' '.join(header[name].words)[:40]}; expected one of them: take the other out"
            )
        header[name] = told
    if _says(header, "timestamps"):
        raise InputError(
            f"{path}, line {header['timestamps'].line}: series with time stamps are not read; expected @timeStamps "
            "false: write them as CSV in long form"
        )
    return header


def _flag(name: str, words: list[str], where: str) -> list[str]:
    """The words behind a flag, the first of them in small letters; names of classes keep theirs."""
    said, *names = words or [""]
    if said.lower() not in ("true", "false"):
        raise InputError(f"{where}: @{name} {said[:40]!r}; expected true or false")
    if name == "classlabel" and said.lower() == "true" and not names:
        raise InputError(f"{where}: @classLabel {said} names no class; expected the names of all behind it")
    return [said.lower(), *names]


def _says(header: Header, name: str) -> bool | None:
    """What a line of the header says: true, false, or None where it is not there."""
    return header[name].words[:1] == ["true"] if name in header else None


def _series(path: Path, count: int, line: int, text: str, header: Header) -> Found:
    where = f"{path}, line {line}"
    parts = text.split(":")
    label = None
    if _says(header, "classlabel"):
        label = parts.pop().strip()
        known = header["classlabel"].words[1:]
        if label not in known:
            raise InputError(
                f"{where}: class {label[:40]!r} is none of those of @classLabel on line {header['classlabel'].line}; "
                f"expected {listed(known)}"
            )
    elif _says(header, "targetlabel"):
        parts.pop()  # a number that a regression would foretell
    channels = [_channel(part, f"{where}, channel {k}") for k, part in enumerate(parts, start=1)]
    steps = len(channels[0]) if channels else 0
    for k, channel in enumerate(channels, start=1):
        if len(channel) != steps:
            raise InputError(
                f"{where}: channel {k} has {len(channel)} steps and channel 1 has {steps}; expected as many of each: "
                "mark missing values with ?"
            )
    return Found(
        str(count), np.array(channels, dtype=np.float64).reshape(len(channels), steps).T, label, f"line {line}"
    )


def _channel(text: str, where: str) -> list[float]:
    if not text.strip():
        return []
    return [number(each, f"{where}, step {step}") for step, each in enumerate(text.split(","), start=1)]


def _check(path: Path, header: Header, found: list[Found]) -> None:
    """Refuse what the header says and the data does not do."""
    for each in found:
        steps, channels = each.values.shape
        missing = bool(np.isnan(each.values).any())
        claims = (
            ("univariate", _says(header, "univariate") is True and channels != 1, f"{channels} channels"),
            ("dimensions", _number(path, header, "dimensions", channels) != channels, f"{channels} channels"),
            ("serieslength", _number(path, header, "serieslength", steps) != steps, f"{steps} steps"),
            ("missing", _says(header, "missing") is False and missing, "a missing value"),
            ("equallength", _says(header, "equallength") is True and steps != len(found[0].values), f"{steps} steps"),
        )
        for name, broken, got in claims:
            if broken:
                told = header[name]
                raise InputError(
                    f"{path}, {each.place}: {got}, but line {told.line} says @{name} {' '.join(told.words)}; expected "
                    "a header that holds: mend the line, or the series"
                )


def _number(path: Path, header: Header, name: str, default: int) -> int:
    if name not in header:
        return default
    words, line = header[name]
    written = " ".join(words)
    if not written.isdecimal() or len(written) > 18:  # int() refuses thousands of digits
        raise InputError(f"{path}, line {line}: @{name} {written[:40]}; expected a whole number below 10^18")
    return int(words[0])
