"""The steps that follow the last one of each series: `cellwright fit --task series --objective forecast`."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from cellwright.data.series import SeriesTable, Values, cut_series
from cellwright.data.splits import Given, Splits
from cellwright.sklearn.estimator import ONE_PASS, Estimator, refusing
from cellwright.sklearn.inputs import series_of, splits_of, table_of
from cellwright.sklearn.options import OfForecasts


@dataclass(kw_only=True, eq=False, repr=False)
class Forecaster(OfForecasts, Estimator):
    """How series go on, by quantiles.

    X is what `SequenceClassifier` takes; there is no y. The last `validation_share` of each series' steps choose the
    best epoch, where they are steps enough.

        model = Forecaster(horizon=12, season_length=12, random_state=0).fit(X)
        model.predict(X)              # (N, 12, channels): the middle quantile; of a table (N, 12)
        model.predict_quantiles(X)    # (N, 12, channels, 3)
        model.score(X)                # of the last 12 steps of each, held out

    Options are those of `cellwright fit --task series --objective forecast`, and scikit-learn's, as in
    `SequenceClassifier`.
    """

    _task: ClassVar[str] = "series"
    _objective: ClassVar[dict[str, Any]] = {"objective": "forecast"}

    def __sklearn_tags__(self) -> Any:
        """What it takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train; with `warm_start` from the weights there are.

        Args:
            X: N series of at least two steps.
            y: not read; it is there for pipelines.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from.

        """
        return self._learn(X, self._share, go_on=self._goes_on)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Train one pass over some series, from the weights there are; the optimizer begins anew.

        The scale of values is that of the first call.

        Args:
            X: N series of at least two steps.
            y: not read.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from.

        """
        return self._learn(X, 0.0, go_on=self.__sklearn_is_fitted__(), limits=ONE_PASS)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The `horizon` steps that follow each series: (N, horizon, channels), where fit had a table (N, horizon).

        With `likelihood="bernoulli"` how likely each channel is 1, else the middle quantile. Series may be of other
        lengths than in fit.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        found = self.predict_quantiles(X)
        middle = found[..., found.shape[-1] // 2]
        return middle[..., 0] if self._of_table else middle

    def predict_quantiles(self, X: Any) -> NDArray[np.float64]:
        """(N, horizon, channels, Q): all of the quantiles, rising; of `likelihood="bernoulli"` the one probability.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        return self._ahead(series_of(self, X, reset=False, exact=False))

    def score(self, X: Any, y: Any = None) -> float:
        """How much of the mean absolute error of repeating the last value is gone: 1 at best, 0 where none is.

        Args:
            X: N series.
            y: the steps that follow each, shaped as `predict` gives them; None holds the last `horizon` steps of each
                series out and forecasts them from those before.

        Returns:
            1 - error / error of the last value, over all values that are known.

        Raises:
            ValueError: X is not as in fit, or a series has no more than `horizon` steps.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        series = series_of(self, X, reset=False, exact=False)
        steps = self._predictor.run.config.model.horizon
        if y is None:
            for row, values in enumerate(series):
                if len(values) <= steps:
                    raise ValueError(f"X, row {row}: {len(values)} steps; expected more than the horizon, {steps}")
            true = np.array([values[-steps:] for values in series])
            series = [values[:-steps] for values in series]
        else:
            true = np.asarray(y, dtype=np.float64).reshape(len(series), steps, -1)
        quantiles = self._ahead(series)
        last = np.array([_last(values) for values in series])[:, None]  # (N, 1, C)
        error = np.nanmean(np.abs(quantiles[..., quantiles.shape[-1] // 2] - true))
        return float(1 - error / np.nanmean(np.abs(last - true)))

    def _learn(self, X: Any, share: float, *, go_on: bool, limits: dict[str, Any] | None = None) -> Self:
        series = series_of(self, X, reset=not go_on, exact=False, ensure_min_features=2)
        return self._train(Given(_cut(series, share)), go_on=go_on, limits=limits)

    def _ahead(self, series: list[Values]) -> NDArray[np.float64]:
        with refusing():
            said: Any = self._predictor.predict_series(table_of(series))
        return np.array([[[list(q.values()) for q in step.values()] for step in each.ahead] for each in said])


def _cut(series: list[Values], share: float) -> Splits[SeriesTable]:
    """The last steps of each series held out."""
    cut = cut_series(table_of(series), validation=share, test=0.0)
    return splits_of(*(cut[split] for split in cut))


def _last(values: Values) -> NDArray[np.float64]:
    """The last known value of each channel (C,), NaN where there is none."""
    known = [column[~np.isnan(column)] for column in values.T]
    return np.array([column[-1] if len(column) else np.nan for column in known])
