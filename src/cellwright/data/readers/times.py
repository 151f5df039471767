"""Times of steps as files write them, each as a number that can be compared and subtracted exactly.

17, 0.5, 1704067200000000100      numbers; whole ones stay whole, beyond 2^53 too
2026-01-31, 2026-01-31T12:00Z     dates as ISO 8601 writes them, to the nanosecond; 2026-W05 is its Monday
31.01.2026, 2026/1/31 7:30        dates as spreadsheets write them: the day first between points, the year first
2026-01-26/2026-02-01             seven days as pandas writes a weekly period, which are the first of them
2026-01, 2026-Q1                  months and quarters
20260131                          a date, where most times of a file are such dates, and all must be; else a number

01/02/2026 is in January or in February, depending on who reads it, and refused.
"""

import calendar
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite
from typing import Literal, NamedTuple

from cellwright.errors import InputError

Kind = Literal["number", "date", "month", "quarter"]

_EPOCH = datetime(1970, 1, 1)
_DAY = re.compile(r"(?:19|20)\d{6}")
_WHOLE = re.compile(r"[+-]?\d+")
_MONTH = re.compile(r"(\d{4})[-M](\d{2})")
_QUARTER = re.compile(r"(\d{4})-?Q([1-4])")
_WEEK = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{4}-\d{2}-\d{2})")
_CLOCK = r"(?:[ T]+(?P<hour>\d{1,2})(?P<rest>:\d{2}.*))?"
_DAY_FIRST = re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d{{4}}){_CLOCK}")
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}}){_CLOCK}")
_EITHER_FIRST = re.compile(r"\d{1,2}([-/])\d{1,2}\1\d{2,4}\b.*")
_ZONE = re.compile(r".*\d[T ].*(Z|[+-]\d{2}(:?\d{2})?)", re.IGNORECASE)
_BEYOND_MICROSECONDS = re.compile(r"(?<=\.\d{6})\d+")
_UNITS = ((86_400 * 10**9, "day"), (3600 * 10**9, "hour"), (60 * 10**9, "minute"), (10**9, "second"))
EXPECTED = "a number, a date such as 2026-01-31, 2026-01-31T12:00 or 31.01.2026, a month 2026-01, a quarter 2026-Q1"

WITHOUT = "leave the column out with --ignore (of a run: --column ignore=NAME) and go by the order of the rows"


class Time(NamedTuple):
    """When a step was: nanoseconds of a date, months, quarters, or a number as it is."""

    kind: Kind
    at: int | float


class Days(NamedTuple):
    """Cells of which more than half are dates of the years 1900 to 2099 written as eight digits."""

    first: str
    """Of the dates."""
    odd: int | None
    """The place of the first cell that is none, such as 20180132."""


def days_in(cells: Sequence[str]) -> Days | None:
    """Return what cells of such dates are; None of any others.

    >>> days_in(["20180131", "20180201", "20180232"]), days_in(["20180131", "20180132"])
    (Days(first='20180131', odd=2), None)
    """
    found = [_DAY.fullmatch(cell) is not None and _date(cell) is not None for cell in cells]
    count = sum(found)
    if 2 * count <= len(cells):
        return None
    return Days(cells[found.index(True)], None if count == len(cells) else found.index(False))


def time_of(written: str, where: str, *, days: bool = False) -> Time:
    """Return the time; days: whether it is one of `days_in`. Raises InputError, beginning with `where`, for none."""
    found = (None if days else _number(written)) or _period(written) or _date(written)
    if found is None and _EITHER_FIRST.fullmatch(written):
        raise InputError(
            f"{where}: dates like {written!r} begin with the day or with the month, depending on who writes; expected "
            f"the year first, as in 2026-01-31: write the dates so, or {WITHOUT}"
        )
    if found is None:
        raise InputError(f"{where}: {written!r} is no time; expected {EXPECTED}")
    return found


def is_time(written: str) -> bool:
    """Whether a text that is no number is a date, week, month or quarter, one with the day or the month first too."""
    return any((_period(written), _date(written), _EITHER_FIRST.fullmatch(written)))


