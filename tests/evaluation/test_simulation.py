"""Scores of simulations against scikit-learn's, and the linear filter against its ridge regression."""

import math

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, r2_score

from agreement import assert_agree
from cellwright.evaluation import series_baselines
from cellwright.evaluation.series_baselines import LAGS
from cellwright.evaluation.simulation import SimulationReport, score_simulation

LEVELS = (0.1, 0.5, 0.9)
DRAW = np.random.default_rng(0)
OBSERVED = [DRAW.normal(size=(steps, 1)) for steps in (9, 4, 5)]
FOUND = [np.sort(DRAW.normal(size=(len(each), 3, 1)), axis=1) for each in OBSERVED]


def test_scores_are_scikit_learns():
    scores = score_simulation(FOUND, OBSERVED, LEVELS, [2.0])
    true, told = np.concatenate(OBSERVED)[:, 0], np.concatenate(FOUND)[..., 0]
    assert_agree(scores.mae, mean_absolute_error(true, told[:, 1]) / 2)
    assert_agree(scores.by_channel[0], mean_absolute_error(true, told[:, 1]))
    losses = [mean_pinball_loss(true, told[:, k], alpha=level) for k, level in enumerate(LEVELS)]
    assert_agree(scores.quantile_loss, np.mean(losses) / 2)
    assert_agree(scores.coverage, np.mean((told[:, 0] <= true) & (true <= told[:, 2])))
    nse = [r2_score(each, found[:, 1]) for each, found in zip(OBSERVED, FOUND, strict=True)]
    assert_agree(scores.nse, np.median(nse))
    assert scores.count == 18


def test_a_process_model_is_not_advised_to_take_what_networks_have():
    near, far = (score_simulation([found * k for found in FOUND], OBSERVED, LEVELS, [2.0]) for k in (1, 99))
    for parameters, advice in (({}, "another --cell, --hidden-size or"), ({"x1": [300.0]}, "or --parameter-ranges")):
        report = SimulationReport({"this model": far, "mean": near}, ["flow"], 0.8, parameters)
        assert "The mean is" in report.verdict()
        assert "ahead of this model in MAE: train longer, or with" in report.verdict()
        assert advice in report.verdict()


def test_what_was_not_observed_is_not_scored():
    missing = [np.concatenate([each, np.full((2, 1), np.nan)]) for each in OBSERVED]
    told = [np.concatenate([each, np.full((2, 3, 1), 99.0)]) for each in FOUND]
    assert score_simulation(told, missing, LEVELS, [2.0]) == score_simulation(FOUND, OBSERVED, LEVELS, [2.0])


def test_a_series_that_does_not_vary_has_no_efficiency():
    steady = score_simulation([FOUND[0]], [np.ones((9, 1))], LEVELS, [1.0])
    assert math.isnan(steady.nse)
    both = score_simulation(FOUND[:2], [np.ones((9, 1)), OBSERVED[1]], LEVELS, [1.0])
    assert_agree(both.nse, r2_score(OBSERVED[1], FOUND[1][:, 1]))


def kling_gupta(simulated, seen):
    """Gupta et al. (2009), equations 9 and 10, from covariances with n - 1."""
    (variance, together), (_, observed) = np.cov(simulated, seen)
    correlation = together / np.sqrt(variance * observed)
    ratios = np.sqrt(variance / observed), np.mean(simulated) / np.mean(seen)
    return 1 - np.sqrt((correlation - 1) ** 2 + (ratios[0] - 1) ** 2 + (ratios[1] - 1) ** 2)


def test_kling_gupta_efficiency_is_that_of_its_authors_and_of_several_the_median():
    found = [each + 3 for each in FOUND]
    seen = [np.where(np.arange(len(each))[:, None] == 2, np.nan, each + 2) for each in OBSERVED]
    each = [kling_gupta(f[:, 1, 0][~np.isnan(s[:, 0])], s[~np.isnan(s)]) for f, s in zip(found, seen, strict=True)]
    assert_agree(score_simulation(found, seen, LEVELS, [2.0]).kge, np.median(each))
    assert_agree(score_simulation([s[:, None] for s in OBSERVED], OBSERVED, LEVELS, [2.0]).kge, 1)


def test_the_mean_has_the_known_kling_gupta_efficiency_and_a_mean_of_0_has_none():
    seen = OBSERVED[0] + 2
    mean = np.broadcast_to(seen.mean(0), (9, 1, 1))
    assert_agree(score_simulation([mean], [seen], LEVELS, [1.0]).kge, 1 - math.sqrt(2))
    around = np.array([[-1.0], [0.0], [1.0]])
    assert math.isnan(score_simulation([around[:, None]], [around], LEVELS, [1.0]).kge)


def test_one_quantile_covers_nothing_and_says_so():
    scores = score_simulation([each[:, 1:2] for each in FOUND], OBSERVED, (0.5,), [2.0])
    assert scores.coverage is None
    shown, *_ = SimulationReport({"this model": scores}, ["flow"], 0.0, {}).sections()
    assert shown.columns == ("NSE", "KGE", "quantile loss", "MAE")
    assert all(len(row) == 5 for row in shown.rows)


def test_the_linear_filter_is_a_ridge_regression_on_lagged_inputs():
    inputs = [DRAW.normal(size=(steps, 2)) for steps in (70, 40)]
    inputs[0][3, 1] = np.nan  # the mean
    targets = [DRAW.normal(size=(len(each), 1)) for each in inputs]
    targets[1][7] = np.nan
    lagged = []
    for each in inputs:
        padded = np.concatenate([np.zeros((LAGS - 1, 2)), np.nan_to_num(each)])
        rows = [np.append(1, padded[t : t + LAGS].T.ravel()) for t in range(len(each))]
        lagged.append(np.array(rows))
    known = np.delete(np.arange(110), 77)
    ridge = Ridge(alpha=1, fit_intercept=False)
    ridge.fit(np.concatenate(lagged)[known], np.concatenate(targets)[known, 0])
    (found,) = series_baselines.linear_filter(inputs, targets, inputs[1:])
    assert_agree(found[:, 0], ridge.predict(lagged[1]), 1e-9)
