"""Numbers as files spell them, and the checks that hold of series in every format."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cellwright.data.readers.fill import filled
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.times import Time
from cellwright.data.readers.values import listed, whole
from cellwright.data.series import Clock, SeriesTable, Values, numbered, place_of_step
from cellwright.data.wording import counted
from cellwright.errors import InputError

MISSING = frozenset({"", "?", "nan", "na", "n/a", "null", "none"})
"""What stands for a value that is missing, in small letters."""

MARKS = frozenset(sign * (10**digits - 1) for digits in range(2, 7) for sign in (1, -1))
"""Numbers that stand for a missing value in many files: 99, -999, -9999, … They are read as numbers all the same."""

LARGEST = 1e30
"""No value of a series lies further from 0: its square is a float64 by far, and itself a float32, as in ONNX."""


class ReadSeries(NamedTuple):
    """A series as a reader found it."""

    name: str
    values: Values
    """Steps by channels (T, C), NaN where missing."""
    label: str | None
    place: str
    """As in "line 7"."""
    times: Sequence[Time] = ()
    """Of each step, where they are known."""
    lines: Sequence[int] = ()
    """Of each step, where it has one of its own."""
    clock: Clock | None = None
    """When the steps behind it come, where it has times."""


def number(written: str, where: str, missing: Sequence[str] = ()) -> float:
    """Return the number, NaN for a missing one. Raises InputError, beginning with `where`, for anything else.

    missing: what else stands for a missing value, as the option --missing names it.
    """
    if written.strip() in missing:
        return math.nan
    try:
        value = float(written)
    except ValueError:
        if written.strip().lower() in MISSING:
            return math.nan
        cut = written if len(written) <= 40 else written[:39] + "…"
        raise InputError(
            f"{where}: {cut!r} is no number; expected one, or nothing where it is missing (--missing says what else "
            "stands there)"
        ) from None
    if math.isinf(value):
        raise InputError(
            f"{where}: {written.strip()} is infinite; expected a finite number, or nothing where it is missing"
        )
    return value


def is_number(written: str) -> bool:
    """Whether a text spells a number."""
    try:
        float(written)
    except ValueError:
        return False
    return True


def as_table(
    found: Sequence[ReadSeries],
    channels: Sequence[str] | None,
    source: str,
    options: SeriesOptions | None = None,
    notes: Sequence[str] = (),
) -> SeriesTable:
    """Make a table of at least one series; `channels` None names them "1", "2", …

    Raises:
        InputError: a series without steps or channels, with other channels than the first, or without its label where
            others have one; half a character in a name or label; a value beyond LARGEST.

    """
    options = options or SeriesOptions()
    names = tuple(channels or numbered(found[0].values.shape[1]))
    for name in names:
        whole(name, "channels", source)
    found = [each._replace(values=_known(each.values, options.missing)) for each in found]
    for each in found:
        _check(each, names, f"{source}, {each.place}", channels is None)
    unlabelled = [each for each in found if each.label is None]
    if unlabelled and len(unlabelled) < len(found) and options.labelled:
        raise InputError(f"{source}, {unlabelled[0].place}: no label; expected one of every series, or of none")
    notes = [*notes, *_perhaps_marks(found, names, source)]
    fill = options.fill if options.fills_values else None
    values = [filled(each.values, fill or "missing") for each in found]
    if gained := sum(int(np.isnan(each.values).sum()) for each in found) - sum(int(np.isnan(v).sum()) for v in values):
        notes = [*notes, f"{source}: {gained:,} missing values are filled, as --fill {options.fill} says"]
    return SeriesTable(
        values=values,
        names=[each.name for each in found],
        labels=None if unlabelled else [str(each.label) for each in found],
        places=[each.place for each in found],
        lines=[each.lines for each in found],
        clocks=[each.clock for each in found],
        channels=names,
        source=source,
        named=channels is not None,
        notes=tuple(notes),
    )


def _known(values: Values, missing: Sequence[str]) -> Values:
    """The values with NaN, always of the same bits, for those that stand for a missing one."""
    absent = np.isnan(values)
    for each in filter(is_number, missing):
        absent |= values == float(each)
    return np.where(absent, np.nan, values)


def _perhaps_marks(found: Sequence[ReadSeries], channels: Sequence[str], source: str) -> list[str]:
    """Say which number seems to mark what is missing: nines, further from all other values than these lie apart."""
    said = []
    for place, channel in enumerate(channels):
        values = np.concatenate([each.values[:, place] for each in found])
        values = values[~np.isnan(values)]
        for mark in {values.min(), values.max()} & MARKS if len(values) else ():
            others = values[values != mark]
            apart = np.ptp(others) if len(others) else 0
            if 0 < apart < np.abs(others - mark).min():
                count = len(values) - len(others)
                said.append(
                    f"{source}: {mark:g} stands {counted(count, 'time')} in {channel!r}, further from the other values "
                    f"than these lie apart: if it marks a missing one, give --missing {mark:g}"
                )
    return said


def _check(found: ReadSeries, channels: Sequence[str], where: str, counted: bool) -> None:
    whole(found.name, "name", where)
    whole(found.label or "", "label", where)
    steps, count = found.values.shape
    if not steps:
        raise InputError(f"{where}: a series without a step; expected at least one: leave it out")
    if not count:
        raise InputError(f"{where}: a series without a channel; expected at least one")
    if count != len(channels):
        expected = f"{len(channels)}, as the first series has" if counted else f"{len(channels)} ({listed(channels)})"
        raise InputError(f"{where}: a series of {count} channels; expected {expected}")
    for step, channel in np.argwhere(np.abs(found.values) > LARGEST)[:1]:
        value = found.values[step, channel]
        got, expected = "too far from 0", f"at most {LARGEST:g}, in a larger unit"
        if np.isinf(value):
            got, expected = "infinite", "a finite number"
        raise InputError(
            f"{place_of_step(where, found.lines, step, channels[channel])}: {value} is {got}; expected {expected}, or "
            "NaN, null in JSON, where it is missing"
        )
