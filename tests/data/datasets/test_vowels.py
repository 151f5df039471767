"""The figures of the set, which scores are compared by."""

import subprocess
import sys
from collections import Counter

import pytest

from cellwright.data import datasets
from cellwright.errors import InputError


@pytest.fixture(scope="module")
def splits():
    return datasets.load("vowels", "numeric series")


def test_counts_of_series_and_labels(splits):
    assert {name: Counter(split.labels) for name, split in splits.items()} == {
        "train": dict.fromkeys("123456789", 27),
        "validation": dict.fromkeys("123456789", 3),
        "test": {"1": 31, "2": 35, "3": 88, "4": 44, "5": 29, "6": 24, "7": 40, "8": 50, "9": 29},
    }


def test_12_channels_7_to_29_steps_nothing_missing(splits):
    lengths = [len(values) for split in splits.values() for values in split.values]
    assert (min(lengths), max(lengths)) == (7, 29)
    assert all(len(split.channels) == 12 and split.missing == 0 for split in splits.values())


def test_no_series_stands_in_two_splits(splits):
    bits = [{values.tobytes() for values in split.values} for split in splits.values()]
    assert len(set.union(*bits)) == sum(map(len, bits)) == 640
    assert splits["train"].values[0][0, :2].tolist() == [1.860936, -0.207383]


def test_it_is_no_set_of_texts():
    with pytest.raises(InputError, match="vowels holds numeric series; expected a set of texts: reviews-zh"):
        datasets.load("vowels")


def test_sktime_is_not_imported():
    code = (
        "import sys; from cellwright.data.datasets import load; load('vowels', 'numeric series'); print(*sys.modules)"
    )
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"sktime", "pandas", "sklearn", "torch"} & set(modules)
