"""Which columns are read, what stands for a missing value, and the same columns from every format."""

import numpy as np
import pandas
import pytest

from cellwright.data.readers.series import read_series
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.errors import InputError

STATIONS = "time,station,y,z\n1,Riverside,3.5,0\n2,Riverside,4.5,0\n"


def test_station_column(file):
    path = file("s.csv", STATIONS)
    with pytest.raises(
        InputError, match=r"column 'station': words throughout, the first 'Riverside'; .* --ignore station"
    ):
        read_series(path)
    assert read_series(path, SeriesOptions(ignore=("station",))).channels == ("y", "z")
    assert read_series(path, SeriesOptions(series="station")).names == ["Riverside"]
    table = read_series(path, SeriesOptions(values=("y",)))
    assert (table.channels, table.values[0].tolist()) == (("y",), [[3.5], [4.5]])
    assert table.notes == (f"{path}: columns that are not read: 'station', 'z'",)


BASINS = "basin,time,flow\n" + "".join(f"{code},{day},{day}.5\n" for code in (101, 205) for day in range(4))


def test_codes_in_blocks_are_doubted_with_the_option_to_give(file):
    untimed = BASINS.replace("time", "day")
    table = read_series(file("s.csv", untimed))
    assert table.channels == ("basin", "day", "flow")
    assert any("column 'basin' stand in a block each" in note and "give --series basin" in note for note in table.notes)
    assert len(read_series(file("s.csv", untimed), SeriesOptions(series="basin"))) == 2
    for said in (
        SeriesOptions(values=("basin", "flow")),
        SeriesOptions(series="basin"),
        SeriesOptions(ignore=("basin",)),
    ):
        assert not [note for note in read_series(file("s.csv", untimed), said).notes if "in a block" in note]
    with pytest.raises(InputError, match=r"column of the series with --series, basin as it seems"):
        read_series(file("t.csv", BASINS))


@pytest.mark.parametrize(
    "column", [(1, 1, 1, 1), (1, 1, 1, 2), (1, 1, 2, 2, 1, 1), (0.5, 0.5, 0.5, 1, 1, 1), (1, 2, 1, 2)]
)
def test_measured_values_are_not_doubted(file, column):
    rows = "".join(f"{value},{k}.25\n" for k, value in enumerate(column))
    assert read_series(file("s.csv", f"level,flow\n{rows}")).notes == ()


def test_one_series_of_a_run_on_several_needs_no_name(file):
    options = SeriesOptions(series="basin").of_further(("rain", "flow"))
    path = file("s.csv", "time,rain,flow\n1,3,0.5\n2,4,0.25\n")
    with pytest.raises(InputError, match="no column 'basin'"):
        read_series(path, options)
    table = read_series(path, options._replace(alone=()))
    assert (len(table), table.channels) == (1, ("rain", "flow"))
    assert table.notes == (f"{path}: no column 'basin', which names the series of the run: read as one",)
    named = file("n.csv", "time,gauge,rain,flow\n1,7,3,0.5\n1,8,4,0.25\n")  # which may be the name
    with pytest.raises(InputError, match="no column 'basin'"):
        read_series(named, options._replace(alone=()))


def test_a_series_a_row_with_words_for_labels_is_told_its_format(file):
    path = file("s.tsv", "cat\t0.5\t1.5\ndog\t0.25\t2.5\ndog\t0.75\t3\n")
    with pytest.raises(InputError, match=r"words throughout, .*; where each line is a series .* --format ucr"):
        read_series(path)
    assert read_series(path, format="ucr").labels == ["cat", "dog", "dog"]
    with pytest.raises(InputError, match=r"one label in all rows of a series: .* --format ucr and no line of names"):
        read_series(file("h.csv", "label,t1,t2\na,1,2\nb,3,4\n"))


@pytest.mark.parametrize("first", ["0", "2026-01-31"])
def test_a_first_column_without_a_name_is_no_channel_and_that_is_said(file, first):
    """pandas and R write the numbers of the rows, or their dates, under no name; they were learned as a channel."""
    path = file("s.csv", f",y\n{first},3.5\n1,4.5\n")
    table = read_series(path)
    assert (table.channels, table.values[0].tolist()) == (("y",), [[3.5], [4.5]])
    assert table.notes == (
        f"{path}: column 1, which begins with '{first}', has no name and is not read: give it one, such as time, where "
        "it is to be",
    )


def test_a_column_of_dates_in_eight_digits_is_no_number_unless_it_is_named(file):
    path = file("s.csv", "date,y\n20180131,3.5\n20180201,4.5\n")
    with pytest.raises(InputError, match=r"line 2, column 'date': dates throughout, the first 20180131; .*--time date"):
        read_series(path)
    assert read_series(path, SeriesOptions(time="date")).channels == ("y",)
    assert read_series(path, SeriesOptions(ignore=("date",))).channels == ("y",)
    assert read_series(path, SeriesOptions(values=("date", "y"))).values[0][0].tolist() == [20180131, 3.5]
    odd = file("o.csv", "date,y\n20180132,3\n20180201,4\n20180202,5\n")
    with pytest.raises(InputError, match=r"line 2, column 'date': dates in most rows, the first 20180201; "):
        read_series(odd)
    assert read_series(file("t.csv", "n,y\n20180131,3.5\n20180231,4.5\n")).channels == ("n", "y")


@pytest.mark.parametrize("first", ["2026-01-31", "31.01.2026", "2026-01", "2026-Q1", "2026-01-31T12:00Z", "31/01/2026"])
def test_a_column_of_times_of_another_name_is_named_as_that(file, first):
    path = file("s.csv", f"Month,y\n{first},3.5\n\n")
    with pytest.raises(InputError, match=rf"line 2, column 'Month': '{first}' is a time; .*: --time Month orders"):
        read_series(path)
    assert read_series(path, SeriesOptions(ignore=("Month",))).channels == ("y",)


