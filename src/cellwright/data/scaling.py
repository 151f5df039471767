"""Series in units of each channel's standard deviation, from its mean: of the training split, or of a window's own."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cellwright.data.series import Values
from cellwright.errors import InputError

Numbers = Any
"""An array, or a tensor."""
STILL = 1e-12
"""Of a mean: what is left of a constant channel is rounding, and no unit to measure by."""
UNLIKE = 3.0
"""From this ratio of scales on, one for all costs forecasts: a per cent at 3, a third at 100 (docs/series.md)."""
FURTHEST = 1e15
"""No value lies as many deviations from its mean: float32, in which models compute, holds sums of its squares."""


By = Literal["training", "window"]
Where = Callable[[int, int], str]


def _somewhere(step: int, channel: int) -> str:
    return f"step {step + 1}, channel {channel + 1}"


class Scaling(NamedTuple):
    """Mean and deviation of each of C channels, as a run keeps them."""

    mean: list[float]
    deviation: list[float]
    """Above 0: a channel that is constant, or missing throughout, has 1."""
    by: By = "training"
    """Where a series takes its scale from: the training split, or the steps of it that are read at once."""
    shared: tuple[int, ...] = ()
    """Channels whose scale is the training split's all the same: what is constant in a series has none of its own."""

    def of(self, told: Values) -> "Scaling":
        """The scale of a window of which these steps (T, C), NaN where missing, are told.

        It is this one, unless each window has its own. A channel that is constant there has its distance from 0 as its
        unit, and one that is 0 or missing throughout the usual deviation.
        """
        if self.by == "training":
            return self
        mean, deviation, still = _measured(told)
        distance = np.where(mean == 0, self.deviation, np.abs(mean))
        deviation = np.where(still, distance, deviation)
        for channel in self.shared:
            mean[channel], deviation[channel] = self.mean[channel], self.deviation[channel]
        return Scaling(mean.tolist(), deviation.tolist(), "window", self.shared)

    def first(self, count: int) -> "Scaling":
        """That of the first channels alone."""
        shared = tuple(channel for channel in self.shared if channel < count)
        return Scaling(self.mean[:count], self.deviation[:count], self.by, shared)

    def apply(self, values: Values, where: Where = _somewhere) -> NDArray[np.float32]:
        """Values (T, C), NaN where missing, in a channel's own units -> in deviations from its mean.

        where: says of a value, by its step and channel from 0, where it stood.

        Raises InputError, beginning with that, for a value beyond FURTHEST.
        """
        scaled: NDArray[np.float64] = standard(values, np.array(self.mean), np.array(self.deviation))
        for step, channel in np.argwhere(np.abs(scaled) > FURTHEST)[:1]:
            of = "training split" if self.by == "training" else "steps before"
            raise InputError(
                f"{where(int(step), int(channel))}: {values[step, channel]:g} is "
                f"{abs(scaled[step, channel]):.1g} standard deviations from the mean of the {of}; expected at "
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
    mean, deviation, still = _measured(np.concatenate(series))
    return Scaling(mean.tolist(), np.where(still, 1.0, deviation).tolist())


def _measured(steps: Values) -> tuple[Values, Values, NDArray[np.bool_]]:
    """Mean, deviation, and whether it is nothing, of each channel (T, C) over what is known."""
    known = ~np.isnan(steps)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, steps, 0).sum(0) / count
    deviation = np.sqrt((np.where(known, steps - mean, 0) ** 2).sum(0) / count)
    return mean, deviation, deviation <= STILL * np.abs(mean)


def window_scaling(series: Sequence[Values], shared: tuple[int, ...] = ()) -> Scaling:
    """Each window by its own steps; kept is the mean of all, and the usual deviation of one series, the median.

    shared: channels whose scale is that of all series.
    """
    own = np.array([fit_scaling([values]).deviation for values in series])  # (N, C)
    together, deviation = fit_scaling(series), np.median(own, axis=0)
    for channel in shared:
        deviation[channel] = together.deviation[channel]
    return Scaling(together.mean, deviation.tolist(), "window", shared)


def unlike(series: Sequence[Values]) -> bool:
    """Whether series (T_i, C) are on scales of their own: then one mean and deviation for all would hide most of them.

    So it is where in a channel the own deviations of nine in ten series span more than UNLIKE, or where all series
    together deviate more than UNLIKE times as much as a usual one by itself, since their levels differ.
    """
    own = np.array([fit_scaling([values]).deviation for values in series])  # (N, C)
    low, usual, high = np.quantile(own, (0.1, 0.5, 0.9), axis=0)
    return bool(((high > UNLIKE * low) | (np.array(fit_scaling(series).deviation) > UNLIKE * usual)).any())


def no_scaling(channels: int) -> Scaling:
    """Values as they are, for channels that are 0 or 1."""
    return Scaling([0.0] * channels, [1.0] * channels)
