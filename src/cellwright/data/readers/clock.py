"""When the steps behind a series come: where its times are evenly apart, they go on, spelled as the last one is."""

import calendar
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from itertools import pairwise

from cellwright.data.readers.times import Time, date_of, has_zone, in_one_unit

_ZONE = re.compile(r"(Z|[+-]\d{2}(:?\d{2})?)$", re.IGNORECASE)
DAY = 86_400 * 10**9
_CLOCKS = {"": DAY, "T%H:%M": DAY // 1440, " %H:%M": DAY // 1440, "T%H:%M:%S": 10**9, " %H:%M:%S": 10**9}
"""How a clock is spelled behind a date, each with the nanoseconds that it does not say less than."""
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d")
NEARLY = 1e-6
"""Of a step, by which times with decimals may differ from even ones, as those are no sums of powers of two."""


@dataclass(frozen=True)
class EvenClock:
    """Of a series whose steps are evenly apart in time."""

    step: int
    """Its last one, from 0."""
    last: Time
    """That step's time."""
    written: str
    """The same as the file has it."""
    apart: int | float
    """From a step to the next: nanoseconds, or months or quarters as `in_months` and `last` say, or a number. Whole
    except of numbers with decimals."""
    in_months: bool = False
    """Whether dates stand on one day of the month, or at its end."""
    at_end: bool = False
    """The latter."""

    def ahead(self, present: int, steps: int) -> list[str]:
        """When the steps from number `present` on come; none where a date lies beyond the year 9999."""
        try:
            return [self._spelled((present + k - self.step) * self.apart) for k in range(steps)]
        except (OverflowError, ValueError):
            return []

    def _spelled(self, later: int | float) -> str:
        kind, at = self.last
        if kind == "number":
            return f"{at + later:.15g}" if isinstance(at + later, float) else str(at + later)
        if kind in ("month", "quarter"):
            year, place = divmod(int(at + later), 12 if kind == "month" else 4)
            if year > MAXYEAR:
                raise OverflowError(f"year {year}")
            between = "".join(re.findall(r"\D", self.written))
            return f"{year:04}{between}{place + 1:0{2 if kind == 'month' else 1}}"
        date = date_of(self.last)
        return self._as_written(self._month_of(date, int(later)) if self.in_months else _later(date, int(later)))

    def _month_of(self, date: datetime, months: int) -> datetime:
        year, month = divmod(12 * date.year + date.month - 1 + months, 12)
        day = calendar.monthrange(year, month + 1)[1] if self.at_end else date.day
        return date.replace(year=year, month=month + 1, day=day)

    def _as_written(self, date: datetime) -> str:
        """As the last time is spelled, if that is usual and says enough; else as ISO 8601 has it, days as dates."""
        written, zone, local = self.written, "", date_of(self.last)
        if has_zone(written) and (found := _ZONE.search(written)):
            written, zone = written[: found.start()], found[0]
            shift = datetime.fromisoformat(f"2000-01-01T00:00{zone.upper()}").utcoffset() or timedelta()
            date, local = date + shift, local + shift
        style = self._style(local, written)
        if style is None and not zone and ":" not in written and (self.in_months or self.apart % DAY == 0):
            style = _DATES[0]
        return (date.strftime(style) if style else date.isoformat()) + zone

    def _style(self, local: datetime, written: str) -> str | None:
        """How the last time is spelled, if that says those that follow too."""
        weeks = ["%G-W%V", "%G-W%V-%u"] if self.apart % (7 * DAY) == 0 else []
        usual = [date + clock for clock, unit in _CLOCKS.items() if self.in_months or self.apart % unit == 0
                 for date in _DATES]  # fmt: skip
        return next((style for style in [*usual, *weeks] if local.strftime(style) == written), None)


@dataclass(frozen=True)
class UnevenClock:
    """Of a series whose times do not tell when the next step comes."""

    def ahead(self, present: int, steps: int) -> list[str]:
        """None."""
        return []


def clock_of(times: Sequence[Time], written: str, steps: int) -> EvenClock | UnevenClock:
    """When the steps behind a series come.

    Args:
        times: of its steps, rising.
        written: the last of them, as the file has it.
        steps: of the series, with those that are put in where time is missing.

    """
    dated, counted = times[0].kind == "date", times
    if dated and min(_apart(times), default=0) > 27 * DAY:  # which a series of hours need not be asked
        counted = in_one_unit([times])[0]
    in_months = dated and counted[0].kind == "month"
    if dated and any(time.at % 1000 for time in times):  # Python has no date so fine
        return UnevenClock()
    apart = _even(counted, steps)
    if apart is None:
        return UnevenClock()
    at_end = in_months and all(_at_end(date_of(time)) for time in times)
    return EvenClock(steps - 1, times[-1], written, apart, in_months, at_end)


def _even(times: Sequence[Time], steps: int) -> int | float | None:
    """From each of so many steps to the next, some of which may be put in between these times; None of uneven ones."""
    lengths = _apart(times)
    if not lengths:
        return None
    if all(isinstance(length, int) for length in lengths):
        apart, rest = divmod(sum(lengths), steps - 1)
        return None if rest or any(length % apart for length in lengths) else apart
    apart = (times[-1].at - times[0].at) / (steps - 1)
    nearly = NEARLY + math.ulp(max(abs(times[0].at), abs(times[-1].at))) / apart
    counts = [round(length / apart) for length in lengths]
    near = all(abs(length / apart - count) <= nearly for length, count in zip(lengths, counts, strict=True))
    return apart if near and sum(counts) == steps - 1 and min(counts) > 0 else None


def _apart(times: Sequence[Time]) -> list[int | float]:
    return [after.at - before.at for before, after in pairwise(times)]


def _at_end(date: datetime) -> bool:
    return date.day == calendar.monthrange(date.year, date.month)[1]


def _later(date: datetime, nanoseconds: int) -> datetime:
    return date + timedelta(microseconds=nanoseconds // 1000)