def test_a_further_file_need_not_have_what_is_ignored(file):
    options = SeriesOptions(ignore=("station", "city")).of_further(("y",))
    table = read_series(file("s.csv", STATIONS), options)
    assert (table.channels, table.notes) == (("y",), (f"{table.source}: columns that are not read: 'z'",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SeriesOptions(ignore=("city",)), "line 1: no column 'city'; the columns are 'time', .* with --ignore"),
        (SeriesOptions(values=("y",), ignore=("city",)), "line 1: no column 'city'; .* with --ignore"),
        (SeriesOptions(values=("y",), ignore=("y",)), "line 1: column 'y' is one of those that are read, and --ignore"),
        (SeriesOptions(values=("w",)), "line 1: no column 'w'; .* name yours with --values"),
        (SeriesOptions(values=("time", "y")), "line 1: column 'time' for both --time and --values; expected two"),
    ],
)
def test_columns_that_cannot_be_chosen(file, options, message):
    with pytest.raises(InputError, match=message):
        read_series(file("s.csv", STATIONS), options)


def test_numbers_without_header(file):
    path = file("s.csv", "50.5\n55.9\n57.8\n")
    with pytest.raises(InputError, match=r"line 1: every name of a column is a number \('50.5'\).*: --no-header reads"):
        read_series(path)
    dated = file("d.csv", "2026-01-30,50.5\n2026-01-31,55.9\n")
    with pytest.raises(
        InputError, match=r"line 1: every name of a column is a number or a time \('2026-01-30', '50.5'"
    ):
        read_series(dated)
    assert read_series(dated, SeriesOptions(header=False, time="1")).values[0][:, 0].tolist() == [50.5, 55.9]
    table = read_series(path, SeriesOptions(header=False))
    assert (table.channels, table.named, table.values[0][:, 0].tolist()) == (("1",), False, [50.5, 55.9, 57.8])
    two = read_series(file("t.csv", "1,0.5,a\n2,0.25,a\n"), SeriesOptions(header=False, time="1", series="3"))
    assert (two.names, two.values[0][:, 0].tolist()) == (["a"], [0.5, 0.25])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.csv", "x\n1\n-9999\n-9999.0\nM\n"),
        ("s.jsonl", '{"values": [1, -9999, -9999.0, null]}\n'),
        ("s.ts", "@data\n1,-9999,-9999.0,M\n"),
        ("s.ucr", "7 1 -9999 -9999.0 M 2\n"),
    ],
)
def test_what_else_stands_for_a_missing_value(file, name, content):
    table = read_series(file(name, content), SeriesOptions(missing=("-9999", "M")))
    assert np.isnan(table.values[0][:4, 0]).tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("values", "mark"),
    [([3, -999, 4, -999], "-999"), ([0.5, 9999, 0.25], "9999"), ([3, -99, 40], "-99"), ([3, 99, 4], "99"),
     ([3, 99, 60], None), ([-999, -998, -999], None), ([99, 99], None), ([3, 4, 1e6], None)],
)  # fmt: skip
def test_a_number_that_seems_to_mark_what_is_missing_is_named(file, values, mark):
    path = file("s.csv", "x,y\n" + "".join(f"{value},{n}\n" for n, value in enumerate(values)))
    notes = read_series(path).notes
    assert [note.rpartition(" ")[2] for note in notes if "'x', further from the other values" in note] == [
        *filter(None, [mark])
    ]
    assert not read_series(path, SeriesOptions(missing=(str(mark),))).notes


def test_a_cell_that_is_no_number_says_how_to_name_it_missing(file):
    with pytest.raises(InputError, match=r"line 3, column 'x': 'M' is no number; .*\(--missing says what else"):
        read_series(file("s.csv", "x\n1\nM\n"))


def test_the_same_columns_from_csv_parquet_and_records(tmp_path):
    frame = pandas.DataFrame({
        "series": ["a", "a", "b"], "time": pandas.to_datetime(["2026-01-01", "2026-01-02", "2026-01-01"]),
        "x": [0.1, None, 3.0], "n": [1, 2, 3], "label": ["p", "p", "q"],
    })  # fmt: skip
    frame.to_csv(tmp_path / "s.csv", index=False)
    frame.to_parquet(tmp_path / "s.parquet", index=False)
    frame.to_json(tmp_path / "s.jsonl", orient="records", lines=True, date_format="iso")
    first, *others = (read_series(tmp_path / f"s.{kind}") for kind in ("csv", "parquet", "jsonl"))
    for other in others:
        assert (other.names, other.labels, other.channels) == (first.names, first.labels, first.channels)
        for ours, theirs in zip(first.values, other.values, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_lists_in_parquet_are_refused(tmp_path):
    pandas.DataFrame({"x": [[1, 2], [3]]}).to_parquet(tmp_path / "s.parquet")
    with pytest.raises(InputError, match=r"s\.parquet, column 'x': holds list<.*>; expected numbers, texts or times"):
        read_series(tmp_path / "s.parquet")


def test_records_have_the_keys_of_the_first(file):
    with pytest.raises(InputError, match=r"line 2: 1 keys; expected 2 \('time', 'x'\), as the first has"):
        read_series(file("s.jsonl", '{"time": 1, "x": 2}\n{"x": 3}\n'))


def test_a_semicolon_between_fields(file):
    assert read_series(file("s.csv", "x;y\n1;2\n"), SeriesOptions(separator=";")).channels == ("x", "y")
