"""The formats of the field's archives; sktime's loaders are the independent readers."""

import re
from pathlib import Path

import numpy as np
import pytest

from cellwright.data.datasets.dataset import package_path
from cellwright.data.readers.series import read_series
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.errors import InputError

WIDE = "1\t0.1\t0.4\t0.6\n-1\t0.8\t0.9\t0.5\n1\t0.2\t0.3\tNaN\n-1\t0.9\tNaN\t0.7\n"


def shipped(inner: str) -> Path:
    return package_path("sktime", "datasets/data", "test") / Path(inner)


def test_UCR_wide(file):
    path = file("Made_TRAIN.tsv", WIDE)
    table = read_series(path)
    assert (table.labels, table.channels, table.named) == (["1", "-1", "1", "-1"], ("1",), False)
    assert [len(values) for values in table.values] == [3, 3, 2, 3]  # NaN at the end only makes rows equally long
    assert "no header, and a whole number before measured values in each row: read as --format ucr" in table.notes[0]
    assert "1 series end in missing values" in table.notes[1]
    steps = read_series(path, SeriesOptions(header=False))
    assert steps.values[0].shape == (4, 4)


@pytest.mark.parametrize("separator", [",", "   ", "\t"])
def test_older_files_of_the_archive(file, separator):
    rows = [("  1.0000000e+00", "-4.5e-01", "2.5e-1"), ("  2.0000000e+00", "1e0", "0.5")]
    path = file("Made_TRAIN", "\n".join(separator.join(row) for row in rows) + "\n")
    table = read_series(path, format="ucr")
    assert (table.labels, table.values[0].tolist()) == (["1", "2"], [[-0.45], [0.25]])


@pytest.mark.parametrize(
    "content", ["1,2.5,3\n2,2.5,3\n3,1.5,2\n4,1.5,2\n", "0,1,1\n1,0,1\n0,1,0\n1,1,1\n", "1.5\n2.5\n"]
)
def test_rows_that_may_be_steps_are_not_taken_for_series(file, content):
    with pytest.raises(InputError, match="every name of a column is a number"):
        read_series(file("s.csv", content))


def test_wide_rows_agree_with_sktime():
    from sktime.datasets import load_from_ucr_tsv_to_dataframe

    path = shipped("ArrowHead/ArrowHead_TRAIN.tsv")
    table = read_series(path)
    nested, labels = load_from_ucr_tsv_to_dataframe(str(path))
    assert table.labels == [str(label) for label in labels]
    for values, (_, row) in zip(table.values, nested.iterrows(), strict=True):
        np.testing.assert_array_equal(values[:, 0], row.iloc[0].to_numpy())


@pytest.mark.parametrize("name", ["UnitTest", "UnitTest_Tsf_Loader", "UnitTest_Tsf_Loader_no_start_timestamp"])
def test_tsf_agrees_with_sktime(name):
    from sktime.datasets import load_tsf_to_dataframe

    path = shipped(f"UnitTest/{name}.tsf")
    table = read_series(path)
    frame, _ = load_tsf_to_dataframe(str(path), return_type="default_tsf")
    assert table.names == list(frame["series_name"])
    for values, expected in zip(table.values, frame["series_value"], strict=True):
        np.testing.assert_array_equal(values[:, 0], expected)
    assert table.notes == (
        f"{path}: its header says @frequency yearly, @horizon 4; --horizon and --season-length are yours to give",
    )


def test_tsf_names_by_all_its_words():
    assert read_series(shipped("UnitTest/UnitTest_Tsf_Loader_hierarchical.tsf")).names == ["G1/T1", "G1/T2", "G2/T3"]


