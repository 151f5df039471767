"""Series in CSV: what is read, and what is refused with its line and column; pandas is the independent reader."""

import io
import re

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.readers.numbers import LARGEST
from cellwright.data.readers.series import read_series
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.errors import InputError

TWO = "series,time,x,y,label\na,1,0.5,2,good\nb,1,7,8,bad\na,2,,3,good\nb,2.5,9,?,bad\na,3,0.25,NaN,good\n"


def test_rows_of_a_series_follow_each_other_and_missing_values_are_nan(file):
    table = read_series(file("s.csv", TWO))
    assert (table.names, table.labels, table.channels) == (["a", "b"], ["good", "bad"], ("x", "y"))
    np.testing.assert_array_equal(table.values[0], [[0.5, 2], [np.nan, 3], [0.25, np.nan]])
    np.testing.assert_array_equal(table.values[1], [[7, 8], [9, np.nan]])
    assert table.where(1).endswith("s.csv, line 3")


def test_a_file_without_names_and_times_is_one_series(file):
    table = read_series(file("s.csv", "x\n1\n2\n"))
    assert (len(table), table.channels, table.labels) == (1, ("x",), None)
    np.testing.assert_array_equal(table.values[0], [[1], [2]])


def test_columns_by_other_names_and_dates(file):
    path = file("s.tsv", "day\twho\tx\n2026-01-01\ta\t1\n2026-01-02T12:00\ta\t2\n2026-01-03T00:00Z\ta\t3\n")
    table = read_series(path, SeriesOptions(series="who", time="day"))
    assert (table.names, table.channels) == (["a"], ("x",))


_numbers = st.one_of(st.floats(-LARGEST, LARGEST), st.just(float("nan")))


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(st.sampled_from("abc"), _numbers, _numbers), min_size=1, max_size=12))
def test_agrees_with_pandas(tmp_path_factory, rows):
    content = "series,x,y\n" + "".join(f"{name},{x!r},{y!r}\n" for name, x, y in rows)
    path = tmp_path_factory.mktemp("csv") / "s.csv"
    path.write_text(content)
    groups = pandas.read_csv(io.StringIO(content), float_precision="round_trip").groupby("series", sort=False)
    table = read_series(path)
    assert table.names == [name for name, _ in groups]
    for values, (_, group) in zip(table.values, groups, strict=True):
        np.testing.assert_array_equal(values, group[["x", "y"]].to_numpy(dtype=float))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x\n1\ninf\n", ", line 3, column 'x': inf is infinite; expected a finite number, or nothing where"),
        ("x,y\n1,2\n1,-1e999\n", ", line 3, column 'y': -1e999 is infinite"),
        ("x\n1\ntwo\n", ", line 3, column 'x': 'two' is no number"),
        ("x,y\n1,2\n3\n", ", line 3: 1 fields; expected 2"),
        (
            "series,x\na,1\n,2\n",
            ", line 3, column 'series': empty; expected the name of a series in each row, or in none",
        ),
        ("time,x\n2,1\n1,1\n", ", line 3, column 'time': 1 does not come after 2 of the row before in this series"),
        (
            "time,x\n2,1\n2,1\n",
            ", line 3, column 'time': 2 stands twice in this series, here and on line 2; expected each time once",
        ),
        ("time,x\nnan,1\n", ", line 2, column 'time': 'nan' is no time"),
        ("time,x\nnoon,1\n", ", line 2, column 'time': 'noon' is no time; expected a number, a date such as"),
        (
            "time,x\n0001-01-01T00:00+14:00,1\n",
            ", line 2, column 'time': '0001-01-01T00:00+14:00' is no time; expected",
        ),
        ("time,x\n1,1\n2026-01-01,1\n", ", line 3, column 'time': '2026-01-01' among '1'; expected numbers only"),
        ("series,x,label\na,1,p\na,2,q\n", ", line 3: label 'q', and 'p' on line 2 of the same series"),
        ("series,x,label\na,1,p\nb,2,\n", ", line 3: no label; expected one of every series, or of none"),
        ("series,time\na,1\n", ", line 1: no column of values beside 'series', 'time'"),
        ("x,x\n1,1\n", ", line 1: column 'x' stands 2 times (1 and 2)"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_column(file, content, message):
    path = file("s.csv", content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}{re.escape(message)}"):
        read_series(path)


def test_a_column_that_is_named_must_be_there(file):
    with pytest.raises(
        InputError, match="line 1: no column 'who'; the columns are 'x': name yours with --series, --time"
    ):
        read_series(file("s.csv", "x\n1\n"), SeriesOptions(series="who"))


def test_remarks_in_a_column_without_a_name_are_no_channel(file):
    table = read_series(path := file("s.csv", "time,x,\n1,2,\n2,3,see mail\n"))
    assert (table.values[0].tolist(), table.channels) == ([[2.0], [3.0]], ("x",))
    assert any(note.startswith(f"{path}, line 3: 'see mail' in the last column, left out") for note in table.notes)


def test_empty_rows_below_a_table_are_no_steps(file):
    path = file("s.csv", "time;x;y\n1;2;3\n;;\n2;;5\n ;;\n")
    table = read_series(path)
    assert (table.values[0][:, 1].tolist(), len(table.values)) == ([3, 5], 1)
    assert f"{path}: 2 empty rows left out, the first on line 3" in table.notes
    assert len(read_series(file("order.csv", "x,y\n1,2\n,\n3,4\n")).values[0]) == 3  # nothing but its place tells it
    with pytest.raises(InputError, match="line 2, column 'time': '' is no time"):
        read_series(file("blank.csv", "time,x\n,\n,\n"))
    with pytest.raises(InputError, match="line 3, column 'time': '' is no time"):
        read_series(file("some.csv", "time,x\n1,1\n,2\n"))
