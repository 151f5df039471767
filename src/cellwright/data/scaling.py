"""Series in units of each channel's standard deviation, from its mean."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellwright.data.series import Values
from cellwright.errors import InputError

Numbers = Any
"""An array, or a tensor."""
FURTHEST = 1e15
"""No value lies as many deviations from its mean: float32, in which models compute, holds sums of its squares."""


class Scaling(NamedTuple):
    """Mean and deviation of each of C channels, as a run keeps them."""

    mean: list[float]
    deviation: list[float]
    """Above 0: a channel that is constant, or missing throughout, has 1."""

    def apply(self, values: Values, where: str = "the series") -> NDArray[np.float32]:
        """Values (T, C), NaN where missing, in a channel's own units -> in deviations from its mean.

        Raises InputError, beginning with `where`, for a value beyond FURTHEST.
        """
        scaled: NDArray[np.float64] = standard(values, np.array(self.mean), np.array(self.deviation))
        for step, channel in np.argwhere(np.abs(scaled) > FURTHEST)[:1]:
            raise InputError(
                f"{where}, step {step + 1}, channel {channel + 1}: {values[step, channel]:g} is "
                f"{abs(scaled[step, channel]):.1g} standard deviations from the mean of the training side; expected at "
                f"most {FURTHEST:g}: give it in the unit that was trained on"
            )
        return scaled.astype(np.float32)

    def undo(self, scaled: NDArray[np.floating]) -> Values:
        """The inverse."""
        wide = np.asarray(scaled, dtype=np.float64)
        values: Values = original(wide, np.array(self.mean), np.array(self.deviation))
        return values


def standard(values: Numbers, mean: Numbers, deviation: Numbers) -> Numbers:
    """Values (…, C) in deviations (C) from their means (C)."""
    return (values - mean) / deviation


def original(scaled: Numbers, mean: Numbers, deviation: Numbers) -> Numbers:
    """The inverse."""
    return scaled * deviation + mean


def fit_scaling(series: Sequence[Values]) -> Scaling:
    """Measure the channels over all steps of the series (T_i, C), of which missing values are no part."""
    steps = np.concatenate(series)  # (T, C)
    known = ~np.isnan(steps)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, steps, 0).sum(0) / count
    deviation = np.sqrt((np.where(known, steps - mean, 0) ** 2).sum(0) / count)
    # What is left of a constant channel is rounding, and no unit to measure by.
    constant = deviation <= 1e-12 * np.maximum(np.abs(mean), 1e-300)
    return Scaling(mean.tolist(), np.where(constant, 1.0, deviation).tolist())


def no_scaling(channels: int) -> Scaling:
    """Values as they are, for channels that are 0 or 1."""
    return Scaling([0.0] * channels, [1.0] * channels)