TSF = "@relation r\n@attribute series_name string\n@missing false\n@equallength true\n@data\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TSF + "T1:1,2\nT2:1\n", ", line 7: 1 steps, but line 4 says @equallength true"),
        (TSF + "T1:1,?\n", ", line 6: a missing value, but line 3 says @missing false"),
        (TSF + "1,2\n", ", line 6: 0 values of attributes before the series; expected 1"),
        (TSF + "T1:1,x\n", ", line 6, step 2: 'x' is no number"),
        (
            TSF.replace("string", "words") + "T1:1\n",
            ": '@attribute series_name words'; expected @attribute NAME string",
        ),
    ],
)
def test_tsf_that_is_wrong(file, content, message):
    path = file("s.tsf", content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}{re.escape(message)}"):
        read_series(path)


@pytest.mark.parametrize("inner", ["Covid3Month/Covid3Month_TRAIN.ts", "Tecator/Tecator_TEST.ts"])
def test_targets_agree_with_sktime(inner):
    from sktime.datasets import load_from_tsfile

    nested, targets = load_from_tsfile(str(shipped(inner)), return_data_type="nested_univ")
    table = read_series(shipped(inner))
    np.testing.assert_array_equal([float(label) for label in table.labels], np.array(targets, dtype=float))
    np.testing.assert_array_equal(table.values[3][:, 0], nested.iloc[3, 0].to_numpy())


ARFF = "@relation r\n@attribute a numeric\n@attribute b numeric\n@attribute target {1,-1}\n@data\n0.5,?,1\n1,2,-1\n"
RELATIONAL = (
    "@relation r\n@attribute rel relational\n@attribute t1 numeric\n@attribute t2 numeric\n@attribute t3 numeric\n"
    "@end rel\n@attribute kind {walk,run}\n@data\n'1,2,3\\n4,5,6',walk\n'7,8,9\\n0,?,1',run\n"
)


def test_arff_of_one_channel_and_of_several(file):
    table = read_series(file("one.arff", ARFF))
    assert table.labels == ["1", "-1"]
    np.testing.assert_array_equal(table.values[0], [[0.5], [np.nan]])
    table = read_series(file("several.arff", RELATIONAL))
    assert (table.labels, table.channels) == (["walk", "run"], ("1", "2"))
    np.testing.assert_array_equal(table.values[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(table.values[1], [[7, 0], [8, np.nan], [9, 1]])


def test_arff_with_a_number_to_learn(file):
    content = ARFF.replace("{1,-1}", "numeric").replace(",1\n", ",0.25\n")
    assert read_series(file("s.arff", content), SeriesOptions(label="target")).labels == ["0.25", "-1"]
    assert read_series(file("s.arff", content)).values[0].shape == (3, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ARFF.replace("a numeric", "a string"), ": SciPy does not read it as ARFF ("),
        (ARFF + "1,2\n", ": SciPy does not read it as ARFF ("),
        ("@relation r\n@attribute a numeric\n@data\n", ": nothing below @data"),
        (ARFF.replace("a numeric", "a {0.5,1}"), ": attributes 'a' beside the label 'target'; expected numeric ones"),
    ],
)
def test_arff_that_is_wrong(file, content, message):
    path = file("s.arff", content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}{re.escape(message)}"):
        read_series(path)


def test_ts_with_time_stamps(file):
    head = "@timeStamps true\n@univariate false\n@classLabel true up down\n@data\n"
    row = "(2026-01-01 00:00:00,1.5),(2026-01-02 00:00:00,?):(2026-01-02 00:00:00,7),(2026-01-03 00:00:00,8):up\n"
    table = read_series(file("s.ts", head + row))
    assert table.labels == ["up"]
    np.testing.assert_array_equal(table.values[0], [[1.5, np.nan], [np.nan, 7], [np.nan, 8]])
    gap = "".join(f"({k},{k})," for k in (1, 2, 3, 9)).rstrip(",") + ":down\n"
    table = read_series(file("g.ts", head.replace("@univariate false\n", "") + gap))
    assert "steps are 1 apart, but 6 lie between steps 3 and 4 of line 4: 5 are missing there" in table.notes[0]
