"""Series from `.ts` files, the text format of sktime and of the UEA, UCR and regression archives.

    # a comment
    @problemName Vowels
    @univariate false
    @dimensions 2
    @equalLength false
    @classLabel true one two
    @data
    1.5,2.5,?:0.5,0.25,1:one          (channels between colons, the class last; "?" is missing)

With `@targetLabel true` a number stands in the class's place; with `@timeStamps true` each value beside its time:

    (2026-01-01 00:00:00,1.5),(2026-01-02 00:00:00,2.5):(2026-01-02 00:00:00,0.25):one

Channels need not have the same times: a step is there for each time of one, and is missing in those that have it not.
sktime reads the format too, in seconds that importing it takes, and believes a header that is wrong. Here a header that
does not hold of the data is refused. Sparse files are not read.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import nan
from pathlib import Path

import numpy as np

from cellwright.data.readers.files import decoded
from cellwright.data.readers.gaps import without_gaps
from cellwright.data.readers.header import Header, check_claims, header_of, says, split_header
from cellwright.data.readers.numbers import ReadSeries, as_table, is_number, number
from cellwright.data.readers.picked import picked
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.times import Time, time_of
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError

FLAGS = frozenset({"timestamps", "missing", "univariate", "equallength", "classlabel", "targetlabel"})
"""Lines of the header that say true or false."""
READ = FLAGS | {"dimensions", "serieslength"}
"""Lines of the header that the data must agree with."""
_COLON = re.compile(r":(?![^()]*\))")  # outside of parentheses: a time has colons too
_PAIR = re.compile(r"\(\s*(.+?)\s*,\s*([^,()]*?)\s*\)")


def read(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read every series; the format names its parts itself, and of the options' columns reads the channels."""
    lines, rows = split_header(path, decoded(path, encoding))
    header = header_of(path, lines, FLAGS, READ)
    found = [_series(path, k, line, text, header, options.missing) for k, (line, text) in enumerate(rows, start=1)]
    check_claims(path, header, found)
    found, notes = without_gaps(found, str(path), options)
    return picked(as_table(found, None, str(path), options, notes), options)


def _series(path: Path, count: int, line: int, text: str, header: Header, missing: Sequence[str]) -> ReadSeries:
    where = f"{path}, line {line}"
    parts = _COLON.split(text)
    label = _label(parts, where, header)
    if says(header, "timestamps"):
        timed = [_timed(part, f"{where}, channel {k}", missing) for k, part in enumerate(parts, start=1)]
        times = sorted({time for channel in timed for time in channel}, key=lambda time: time.at)
        channels = [[channel.get(time, nan) for time in times] for channel in timed]
    else:
        times = []
        channels = [_channel(part, f"{where}, channel {k}", missing) for k, part in enumerate(parts, start=1)]
    steps = len(channels[0]) if channels else 0
    for k, channel in enumerate(channels, start=1):
        if len(channel) != steps:
            raise InputError(
                f"{where}: channel {k} has {len(channel)} steps and channel 1 has {steps}; expected as many of each: "
                "mark missing values with ?"
            )
    values = np.array(channels, dtype=np.float64).reshape(len(channels), steps).T
    return ReadSeries(str(count), values, label, f"line {line}", times)


def _label(parts: list[str], where: str, header: Header) -> str | None:
    """Take the class or the target from the end of the parts."""
    if says(header, "classlabel"):
        label = parts.pop().strip()
        known = header["classlabel"].words[1:]
        if label not in known:
            raise InputError(
                f"{where}: class {label[:40]!r} is none of those of @classLabel on line {header['classlabel'].line}; "
                f"expected {listed(known)}"
            )
        return label
    if not says(header, "targetlabel"):
        return None
    target = parts.pop().strip()
    if not is_number(target):
        raise InputError(f"{where}: target {target[:40]!r} is no number; expected one, as @targetLabel says")
    return target


def _channel(text: str, where: str, missing: Sequence[str]) -> list[float]:
    if not text.strip():
        return []
    return [number(each, f"{where}, step {step}", missing) for step, each in enumerate(text.split(","), start=1)]


def _timed(text: str, where: str, missing: Sequence[str]) -> dict[Time, float]:
    """The values of a channel by their times, which rise."""
    if left := _PAIR.sub("", text).strip(" ,\t"):
        raise InputError(f"{where}: {left[:40]!r}; expected (time,value) with commas between, as @timeStamps says")
    found: dict[Time, float] = {}
    for step, (time, value) in enumerate(_PAIR.findall(text), start=1):
        found[time_of(time, f"{where}, step {step}")] = number(value, f"{where}, step {step}", missing)
        if len(found) != step:
            raise InputError(f"{where}, step {step}: time {time} stands twice; expected each once")
    for step, (before, after) in enumerate(pairwise(found), start=2):
        if before.kind != after.kind or before.at > after.at:
            raise InputError(f"{where}, step {step}: its time does not come after that of the step before; sort them")
    return found
