"""Times of series: do they rise, where is more time between two steps than usual, and what takes its place.

1 Jan  2 Jan  3 Jan  7 Jan        usually 1 day apart; before the last, 3 steps are missing
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from cellwright.data.readers.numbers import ReadSeries
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.sheet import Sheet
from cellwright.data.readers.times import Time, in_one_unit, length_of
from cellwright.data.wording import counted
from cellwright.errors import InputError

MUCH = 1.5
"""So many usual distances between two steps are a gap: a month's days and an hour of daylight saving are none."""
UNEVEN = 0.25
"""Of a usual distance; times further from whole ones have no steps to be counted between them."""
MOST_FILLED = 100
"""Steps put in for each one that is there: more is a time that is wrong."""


class Gap(NamedTuple):
    """More time than usual between two steps."""

    series: int
    step: int
    """The one before it, from 0."""
    length: float


def sorted_by_time(found: Sequence[ReadSeries]) -> tuple[list[ReadSeries], int]:
    """The series with their steps in the order of their times, and how many stood elsewhere."""
    made, moved = [], 0
    for each in found:
        order = sorted(range(len(each.times)), key=lambda step: each.times[step].at)
        moved += sum(step != place for place, step in enumerate(order))
        times, lines = [each.times[k] for k in order], [each.lines[k] for k in order]
        made.append(each._replace(values=each.values[order], times=times, lines=lines))
    return made, moved


def check_rising(found: Sequence[ReadSeries], sheet: Sheet, place: int, likely: str | None) -> None:
    """Raise InputError at the first time, in that column, that does not follow the one before it.

    likely: the column that seems to tell series apart.
    """
    named = "name the column of the series with --series" + (f", {likely} as it seems" if likely else "")
    written = {line: fields[place].strip() for line, fields in sheet.rows}
    for each in found:
        for step, (before, after) in enumerate(pairwise(each.times), start=1):
            there, here = each.lines[step - 1], each.lines[step]
            if after.at == before.at:
                raise InputError(
                    f"{sheet.where(here, place)}: {written[here]} stands twice in this series, here and on "
                    f"{sheet.unit} {there}; expected each time once: write the hour that comes twice when clocks go "
                    f"back with its offset (02:00+01:00), {named}, or go by the order of the rows with "
                    f"--ignore {sheet.names[place]} (of a run: --column ignore=NAME)"
                )
            if after.at < before.at:
                raise InputError(
                    f"{sheet.where(here, place)}: {written[here]} does not come after {written[there]} of the row "
                    "before in this series; expected rising times: sort the rows by them, as fit --sort does, or "
                    f"{named}"
                )


def without_gaps(
    found: Sequence[ReadSeries], source: str, options: SeriesOptions
) -> tuple[list[ReadSeries], list[str]]:
    """Say where time is missing, and put steps there where `--fill` says so. Raises InputError.

    Returns the series, the steps that were put in as missing values, and sentences for the user.
    """
    times = in_one_unit([each.times for each in found])
    apart = [[after.at - before.at for before, after in pairwise(each)] for each in times]
    every = sorted(step for each in apart for step in each)
    if not every:
        return list(found), []
    usual = every[len(every) // 2]
    gaps = [
        Gap(row, step, length)
        for row, each in enumerate(apart)
        for step, length in enumerate(each)
        if length > MUCH * usual
    ]
    if not gaps:
        note = f"{source}: no step is missing between its times, so that --fill puts none in"
        return list(found), [note] if options.fill == "missing" else []
    said = _said(found, source, gaps, times, usual)
    if options.fill is None:
        return list(found), [
            f"{said}; the steps are read as following each other: fit --fill missing puts those between in"
        ]
    filled = [_filled(each, apart[row], usual, f"{source}, {each.place}") for row, each in enumerate(found)]
    put_in = sum(len(each.values) for each in filled) - sum(len(each.values) for each in found)
    steps = f"{counted(put_in, 'step')} {'is' if put_in == 1 else 'are'}"
    return filled, [f"{said}; {steps} put in between, as --fill {options.fill} says"]


def _said(found: Sequence[ReadSeries], source: str, gaps: list[Gap], times: list[list[Time]], usual: float) -> str:
    widest = max(gaps, key=lambda gap: gap.length)
    kind, lines = times[widest.series][0].kind, found[widest.series].lines
    unit = found[widest.series].place.partition(" ")[0]  # as in "line 7"
    between = (
        f"{unit}s {lines[widest.step]} and {lines[widest.step + 1]}"
        if lines
        else f"steps {widest.step + 1} and {widest.step + 2} of {found[widest.series].place}"
    )
    times_more = f", the widest of {len(gaps):,} gaps" if len(gaps) > 1 else ""
    missing = length_of(kind, widest.length - usual)
    return (
        f"{source}: steps are {length_of(kind, usual)} apart, but {length_of(kind, widest.length)} lie between "
        f"{between}{times_more}: {missing} {'is' if missing.partition(' ')[0] == '1' else 'are'} missing there"
    )


def _filled(found: ReadSeries, apart: Sequence[float], usual: float, where: str) -> ReadSeries:
    """The series with a step, of missing values, for each that its times leave out."""
    counts = [length / usual for length in apart]
    for step, count in enumerate(counts):
        if abs(count - round(count)) > UNEVEN:
            raise InputError(
                f"{where}: step {step + 2} comes {count:.3g} usual distances after the one before it; --fill expects "
                "times that are even: leave it out, or bring them to even ones first"
            )
    places = np.cumsum([0, *(max(1, round(count)) for count in counts)])
    if places[-1] > MOST_FILLED * len(found.values):
        raise InputError(
            f"{where}: {len(found.values):,} steps lie in the time of {places[-1] + 1:,}; --fill expects less to fill: "
            "is a time wrong?"
        )
    values = np.full((int(places[-1]) + 1, found.values.shape[1]), np.nan)
    values[places] = found.values
    return found._replace(values=values, times=(), lines=())
