"""Numbers as files spell them, and the checks that hold of series in every format."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cellwright.data.readers.values import listed, whole
from cellwright.data.series import SeriesTable, Values
from cellwright.errors import InputError

MISSING = frozenset({"", "?", "nan", "na", "n/a", "null", "none"})
"""What stands for a value that is missing, in small letters."""

LARGEST = 1e30
"""No value of a series lies further from 0: its square is a float64 by far, and itself a float32, as in ONNX."""


class Found(NamedTuple):
    """A series as a reader found it."""

    name: str
    values: Values
    """Steps by channels (T, C), NaN where missing."""
    label: str | None
    place: str
    """As in "line 7"."""


def number(written: str, where: str) -> float:
    """Return the number, NaN for a missing one. Raises InputError, beginning with `where`, for anything else."""
    try:
        value = float(written)
    except ValueError:
        if written.strip().lower() in MISSING:
            return math.nan
        cut = written if len(written) <= 40 else written[:39] + "…"
        raise InputError(f"{where}: {cut!r} is no number; expected one, or nothing where it is missing") from None
    if math.isinf(value):
        raise InputError(
            f"{where}: {written.strip()} is infinite; expected a finite number, or nothing where it is missing"
        )
    return value


def as_table(found: Sequence[Found], channels: Sequence[str] | None, source: str) -> SeriesTable:
    """Make a table of at least one series; `channels` None names them "1", "2", …

    Raises:
        InputError: a series without steps or channels, with other channels than the first, or without its label where
            others have one; half a character in a name or label; a value beyond LARGEST.

    """
    names = tuple(channels or (str(k + 1) for k in range(found[0].values.shape[1])))
    for name in names:
        whole(name, "channels", source)
    for each in found:
        _check(each, names, f"{source}, {each.place}", channels is None)
    unlabelled = [each for each in found if each.label is None]
    if unlabelled and len(unlabelled) < len(found):
        raise InputError(f"{source}, {unlabelled[0].place}: no label; expected one of every series, or of none")
    return SeriesTable(
        values=[np.where(np.isnan(each.values), np.nan, each.values) for each in found],  # every NaN the same bits
        names=[each.name for each in found],
        labels=None if unlabelled else [str(each.label) for each in found],
        places=[each.place for each in found],
        channels=names,
        source=source,
    )


def _check(found: Found, channels: Sequence[str], where: str, counted: bool) -> None:
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
            f"{where}, step {step + 1}, channel {channels[channel]!r}: {value} is {got}; expected {expected}, or "
            "NaN, null in JSON, where it is missing"
        )
