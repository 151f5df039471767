"""How good a forecast of numbers is, step by step, channel by channel, and by the measure of each series."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from cellwright.data.scaling import fit_scaling
from cellwright.data.series import SeriesTable, Values
from cellwright.models.forecaster import pinball


class Forecasts(NamedTuple):
    """Of a batch: `ahead` (B, T, K, C, Q), what came `future` (B, T, K, C), and `counted`, 1 where that is scored.

    `units` (B, C) are what these numbers are deviations in, and `series` (B) the series that each row is of.
    """

    ahead: Tensor
    future: Tensor
    counted: Tensor
    units: Tensor
    series: Tensor


class Measures(NamedTuple):
    """What errors are measured by, of N series and C channels, in the data's units."""

    deviations: Values
    """(N, C), above 0: those of the training split, or of each series' steps before."""
    naive: Values
    """(N, C): mean absolute error, on the steps before, of repeating the last value, or that of a season before."""


@dataclass(frozen=True)
class ForecastScores:
    """Means over what was scored, in the deviations of `Measures` where nothing else is said."""

    quantile_loss: float
    """Mean pinball loss over the quantiles."""
    mae: float
    """Mean absolute error of the middle quantile."""
    mase: float
    """The mean over series and channels of their mean absolute error by their naive one; NaN where that is 0 in all.

    Hyndman and Koehler (2006), Another look at measures of forecast accuracy: below 1 is better than naive one-step
    forecasts were on the steps before.
    """
    coverage: float | None
    """Share of what came that lay between the lowest and the highest quantile, ends included; None of one quantile."""
    by_step: tuple[float, ...]
    """Mean absolute error 1, 2, … steps ahead; NaN where there was nothing to score."""
    by_channel: tuple[float, ...]
    """Mean absolute error of each channel, in its own units; NaN likewise."""
    count: int
    """Numbers that were scored."""


def measures_of(table: SeriesTable, deviations: Sequence[float] | None, season: int | None) -> Measures:
    """What the errors on a table are measured by, from the steps of each series before those that are scored.

    Args:
        table: N series; of one without steps before, all are taken.
        deviations: (C,) of the training split; None measures each series.
        season: steps after which things repeat.

    """
    apart = season or 1
    told = [
        values[:first] if first > apart else values for values, first in zip(table.values, table.firsts, strict=True)
    ]
    naive = [_mean(np.abs(values[apart:] - values[:-apart])) for values in told]
    own = [fit_scaling([values]).deviation if deviations is None else deviations for values in told]
    return Measures(np.array(own), np.array(naive))


def score_forecasts(batches: Iterable[Forecasts], quantiles: Sequence[float], measures: Measures) -> ForecastScores:
    """Score forecasts; raises ValueError where nothing is to be scored."""
    levels = torch.tensor(quantiles)
    deviations = torch.from_numpy(measures.deviations)
    total: Tensor | int = 0  # (5, K, C)
    errors = torch.zeros(2, *measures.naive.shape, dtype=torch.float64)  # absolute ones of each series, their number
    for batch in batches:
        sums = _sums(batch, levels, deviations[batch.series])  # (5, B, K, C)
        total = total + sums.sum(1)
        errors.index_add_(1, batch.series, sums[[4, 3]].sum(2))
    count = total[3].sum() if isinstance(total, Tensor) else 0
    if not isinstance(total, Tensor) or not count:
        raise ValueError("score_forecasts: there is nothing to score; expected a step that follows another")
    loss, error, covered, _, _ = (total.sum((1, 2)) / count).tolist()
    return ForecastScores(
        quantile_loss=loss,
        mae=error,
        mase=_mase(errors, torch.from_numpy(measures.naive)),
        coverage=covered if len(quantiles) > 1 else None,
        by_step=tuple((total[1].sum(1) / total[3].sum(1)).tolist()),
        by_channel=tuple((total[4].sum(0) / total[3].sum(0)).tolist()),
        count=int(count),
    )


def _sums(batch: Forecasts, quantiles: Tensor, deviations: Tensor) -> Tensor:
    """Pinball loss, absolute error, what was covered, the number of them, absolute error in the data's units."""
    ahead, future, counted = batch.ahead, batch.future, batch.counted
    units = batch.units[:, None, None]  # (B, 1, 1, C)
    measured = units / deviations[:, None, None]
    middle = (future - ahead[..., len(quantiles) // 2]).abs().double()
    covered = (ahead[..., 0] <= future) & (future <= ahead[..., -1])
    losses = pinball(ahead, future, quantiles).double()
    parts = [losses * measured, middle * measured, covered, torch.ones_like(future), middle * units]
    return torch.stack([(part * counted).double().sum(1) for part in parts])


def _mase(errors: Tensor, naive: Tensor) -> float:
    counted = (errors[1] > 0) & (naive > 0)
    return float((errors[0] / errors[1] / naive)[counted].mean())


def _mean(values: Values) -> Values:
    """(T, C) -> (C,) over what is known; 0 where nothing is."""
    known = ~np.isnan(values)
    mean: Values = np.where(known, values, 0).sum(0) / np.maximum(known.sum(0), 1)
    return mean
