"""How good a forecast of numbers is, step by step and channel by channel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from cellwright.models.forecaster import pinball


class Forecasts(NamedTuple):
    """Of a batch: `ahead` (B, T, K, C, Q), what came `future` (B, T, K, C), and `counted`, 1 where that is scored."""

    ahead: Tensor
    future: Tensor
    counted: Tensor


@dataclass(frozen=True)
class ForecastScores:
    """In standard deviations of each channel on the training side; means over what was scored."""

    quantile_loss: float
    """Mean pinball loss over the quantiles."""
    mae: float
    """Mean absolute error of the middle quantile."""
    coverage: float
    """Share of what came that lay between the lowest and the highest quantile, ends included."""
    by_step: tuple[float, ...]
    """Mean absolute error 1, 2, … steps ahead; NaN where there was nothing to score."""
    by_channel: tuple[float, ...]
    """Mean absolute error of each channel; NaN likewise."""
    count: int
    """Numbers that were scored."""


def score_forecasts(batches: Iterable[Forecasts], quantiles: Sequence[float]) -> ForecastScores:
    """Score forecasts; raises ValueError where nothing is to be scored."""
    levels = torch.tensor(quantiles)
    total = sum(_sums(each, levels) for each in batches)  # (4, K, C)
    count = total[3].sum() if isinstance(total, Tensor) else 0
    if not isinstance(total, Tensor) or not count:
        raise ValueError("score_forecasts: there is nothing to score; expected a step that follows another")
    loss, error, covered, _ = (total.sum((1, 2)) / count).tolist()
    return ForecastScores(
        quantile_loss=loss,
        mae=error,
        coverage=covered,
        by_step=tuple((total[1].sum(1) / total[3].sum(1)).tolist()),
        by_channel=tuple((total[1].sum(0) / total[3].sum(0)).tolist()),
        count=int(count),
    )


def _sums(batch: Forecasts, quantiles: Tensor) -> Tensor:
    """Pinball loss, absolute error, what was covered, and the number of them (4, K, C)."""
    ahead, future, counted = batch
    middle = ahead[..., len(quantiles) // 2]
    covered = (ahead[..., 0] <= future) & (future <= ahead[..., -1])
    parts = [pinball(ahead, future, quantiles), (future - middle).abs(), covered, torch.ones_like(future)]
    return torch.stack([(part * counted).double().sum((0, 1)) for part in parts])
