"""Times as files write them, gaps between them, and what is put there; pandas counts the steps of each frequency."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas
import pytest

from cellwright.data.readers.series import read_series
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.times import days_in, time_of
from cellwright.errors import InputError

FILL = SeriesOptions(fill="missing")


def rows(times, first=0):
    return "time,x\n" + "".join(f"{time},{k}\n" for k, time in enumerate(times, start=first))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("1704067200000000000", "1704067200000000100"),  # as floats they are one
        ("2024-01-01T00:00:00.000000100", "2024-01-01T00:00:00.000000200"),
        ("1949-01", "1949-02"),
        ("1949M12", "1950M01"),
        ("2026-Q4", "2027-Q1"),
        ("2026-W05", "2026-W06"),
        ("2025-12-29/2026-01-04", "2026-01-05/2026-01-11"),
        ("2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00"),
        ("0.1", "1e3"),
        ("9.3.2026", "10.03.2026"),
        ("31.01.2026 23:59", "01.02.2026 0:00"),
        ("2026/9/30 7:30", "2026/10/1 7:30:01.5"),
        ("2026.02.03", "2026.03.02"),
    ],
)
def test_times_of_one_kind_are_compared_exactly(earlier, later):
    before, after = time_of(earlier, "here"), time_of(later, "here")
    assert before.kind == after.kind
    assert before.at < after.at


def test_times_without_a_zone_among_those_with_one_are_said(file):
    path = file("s.csv", rows(["2024-01-01T02:00", "2024-01-01 03:00+0000", "2024-01-01 05:00+01"]))
    assert read_series(path).notes == (
        f"{path}: column 'time' has a zone in '2024-01-01 03:00+0000' and none in '2024-01-01T02:00', which is read as "
        "UTC's time",
    )
    for alike in (["2024-01-01T02:00Z", "2024-01-01T04:00+01:00"], ["2024-01-01", "2024-01-02 00:00"]):
        assert read_series(file("t.csv", rows(alike))).notes == ()


def test_eight_digits_are_a_date_where_all_of_them_are(file):
    days = [f"{day:%Y%m%d}" for day in pandas.date_range("2018-01-30", periods=4)]
    path = file("s.csv", rows(days))
    table = read_series(path)
    assert table.channels == ("x",)
    assert table.notes == (f"{path}: column 'time' is read as dates, as 20180130: year, month, day in each row",)
    gap = read_series(file("gap.csv", rows([*days, "20180210"])), FILL)
    assert len(gap.values[0]) == 12
    assert "steps are 1 day apart, but 8 days lie between lines 5 and 6" in gap.notes[1]
    numbers = read_series(file("numbers.csv", rows(["20180131", "20180132"])))
    assert numbers.notes == ()


@pytest.mark.parametrize("end", ["W-SUN", "W-WED"])
def test_a_weekly_period_is_its_first_day(end):
    for week in pandas.period_range("2025-12-20", periods=3, freq=end):
        assert time_of(str(week), "x") == time_of(str(week.start_time.date()), "x")


@pytest.mark.parametrize(
    "none", ["2026-01-05/2026-01-12", "2026-01-05/2025-12-30", "2026-01-05/", "2026-02-30/2026-03-08"]
)
def test_other_stretches_of_days_are_no_times(none):
    with pytest.raises(InputError, match="is no time; expected a number, a date"):
        time_of(none, "x")


@pytest.mark.parametrize("none", ["18991231", "21000101", "20180229", "2018013", "201801311", "20181301", ""])
def test_other_digits_are_no_date(none):
    assert days_in(["20180131", none]) is None
    assert days_in([]) is None


def test_months_ISO_reduced(file):
    content = "Month,#Passengers\n1949-01,100\n1949-02,118\n1949-03,131\n"
    table = read_series(file("s.csv", content), SeriesOptions(time="Month"))
    assert (table.channels, table.notes) == (("#Passengers",), ())
    assert table.values[0][:, 0].tolist() == [100, 118, 131]


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("31.01.2026", "%d.%m.%Y"),
        ("3.12.2026 7:05", "%d.%m.%Y %H:%M"),
        ("2026/1/31", "%Y/%m/%d"),
        ("2026-1-3 07:05:09", "%Y-%m-%d %H:%M:%S"),
        ("2026.12.03", "%Y.%m.%d"),
    ],
)
def test_dates_of_spreadsheets_are_those_that_strptime_reads(written, form):
    since = datetime.strptime(written, form) - datetime(1970, 1, 1)
    assert time_of(written, "here") == ("date", since // timedelta(microseconds=1) * 1000)


@pytest.mark.parametrize("written", ["01/02/2026", "1-2-2026", "12/31/26", "31/01/2026", "01/02/2026 07:30"])
def test_dates_of_a_form_that_begins_with_the_day_or_with_the_month_are_refused(file, written):
    with pytest.raises(InputError, match=f"line 2, column 'time': dates like '{written}' begin with the day or with"):
        read_series(file("s.csv", rows([written])))


def test_one_day_is_missing_and_one_step_is_put_in(file):
    path = file("s.csv", rows(["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-05"]))
    assert "1 day is missing there; " in read_series(path).notes[0]
    (note,) = read_series(path, FILL).notes
    assert note.endswith("1 day is missing there; 1 step is put in between, as --fill missing says")


@pytest.mark.parametrize("wrong", ["20180132", "2018013", "201801311", "22180131"])
@pytest.mark.parametrize("place", [0, 100, 199])
def test_one_impossible_day_does_not_make_numbers_of_all(file, wrong, place):
    """`20180132` in one of 200 rows: all 200 times were plain numbers, without a word."""
    days = [f"{day:%Y%m%d}" for day in pandas.date_range("2018-01-01", periods=200)]
    days[place] = wrong
    with pytest.raises(InputError, match=rf"line {place + 2}, column 'time': '{wrong}' is no day, and most of the"):
        read_series(file("s.csv", rows(days)), SeriesOptions(sort=True))


def test_times_int_nanoseconds(file):
    start = 1704067200000000000
    table = read_series(file("s.csv", rows(start + 100 * k for k in range(5))))
    assert (len(table.values[0]), table.notes) == (5, ())


def test_times_end_of_DST(file):
    content = "time,y\n2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 02:00,3\n2024-10-27 03:00,4\n"
    path = file("s.csv", content)
    with pytest.raises(
        InputError, match=r"line 4, column 'time': 2024-10-27 02:00 stands twice .* and on line 3; .*off"
    ):
        read_series(path)
    assert len(read_series(path, SeriesOptions(ignore=("time",))).values[0]) == 4
    offsets = content.replace(":00,1", ":00+02:00,1").replace(":00,2", ":00+02:00,2")
    zoned = offsets.replace(":00,3", ":00+01:00,3").replace(":00,4", ":00+01:00,4")
    assert read_series(file("z.csv", zoned)).notes == ()


def test_gap_of_60_days(file):
    days = [str(day.date()) for day in pandas.date_range("2023-01-01", periods=100)]
    path = file("s.csv", rows(days[:20] + days[80:]))
    (note,) = read_series(path).notes
    assert "steps are 1 day apart, but 61 days lie between lines 21 and 22: 60 days are missing there; " in note
    assert note.endswith("--fill missing puts those between in")
    table = read_series(path, FILL)
    assert np.isnan(table.values[0][:, 0]).tolist() == [20 <= day < 80 for day in range(100)]
    assert "60 steps are put in between, as --fill missing says" in table.notes[0]


@pytest.mark.parametrize("frequency", ["h", "D", "W", "MS", "ME", "QS", "YS"])
def test_as_many_steps_are_put_in_as_pandas_counts(file, frequency):
    times = pandas.date_range("2000-01-31", periods=40, freq=frequency)
    kept = [*range(9), *range(30, 40)]
    table = read_series(file("s.csv", rows(times[kept])), FILL)
    assert np.flatnonzero(~np.isnan(table.values[0][:, 0])).tolist() == kept


@pytest.mark.parametrize(("fill", "expected"), [("previous", [0, 0, 0, 3]), ("linear", [0, 1, 2, 3])])
def test_what_is_missing_is_filled_and_counted(file, fill, expected):
    table = read_series(file("s.csv", "time,x\n1,0\n2,?\n4,3\n5,?\n6,?\n"), SeriesOptions(fill=fill))
    series = pandas.Series([0, np.nan, np.nan, 3, np.nan, np.nan])
    independent = series.ffill() if fill == "previous" else series.interpolate(limit_area="inside")
    assert table.values[0][:4, 0].tolist() == expected
    np.testing.assert_array_equal(table.values[0][:, 0], independent)
    assert f"{4 if fill == 'previous' else 2} missing values are filled, as --fill {fill} says" in table.notes[-1]


def test_the_usual_distance_is_that_of_all_series(file):
    content = "series,time,x\n" + "".join(f"a,{k},1\nb,{k + 100 * (k > 2)},1\n" for k in range(6))
    (note,) = read_series(file("s.csv", content)).notes
    assert "steps are 1 apart, but 101 lie between lines 7 and 9: 100 are missing there" in note


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([1, 2, 3, 4, 7.4], "step 5 comes 3.4 usual distances after the one before it; --fill expects"),
        ([1, 2, 3, 40_000], "4 steps lie in the time of 40,000; --fill expects less to fill: is a time wrong"),
    ],
)
def test_times_that_cannot_be_filled_are_refused(file, times, message):
    with pytest.raises(InputError, match=message):
        read_series(file("s.csv", rows(times)), FILL)


def test_rows_are_sorted_on_request_only(file):
    path = file("s.csv", "series,time,x\na,2,20\nb,1,1\na,1,10\na,3,30\n")
    with pytest.raises(
        InputError,
        match=r"line 4, column 'time': 1 does not come after 2 .*: sort the rows by them, as fit --sort does",
    ):
        read_series(path)
    table = read_series(path, SeriesOptions(sort=True))
    assert [values[:, 0].tolist() for values in table.values] == [[10, 20, 30], [1]]
    assert table.notes == (f"{path}: 2 rows are sorted by time, as --sort says",)


def test_a_time_that_stands_twice_is_refused_when_sorted_too(file):
    with pytest.raises(InputError, match="line 4, column 'time': 2 stands twice in this series, here and on line 2"):
        read_series(Path(file("s.csv", "time,x\n2,1\n1,1\n2,1\n")), SeriesOptions(sort=True))


def test_months_of_one_series_and_days_of_another_are_counted_in_days(file):
    months = [f"a,2026-0{k}-01,1" for k in range(1, 6)]
    days = [f"b,2026-01-{k:02},1" for k in (*range(1, 20), 25)]
    (note,) = read_series(file("s.csv", "\n".join(["series,time,x", *days, *months]) + "\n")).notes
    assert "steps are 1 day apart, but 31 days lie between lines" in note


def test_that_there_is_nothing_to_fill_is_said(file):
    path = file("s.csv", rows([1, 2, 3]))
    assert read_series(path, FILL).notes == (
        f"{path}: no step is missing between its times, so that --fill puts none in",
    )
