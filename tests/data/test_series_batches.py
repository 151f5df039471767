import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwright.data.series_batches import SeriesExample, collate_series, stretches

_values = st.one_of(st.floats(-9, 9, width=32), st.just(np.nan))
_series = st.integers(1, 7).flatmap(lambda t: arrays(np.float32, (t, 2), elements=_values))


@settings(max_examples=30)
@given(series=st.lists(_series, min_size=1, max_size=4))
def test_missing_values_are_carried_forward_as_pandas_does_and_told_by_the_mask(series):
    batch = collate_series([SeriesExample(values) for values in series])
    assert batch.values.shape == batch.known.shape == (len(series), max(map(len, series)), 2)
    for row, values in enumerate(series):
        filled = pandas.DataFrame(values).ffill().fillna(0).to_numpy()
        np.testing.assert_array_equal(batch.values[row, : len(values)], filled)
        np.testing.assert_array_equal(batch.known[row, : len(values)], ~np.isnan(values))
        assert not batch.values[row, len(values) :].any()
        assert not batch.known[row, len(values) :].any()


def test_labels_and_firsts_come_along():
    batch = collate_series(
        [SeriesExample(np.ones((2, 1), np.float32), 3, 1), SeriesExample(np.ones((1, 1), np.float32), 0)]
    )
    assert (batch.labels.tolist(), batch.first.tolist(), batch.lengths.tolist()) == ([3, 0], [1, 0], [2, 1])


def test_some_labels_are_refused():
    with pytest.raises(ValueError, match="1 of 2 examples have a label"):
        collate_series([SeriesExample(np.ones((1, 1), np.float32), 1), SeriesExample(np.ones((1, 1), np.float32))])


@given(end=st.integers(1, 100), window=st.integers(2, 40), first=st.integers(0, 99))
def test_stretches_score_each_step_once_with_half_a_window_before(end, window, first):
    found = stretches(end, window, first)
    assert [step for _, start, stop in found for step in range(start, stop)] == list(range(first, end))
    for begin, start, stop in found:
        assert stop - begin <= max(window, 2)
        assert start - begin >= min(start, window // 2)
