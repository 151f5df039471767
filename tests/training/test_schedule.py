"""The step size over a run."""

import math

import pytest

from cellwright.training.schedule import RISING, RISING_STEPS, cosine


def test_a_short_run_rises_in_its_first_twentieth_and_falls_to_nothing() -> None:
    assert cosine(0.0, 0) == 0
    assert cosine(RISING / 2, 50) == pytest.approx(0.5)
    assert cosine(RISING, 100) == 1
    assert cosine((1 + RISING) / 2, 1000) == pytest.approx(0.5)
    assert cosine(1.0, 2000) == pytest.approx(0.0) == cosine(1.5, 3000)
    assert cosine(0.75, 1500) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.7 / 0.95)))


def test_a_long_run_rises_in_as_many_steps_and_stays_until_its_first_twentieth_is_over() -> None:
    assert cosine(0.001, RISING_STEPS // 2) == pytest.approx(0.5)
    assert cosine(0.002, RISING_STEPS) == cosine(RISING, 25 * RISING_STEPS) == 1
