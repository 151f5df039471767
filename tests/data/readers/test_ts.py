"""`.ts` files; sktime's own loader is the independent reader."""

import re
from pathlib import Path

import numpy as np
import pytest

from cellwright.data.datasets.dataset import package_path
from cellwright.data.readers.series import read_series
from cellwright.errors import InputError

HEADER = (
    "# two made up series\n@problemName Made\n@timeStamps false\n@univariate false\n@dimensions 2\n"
    "@equalLength false\n@classLabel true one two\n@data\n"
)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_channels_labels_and_missing_values(file, end):
    table = read_series(file("s.ts", (HEADER + "1,2.5,?:4,5,6:one\n\n7:8:two\n").replace("\n", end)))
    np.testing.assert_array_equal(table.values[0], [[1, 4], [2.5, 5], [np.nan, 6]])
    np.testing.assert_array_equal(table.values[1], [[7, 8]])
    assert (table.labels, table.names, table.channels) == (["one", "two"], ["1", "2"], ("1", "2"))
    assert table.where(1).endswith("s.ts, line 11")


def test_what_the_header_says_is_read_in_either_case_and_classes_as_they_are(file):
    table = read_series(file("s.ts", "@CLASSLABEL TRUE A a\n@Univariate True\n@data\n1,2:A\n3:a\n"))
    assert (table.labels, table.values[0].shape) == (["A", "a"], (2, 1))
    assert read_series(file("s.ts", "@classLabel FALSE\n@data\n1:2\n")).values[0].shape == (1, 2)


def test_without_labels_and_with_targets(file):
    assert read_series(file("s.ts", "@problemName x\n@data\n1,2\n")).labels is None
    table = read_series(file("s.ts", "@targetlabel true\n@data\n1,2:0.75\n"))
    assert (table.labels, table.values[0].shape) == (["0.75"], (2, 1))


@pytest.mark.parametrize("inner", ["JapaneseVowels/JapaneseVowels_TRAIN.ts", "UnitTest/UnitTest_TEST.ts"])
def test_agrees_with_sktime(inner):
    from sktime.datasets import load_from_tsfile

    path = package_path("sktime", "datasets/data", "test") / Path(inner)
    nested, labels = load_from_tsfile(str(path), return_data_type="nested_univ")
    table = read_series(path)
    assert table.labels == labels.tolist()
    for values, (_, row) in zip(table.values, nested.iterrows(), strict=True):
        np.testing.assert_array_equal(values, np.array([channel.to_numpy() for channel in row]).T)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.replace("dimensions 2", "dimensions 3") + "1:2:one\n", ", line 9: 2 channels, but line 5 says @dim"),
        (HEADER.replace("univariate false", "univariate true") + "1:2:one\n", ", line 9: 2 channels, but line 4 says"),
        (
            HEADER.replace("equalLength false", "equalLength true") + "1:2:one\n1,2:1,2:two\n",
            ", line 10: 2 steps, but line 6 says @equallength true; expected a header that holds",
        ),
        (HEADER.replace("@data", "@seriesLength 2\n@data") + "1:2:one\n", ", line 10: 1 steps, but line 8 says"),
        (HEADER.replace("@data", "@missing false\n@data") + "?:2:one\n", ", line 10: a missing value, but line 8 says"),
        (HEADER + "1:2:three\n", ", line 9: class 'three' is none of those of @classLabel on line 7; expected 'one'"),
        (HEADER + "1:2\n", ", line 9: class '2' is none of those of @classLabel"),
        (HEADER + "1,2:3:one\n", ", line 9: channel 2 has 1 steps and channel 1 has 2; expected as many of each"),
        (HEADER + "1,2:3,inf:one\n", ", line 9, channel 2, step 2: inf is infinite"),
        (HEADER + "1,x:3,4:one\n", ", line 9, channel 1, step 2: 'x' is no number"),
        (HEADER + "::one\n", ", line 9: a series without a step"),
        (HEADER, ": nothing below @data"),
        ("1,2:one\n", ": no line @data"),
        ("1,2\n@data\n1\n", ", line 1: '1,2' before @data"),
        ("@timestamps true\n@data\n0,1\n", ", line 3, channel 1: '0,1'; expected (time,value) with commas between"),
        ("@timeStamps True\n@data\n(0,1),(0,2)\n", ", line 3, channel 1, step 2: time 0 stands twice"),
        ("@timestamps true\n@data\n(1,1),(0,2)\n", ", line 3, channel 1, step 2: its time does not come after that"),
        ("@timestamps true\n@data\n(noon,1)\n", ", line 3, channel 1, step 1: 'noon' is no time; expected a number"),
        ("@targetlabel true\n@data\n1,2:high\n", ", line 3: target 'high' is no number; expected one, as @targetL"),
        ("@univariate TRUE\n@data\n1:2\n", ", line 3: 2 channels, but line 1 says @univariate true"),
        ("@missing False\n@data\n?\n", ", line 3: a missing value, but line 1 says @missing false"),
        ("@equalLength yes\n@data\n1\n", ", line 1: @equallength 'yes'; expected true or false"),
        ("@missing\n@data\n1\n", ", line 1: @missing ''; expected true or false"),
        ("@classLabel True\n@data\n1:a\n", ", line 1: @classLabel True names no class; expected the names of"),
        ("@classLabel TRUE a b\n@data\n1:c\n", ", line 3: class 'c' is none of those of @classLabel on line 1"),
        ("@classLabel true a\n@data\na\n", ", line 3: a series without a step"),
        ("@\n@data\n1\n", ", line 1: '@' before @data; expected @name value, or # a comment"),
        ("@seriesLength " + "1" * 5000 + "\n@data\n1\n", ", line 1: @serieslength " + "1" * 40 + "; expected a whole"),
        ("@missing true\n#\n@Missing False\n@data\n1\n", ", line 3: @missing false, but line 1 says true; expected"),
        ("@dimensions two\n@data\n1\n", ", line 1: @dimensions two; expected a whole number"),
        ("@data\n1,2:3,4\n1,2\n", ", line 3: a series of 1 channels; expected 2, as the first series has"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(file, content, message):
    path = file("s.ts", content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}{re.escape(message)}"):
        read_series(path)