def has_zone(written: str) -> bool:
    """Whether a date says how far its clock is from UTC."""
    return _ZONE.fullmatch(written) is not None


def length_of(kind: Kind, difference: float) -> str:
    """A difference of two times, for people.

    >>> length_of("date", 5_184_000_000_000_000), length_of("month", 1), length_of("number", 2.5)
    ('60 days', '1 month', '2.5')
    """
    if kind == "number":
        return f"{difference:g}" if isinstance(difference, float) else f"{difference}"
    if kind == "date":
        size, unit = next((each for each in _UNITS if difference >= each[0]), _UNITS[-1])
        return _counted(difference / size, unit)
    return _counted(difference, kind)


def in_one_unit(series: Sequence[Sequence[Time]]) -> list[list[Time]]:
    """The times of each series, in months where all of them stand on one day of the month, or at its end.

    The distances of such dates in days differ, and the steps between them are to be counted.
    """
    several = [times for times in series if len(times) > 1]
    if several and all(map(_monthly, several)):
        return [[_month(time) for time in times] if len(times) > 1 else [] for times in series]
    return [list(times) for times in series]


def _monthly(times: Sequence[Time]) -> bool:
    if times[0].kind != "date":
        return False
    dates = [date_of(time) for time in times]
    apart = min((after - before for before, after in pairwise(dates)), default=timedelta())
    at_midnight = all(date == date.replace(hour=0, minute=0, second=0, microsecond=0) for date in dates)
    same_day = len({date.day for date in dates}) == 1
    at_end = all(date.day == calendar.monthrange(date.year, date.month)[1] for date in dates)
    return apart >= timedelta(days=28) and at_midnight and (same_day or at_end)


def _month(time: Time) -> Time:
    date = date_of(time)
    return Time("month", 12 * date.year + date.month - 1)


def date_of(time: Time) -> datetime:
    """The date, without its zone, which is UTC, and to the microsecond."""
    return _EPOCH + timedelta(microseconds=time.at // 1000)


def _number(written: str) -> Time | None:
    if _WHOLE.fullmatch(written) and len(written) < 40:  # int() refuses thousands of digits
        return Time("number", int(written))
    try:
        value = float(written)
    except ValueError:
        return None
    return Time("number", value) if isfinite(value) else None


def _period(written: str) -> Time | None:
    if (found := _MONTH.fullmatch(written)) and 1 <= int(found[2]) <= 12:
        return Time("month", 12 * int(found[1]) + int(found[2]) - 1)
    if found := _QUARTER.fullmatch(written):
        return Time("quarter", 4 * int(found[1]) + int(found[2]) - 1)
    return _week(written)


def _week(written: str) -> Time | None:
    found = _WEEK.fullmatch(written)
    first, last = (_date(found[1]), _date(found[2])) if found else (None, None)
    return first if first and last and last.at - first.at == 6 * _UNITS[0][0] else None


def _date(written: str) -> Time | None:
    written = _as_iso(written)
    beyond = _BEYOND_MICROSECONDS.search(written)  # which Python's reader drops
    try:
        date = datetime.fromisoformat(_BEYOND_MICROSECONDS.sub("", written))
        # Python compares no date with a zone to one without.
        date = date if date.tzinfo is None else date.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):  # a zone may lead out of the years 1 to 9999
        return None
    nanoseconds = int(f"{beyond[0]:0<3.3}") if beyond else 0
    return Time("date", (date - _EPOCH) // timedelta(microseconds=1) * 1000 + nanoseconds)


def _as_iso(written: str) -> str:
    """A date in the order of a spreadsheet as ISO 8601 writes it; anything else as it is."""
    found = _DAY_FIRST.fullmatch(written) or _YEAR_FIRST.fullmatch(written)
    if found is None:
        return written
    date = f"{found['year']}-{found['month']:0>2}-{found['day']:0>2}"
    return date if found["hour"] is None else f"{date}T{found['hour']:0>2}{found['rest']}"


def _counted(count: float, one: str) -> str:
    return f"{count:g} {one if count == 1 else one + 's'}"
