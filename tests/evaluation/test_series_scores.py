"""Scores of forecasts against numpy's means and scikit-learn's pinball loss, with parts that do not count."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from agreement import SINGLE, assert_agree
from cellwright.data.series import SeriesTable
from cellwright.evaluation.series_reports import ForecastReport
from cellwright.evaluation.series_scores import Forecasts, Measures, measures_of, score_forecasts
from cellwright.training.folder import model_scores

QUANTILES = (0.2, 0.5, 0.8)
ONES = Measures(np.ones((3, 2)), np.ones((3, 2)))


def batches(seed: int) -> list[Forecasts]:
    draw = torch.Generator().manual_seed(seed)
    made = []
    for owners, steps in (([0, 2], 5), ([1], 3)):
        rows = len(owners)
        ahead = torch.randn(rows, steps, 4, 2, 3, generator=draw).sort(-1).values
        future = torch.randn(rows, steps, 4, 2, generator=draw)
        counted = (torch.rand(rows, steps, 4, 2, generator=draw) < 0.7).float()
        made.append(Forecasts(ahead, future, counted, torch.ones(rows, 2).double(), torch.tensor(owners)))
    return made


def test_against_numpy_and_scikit_learn():
    made = batches(0)
    scores = score_forecasts(made, QUANTILES, ONES)
    counted = np.concatenate([b.counted.flatten().bool().numpy() for b in made])
    ahead = np.concatenate([b.ahead.flatten(0, 3).double().numpy() for b in made])[counted]
    future = np.concatenate([b.future.flatten().double().numpy() for b in made])[counted]
    losses = [mean_pinball_loss(future, ahead[:, j], alpha=q) for j, q in enumerate(QUANTILES)]
    assert_agree(scores.quantile_loss, np.mean(losses), SINGLE)
    assert_agree(scores.mae, np.abs(future - ahead[:, 1]).mean(), SINGLE)
    assert scores.coverage == pytest.approx(((ahead[:, 0] <= future) & (future <= ahead[:, 2])).mean())
    assert scores.count == counted.sum()


def test_by_step_and_by_channel():
    made = batches(1)
    scores = score_forecasts(made, QUANTILES, ONES)
    for k in range(4):
        parts = [(b.ahead[:, :, k, :, 1].double() - b.future[:, :, k]).abs()[b.counted[:, :, k] > 0] for b in made]
        assert_agree(scores.by_step[k], torch.cat(parts).mean(), SINGLE)
    for c in range(2):
        parts = [(b.ahead[..., c, 1].double() - b.future[..., c]).abs()[b.counted[..., c] > 0] for b in made]
        assert_agree(scores.by_channel[c], torch.cat(parts).mean(), SINGLE)


def test_of_one_quantile_no_coverage_is_shown_nor_written():
    made = [b._replace(ahead=b.ahead[..., 1:2]) for b in batches(0)]
    report = ForecastReport({"this model": score_forecasts(made, (0.5,), ONES)}, ["x", "y"], "units", 0.0)
    assert report.sections()[0].columns == ("quantile loss", "MAE", "MASE")
    assert {len(row) for row in report.sections()[0].rows} == {4}
    assert "coverage" not in model_scores(report.as_json())


def test_nothing_to_score_is_refused():
    (first, _) = batches(0)
    with pytest.raises(ValueError, match="there is nothing to score"):
        score_forecasts([first._replace(counted=torch.zeros_like(first.counted))], QUANTILES, ONES)
    with pytest.raises(ValueError, match="there is nothing to score"):
        score_forecasts([], QUANTILES, ONES)


def table(*values, firsts):
    """A table of one channel."""
    columns = [np.array(each, dtype=float)[:, None] for each in values]
    names = [str(k) for k in range(len(columns))]
    return SeriesTable(columns, names, None, names, ("x",), "it", list(firsts))


def test_what_errors_are_measured_by_is_from_the_steps_before():
    found = measures_of(table([1, 3, 2, 90], [5, 5, 5, 5], firsts=[3, 3]), None, None)
    assert found.naive[:, 0].tolist() == [1.5, 0]
    assert found.deviations[:, 0].tolist() == pytest.approx([np.std([1, 3, 2]), 1])
    seasonal = measures_of(table([1, 3, 2, np.nan, 4, 90], firsts=[5]), [7.0], 2)
    assert (seasonal.naive.tolist(), seasonal.deviations.tolist()) == ([[1.5]], [[7.0]])  # |2 - 1| and |4 - 2|


def test_each_series_counts_alike_by_its_own_measure():
    """Two series of scales 1 and 1000, forecast equally well: MASE by hand, as Hyndman and Koehler have it."""
    future = torch.tensor([1.0, -1.0]).reshape(1, 2, 1, 1).repeat(2, 1, 1, 1)
    ahead = torch.full((2, 2, 1, 1, 1), 0.5)
    batch = Forecasts(ahead, future, torch.ones(2, 2, 1, 1), torch.tensor([[1.0], [1000.0]]), torch.tensor([0, 1]))
    measures = Measures(np.array([[2.0], [2000.0]]), np.array([[0.5], [250.0]]))
    scores = score_forecasts([batch], (0.5,), measures)
    assert scores.mae == pytest.approx((0.5 + 1.5) / 2 / 2)
    assert scores.by_channel == pytest.approx((1.0 * 1001 / 2,))
    assert scores.mase == pytest.approx((1 / 0.5 + 1000 / 250) / 2)
    still = score_forecasts([batch], (0.5,), measures._replace(naive=np.array([[0.0], [250.0]])))
    assert still.mase == pytest.approx(4)  # a series that stood still has no measure
    assert np.isnan(score_forecasts([batch], (0.5,), measures._replace(naive=np.zeros((2, 1)))).mase)
