"""Scores of forecasts against numpy's means and scikit-learn's pinball loss, with parts that do not count."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from cellwright.evaluation.series_scores import Forecasts, score_forecasts

QUANTILES = (0.2, 0.5, 0.8)


def batches(seed: int) -> list[Forecasts]:
    draw = torch.Generator().manual_seed(seed)
    made = []
    for rows, steps in ((2, 5), (1, 3)):
        ahead = torch.randn(rows, steps, 4, 2, 3, generator=draw).sort(-1).values
        future = torch.randn(rows, steps, 4, 2, generator=draw)
        made.append(Forecasts(ahead, future, (torch.rand(rows, steps, 4, 2, generator=draw) < 0.7).float()))
    return made


def test_against_numpy_and_scikit_learn():
    made = batches(0)
    scores = score_forecasts(made, QUANTILES)
    counted = np.concatenate([b.counted.flatten().bool().numpy() for b in made])
    ahead = np.concatenate([b.ahead.flatten(0, 3).numpy() for b in made])[counted]
    future = np.concatenate([b.future.flatten().numpy() for b in made])[counted]
    losses = [mean_pinball_loss(future, ahead[:, j], alpha=q) for j, q in enumerate(QUANTILES)]
    assert scores.quantile_loss == pytest.approx(np.mean(losses), rel=1e-6)
    assert scores.mae == pytest.approx(np.abs(future - ahead[:, 1]).mean(), rel=1e-6)
    assert scores.coverage == pytest.approx(((ahead[:, 0] <= future) & (future <= ahead[:, 2])).mean())
    assert scores.count == counted.sum()


def test_by_step_and_by_channel():
    made = batches(1)
    scores = score_forecasts(made, QUANTILES)
    for k in range(4):
        parts = [(b.ahead[:, :, k, :, 1] - b.future[:, :, k]).abs()[b.counted[:, :, k] > 0] for b in made]
        assert scores.by_step[k] == pytest.approx(float(torch.cat(parts).mean()), rel=1e-6)
    for c in range(2):
        parts = [(b.ahead[..., c, 1] - b.future[..., c]).abs()[b.counted[..., c] > 0] for b in made]
        assert scores.by_channel[c] == pytest.approx(float(torch.cat(parts).mean()), rel=1e-6)


def test_nothing_to_score_is_refused():
    (first, _) = batches(0)
    with pytest.raises(ValueError, match="there is nothing to score"):
        score_forecasts([first._replace(counted=torch.zeros_like(first.counted))], QUANTILES)
    with pytest.raises(ValueError, match="there is nothing to score"):
        score_forecasts([], QUANTILES)
