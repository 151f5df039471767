"""Times of the steps behind a series go on as they were, or are not told."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.readers import clock, json_series
from cellwright.data.readers.clock import clock_of
from cellwright.data.readers.series import read_series
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.times import time_of
from cellwright.errors import InputError


def ahead(written: list[str], steps: int = 2, put_in: int = 0) -> list[str]:
    times = [time_of(each, "here") for each in written]
    count = len(written) + put_in
    return clock_of(times, written[-1], count).ahead(count, steps)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["3", "5", "7"], ["9", "11"]),
        (["9007199254740993", "9007199254740995"], ["9007199254740997", "9007199254740999"]),
        (["0.1", "0.2", "0.3"], ["0.4", "0.5"]),
        (["2026-01-30", "2026-01-31"], ["2026-02-01", "2026-02-02"]),
        (["30.01.2026", "31.01.2026"], ["01.02.2026", "02.02.2026"]),
        (["2026/01/24", "2026/01/31"], ["2026/02/07", "2026/02/14"]),
        (["2026-12-31 22:00", "2026-12-31 23:00"], ["2027-01-01 00:00", "2027-01-01 01:00"]),
        (["2026-01-31T23:15:00Z", "2026-01-31T23:30:00Z"], ["2026-01-31T23:45:00Z", "2026-02-01T00:00:00Z"]),
        (["2026-01-31T00:00+02:00", "2026-01-31T01:00+02:00"], ["2026-01-31T02:00+02:00", "2026-01-31T03:00+02:00"]),
        (["2025-12-31", "2026-01-31", "2026-02-28"], ["2026-03-31", "2026-04-30"]),
        (["2025-12-15", "2026-01-15", "2026-02-15"], ["2026-03-15", "2026-04-15"]),
        (["2026-11", "2026-12"], ["2027-01", "2027-02"]),
        (["2026M11", "2026M12"], ["2027M01", "2027M02"]),
        (["2026-Q3", "2026-Q4"], ["2027-Q1", "2027-Q2"]),
        (["2026-W52", "2026-W53"], ["2027-W01", "2027-W02"]),
        (["2026-01-31", "2026-01-31T12:00:00"], ["2026-02-01T00:00:00", "2026-02-01T12:00:00"]),
        (["2026-01-31T12:00", "2026-02-01"], ["2026-02-01T12:00:00", "2026-02-02T00:00:00"]),
        (["31.1.2026 7:30", "31.1.2026 7:45"], ["2026-01-31T08:00:00", "2026-01-31T08:15:00"]),
        (["30.1.2026", "31.1.2026"], ["2026-02-01", "2026-02-02"]),
        (["2026-01-19/2026-01-25", "2026-01-26/2026-02-01"], ["2026-02-02", "2026-02-09"]),
        (["2026-W52-3", "2026-W53-3"], ["2027-W01-3", "2027-W02-3"]),
        (["1704067200.25", "1704067200.375"], ["1704067200.5", "1704067200.625"]),
        (["1704067200.1", "1704067200.2", "1704067200.3"], ["1704067200.4", "1704067200.5"]),
        (["1704067201233.0", "1704067201234.0"], ["1704067201235", "1704067201236"]),
    ],
    ids=lambda each: each[-1],
)
def test_even_times_go_on_as_they_are_spelled(written: list[str], expected: list[str]) -> None:
    assert ahead(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        ["2026-01-01"],
        ["2026-01-01", "2026-01-02", "2026-01-05"],
        ["1", "2", "4"],
        ["9999-12-30", "9999-12-31"],
        ["9999-11", "9999-12"],
        ["1000000000", "2000000000", "3000000001"],
        ["2026-01-01T00:00:00.000000001", "2026-01-01T00:00:00.000000002"],
    ],
    ids=lambda each: each[-1],
)
def test_what_does_not_tell_is_not_told(written: list[str]) -> None:
    assert ahead(written) == []


def test_one_gap_among_many_steps_with_decimals_is_uneven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "NEARLY", 0.01)  # as 1e-6 is to millions of steps
    assert ahead([str(0.5 * (step + (step > 9))) for step in range(300)]) == []


def test_steps_that_are_put_in_count() -> None:
    assert ahead(["2026-01-01", "2026-01-02", "2026-01-05"], put_in=2) == ["2026-01-06", "2026-01-07"]


@given(st.dates(date(1000, 1, 1), date(9000, 1, 1)), st.integers(1, 27), st.integers(2, 9), st.integers(1, 9))
def test_days_are_those_of_the_calendar(first: date, apart: int, told: int, steps: int) -> None:
    days = [str(first + timedelta(days=apart * k)) for k in range(told + steps)]
    assert ahead(days[:told], steps) == days[told:]


def test_each_series_of_a_file_has_its_own(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("series,time,x\na,2026-01-01,1\nb,2026-02-01,1\na,2026-01-02,2\nb,2026-02-08,2\nb,2026-02-09,3\n")
    first, second = read_series(path).clocks
    assert first is not None
    assert second is not None
    assert (first.ahead(2, 1), second.ahead(3, 1)) == (["2026-01-03"], [])
    _, filled = read_series(path, SeriesOptions(fill="missing")).clocks
    assert filled is not None
    assert filled.ahead(9, 1) == ["2026-02-10"]


def test_json_says_them_and_takes_them_back() -> None:
    line = '{"name": "a", "values": [[1.0], [2.0]], "ahead": ["Monday", "Tuesday"]}'
    table = json_series.parse([line], "series")
    (clock,) = table.clocks
    assert clock is not None
    assert clock.ahead(2, 2) == ["Monday", "Tuesday"]
    assert json_series.dump(table, [clock.ahead(2, 2)]) == [line]
    with pytest.raises(InputError, match="series, line 1: 2 times ahead; expected 3, one a step to forecast"):
        clock.ahead(2, 3)
    with pytest.raises(InputError, match='"ahead" is 3; expected a list of texts'):
        json_series.parse(['{"values": [1], "ahead": 3}'], "series")
