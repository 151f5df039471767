"""Against numpy's means over the values that are there."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwright.data.scaling import Scaling, fit_scaling, no_scaling, unlike, window_scaling
from cellwright.errors import InputError

_values = st.one_of(st.floats(-1e6, 1e6), st.just(np.nan))


@given(series=st.lists(st.integers(1, 6).flatmap(lambda t: arrays(np.float64, (t, 2), elements=_values)), min_size=1))
def test_mean_and_deviation_of_what_is_there(series):
    scaling = fit_scaling(series)
    for channel, values in enumerate(np.concatenate(series).T):
        known = values[~np.isnan(values)]
        if len(known) and known.std() > 1e-6 * max(1, np.abs(known).max()):
            assert scaling.mean[channel] == pytest.approx(known.mean(), abs=1e-9 * np.abs(known).max())
            assert scaling.deviation[channel] == pytest.approx(known.std(), rel=1e-6)
    assert min(scaling.deviation) > 0


def test_constant_and_missing_channels_have_the_unit_1():
    scaling = fit_scaling([np.array([[0.1, np.nan], [0.1, np.nan], [0.1, np.nan]])])
    assert scaling == Scaling([pytest.approx(0.1), 0.0], [1.0, 1.0])


def test_apply_and_undo():
    values = np.array([[1.0, -4.0], [3.0, np.nan]])
    scaling = fit_scaling([values])
    np.testing.assert_array_equal(scaling.apply(values), [[-1, 0], [1, np.nan]])
    np.testing.assert_array_equal(scaling.undo(scaling.apply(values)), values)
    np.testing.assert_array_equal(no_scaling(2).apply(values), values)


@pytest.mark.parametrize("value", [1e30, -1e30])
def test_a_value_beyond_what_models_compute_with_is_refused(value):
    scaling = Scaling([0.0, 5.0], [1.0, 1e-9])
    assert np.isfinite(scaling.apply(np.array([[1e15, 5.0]]))).all()
    message = (
        rf"^line 8, b: {re.escape(f'{value:g}')} is 1e\+39 standard deviations from the mean "
        r"of the training split; expected at most 1e\+15"
    )
    with pytest.raises(InputError, match=message):
        scaling.apply(
            np.array([[0.0, 5.0], [np.nan, value]]), lambda step, channel: f"line {7 + step}, {'ab'[channel]}"
        )


def test_a_window_is_scaled_by_its_own_steps():
    learned = [np.array([[1.0], [3.0]]), np.array([[1000.0], [3000.0]]), np.array([[10.0], [14.0]])]
    scaling = window_scaling(learned)
    assert (scaling.by, scaling.deviation) == ("window", [2.0])  # the median of 1, 1000 and 2
    told = np.array([[5.0], [np.nan], [9.0]])
    own = scaling.of(told)
    np.testing.assert_array_equal(own.apply(told)[:, 0], np.array([-1, np.nan, 1], np.float32))
    np.testing.assert_array_equal(own.undo(own.apply(told)), told)
    assert fit_scaling(learned).of(told) == fit_scaling(learned)


@pytest.mark.parametrize(("told", "unit"), [([4.0, 4.0], 4.0), ([-3.0], 3.0), ([0.0, 0.0], 2.0), ([np.nan], 2.0)])
def test_a_window_that_stands_still_has_its_distance_from_0_as_its_unit(told, unit):
    usual = Scaling([1.0], [2.0], "window")
    assert usual.of(np.array(told)[:, None]).deviation == [unit]


@pytest.mark.parametrize(
    ("scales", "levels", "expected"),
    [((1, 1, 2), (0, 0, 0), False), ((1, 1, 50), (0, 0, 0), True), ((1, 1, 1), (0, 0, 90), True), ((1,), (0,), False)],
)
def test_series_are_unlike_by_their_deviations_or_their_levels(scales, levels, expected):
    draw = np.random.default_rng(0)
    series = [s * draw.standard_normal((50, 1)) + at for s, at in zip(scales, levels, strict=True)]
    assert unlike(series) is expected


def test_what_lies_too_far_from_the_steps_before_says_so():
    with pytest.raises(
        InputError, match=r"step 1, channel 1: 1e\+20 is 1e\+20 standard deviations from .* the steps before"
    ):
        Scaling([0.0], [1.0], "window").of(np.array([[-1.0], [1.0]])).apply(np.array([[1e20]]))
