"""Stretches of series and their scales, against numpy's mean and deviation of the steps that may tell them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreement import SINGLE, assert_agree
from cellwright.data.scaling import Scaling
from cellwright.data.series import SeriesTable
from cellwright.tasks.series.examples import stretches_of

VALUES = np.arange(10.0)[:, None] ** 2
OWN = Scaling([0.0], [1.0], "window")


def table(first: int, labels: list[str] | None = None) -> SeriesTable:
    return SeriesTable([VALUES], ["a"], labels, ["line 1"], ("x",), "it", [first])


@pytest.mark.parametrize(
    ("first", "ahead", "told"),
    [
        (6, True, (0, 6)),  # what is forecast has no part in its scale
        (6, False, (0, 10)),
        (0, True, (0, 10)),  # in training nothing stands before
    ],
)
def test_the_scale_of_a_stretch_is_that_of_the_steps_that_may_tell_it(
    first: int, ahead: bool, told: tuple[int, int]
) -> None:
    (found,) = stretches_of(table(first), OWN, 16, ahead=ahead)
    steps = VALUES[slice(*told)]
    assert found.scaling == Scaling([steps.mean()], [pytest.approx(steps.std())], "window")
    assert_agree(found.example.values, (VALUES - steps.mean()) / steps.std(), SINGLE)
    assert found.example.first == first


def test_each_stretch_has_its_own() -> None:
    found = stretches_of(table(0), OWN, 4, ahead=True)
    told = [(0, 4), (2, 4), (4, 6), (6, 8)]
    assert [each.scaling.mean[0] for each in found] == [VALUES[begin:end].mean() for begin, end in told]
    assert {each.series for each in found} == {0}


def test_one_scale_for_all_and_the_numbers_of_labels() -> None:
    alike = Scaling([1.0], [2.0])
    (found,) = stretches_of(table(0, ["b"]), alike, None, answers={"a": 0, "b": 1})
    assert found.scaling is alike
    assert found.example.label == 1


@given(
    steps=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    window=st.integers(2, 9) | st.none(),
    told=st.integers(0, 3),
    budget=st.integers(1, 60),
)
def test_batches_have_every_stretch_once_and_its_length_is_known_before_it_is_made(
    steps: list[int], window: int | None, told: int, budget: int
) -> None:
    values = [np.arange(float(count))[:, None] for count in steps]
    names = [str(k) for k in range(len(steps))]
    found = stretches_of(SeriesTable(values, names, None, names, ("x",), "it"), OWN, window, told=told)
    assert [len(each.example.values) for each in found] == found.lengths
    assert [each.series for each in found] == found.series
    made = [(number, row) for numbers, rows in found.batches(budget) for number, row in zip(numbers, rows, strict=True)]
    assert sorted(number for number, _ in made) == list(range(len(found)))
    for number, row in made:
        assert_agree(row.example.values, found[number].example.values, 0)
