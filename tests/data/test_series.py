import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.series import SeriesTable, cut_series, split_series


def table(lengths, labels=None):
    draw = np.random.default_rng(0)
    values = [draw.normal(size=(length, 2)) for length in lengths]
    names = [f"s{k}" for k in range(len(lengths))]
    return SeriesTable(values, names, labels, [f"line {k + 1}" for k in range(len(lengths))], ("x", "y"), "made up")


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="2 series, 2 names, 1 labels and 2 places; expected as many of each"):
        table([3, 4], ["a"])


def test_a_series_split_depends_on_its_values_alone():
    whole = table([5] * 200)
    splits = split_series(whole)
    assert sum(map(len, splits.values())) == 200
    assert 5 < len(splits["test"]) < 40
    some = split_series(whole.take(range(0, 200, 3)))
    for split, part in some.items():
        assert set(part.names) <= set(splits[split].names)


def test_equal_series_stand_in_one_split():
    whole = table([5] * 50)
    splits = split_series(whole.take([k % 50 for k in range(100)]))
    for one in splits.values():
        for other in splits.values():
            assert one is other or not set(one.names) & set(other.names)


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_cut_in_time_scores_each_step_in_one_split(lengths):
    whole = table(lengths)
    scored = {name: [] for name in whole.names}
    for split in cut_series(whole).values():
        for name, values, first in zip(split.names, split.values, split.firsts, strict=True):
            assert first < len(values)
            scored[name] += list(range(first, len(values)))
            np.testing.assert_array_equal(values, whole.values[whole.names.index(name)][: len(values)])
    for name, length in zip(whole.names, lengths, strict=True):
        assert scored[name] == list(range(length))


def test_shares_of_a_cut_in_time():
    splits = cut_series(table([100]), validation=0.2, test=0.1)
    assert [(len(split.values[0]), split.firsts) for split in splits.values()] == [(70, [0]), (90, [70]), (100, [90])]
