"""The steps that follow the last one of each series: `cellwright fit --task series --objective forecast`."""

import warnings
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable, Values
from cellwright.sklearn.estimator import ONE_PASS, refusing
from cellwright.sklearn.options import OfForecasts
from cellwright.sklearn.panel_estimator import PanelEstimator
from cellwright.sklearn.panels import check_ahead, followed, is_long, names_at, panel_of
from cellwright.sklearn.wording import in_parameters
from cellwright.tasks.series.config import Covariates
from cellwright.tasks.series.examples import told_ahead
from cellwright.tasks.series.predictor import readable


@dataclass(kw_only=True, eq=False, repr=False)
class Forecaster(OfForecasts, PanelEstimator):
    """How series go on, by quantiles.

    X is what `SequenceClassifier` takes; there is no y. The last `validation_share` of each series' steps choose the
    best epoch, where they are steps enough.

        model = Forecaster(horizon=12, season_length=12, random_state=0).fit(X)
        model.predict(X)              # (N, 12, channels): the middle quantile; of a table (N, 12)
        model.predict_quantiles(X)    # (N, 12, channels, 3)
        model.score(X)                # of the last 12 steps of each, held out

    Where some columns only help to forecast others, `targets`, `future_covariates` and `static_covariates` say which is
    which, by name, or by place from 0; columns named in none are known up to the present. X is then a DataFrame with a
    row a step, whose columns `series` and `time`, or whose index, say of which series and when, a list of DataFrames
    with a series in each, or arrays (steps, channels):

        model = Forecaster(horizon=3, targets="sales", future_covariates=["price", "holiday"]).fit(frame)
        model.predict(frame, future)  # (N, 3, 1); of the next three steps `future` has price and holiday

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
            X: N series of at least two steps; steps at the end in which no target is known are left out.
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

    def predict(self, X: Any, future: Any = None) -> NDArray[np.float64]:
        """The `horizon` steps that follow each series: (N, horizon, targets), where fit had a table (N, horizon).

        With `likelihood="bernoulli"` how likely each channel is 1, else the middle quantile. Series may be of other
        lengths than in fit.

        Args:
            X: N series, in the order in which they first stand there. With covariates a forecast begins after the last
                step of which a target is known.
            future: of each series at least `horizon` further steps with the `future_covariates`, in the form of X: a
                DataFrame with the same columns of series and time, or (N, steps, covariates), or a list. None: they
                stand in X, in rows at the end of each series whose targets are NaN.

        Raises:
            ValueError: X is not as in fit, or covariates are not known as far ahead.
            NotFittedError: the estimator is not fitted.

        """
        found = self.predict_quantiles(X, future)
        middle = found[..., found.shape[-1] // 2]
        return middle[..., 0] if self._of_table else middle

    def predict_quantiles(self, X: Any, future: Any = None) -> NDArray[np.float64]:
        """(N, horizon, targets, Q): all of the quantiles, rising; of `likelihood="bernoulli"` the one probability.

        Args:
            X: as in `predict`.
            future: as in `predict`.

        Raises:
            ValueError: X is not as in fit, or covariates are not known as far ahead.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        with refusing(self):
            return self._ahead(self._known(X, future))

    def score(self, X: Any, y: Any = None) -> float:
        """How much of the mean absolute error of repeating the last value is gone: 1 at best, 0 where none is.

        Args:
            X: N series.
            y: the steps that follow each, shaped as `predict` gives them; None holds the last `horizon` steps of each
                series out and forecasts them from those before, and from the future covariates in them.

        Returns:
            1 - error / error of the last value, over all values that are known.

        Raises:
            ValueError: X is not as in fit, a series has no more than `horizon` steps, or repeating the last value is
                without error in all that is known.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        with refusing(self):
            table = self._known(X)
            steps, targets = self._predictor.run.config.model.horizon, table.targets
            if y is None:
                table, true = _held_out(table, steps)
            else:
                true = _steps_ahead(y, (len(table), steps, targets))
            quantiles = self._ahead(table)
        told = [values[: table.present(row), :targets] for row, values in enumerate(table.values)]
        last = np.array([_last(values) for values in told])[:, None]  # (N, 1, targets)
        error = np.nansum(np.abs(quantiles[..., quantiles.shape[-1] // 2] - true) * ~np.isnan(last))
        naive = np.nansum(np.abs(last - true))  # over the same values
        if naive == 0:
            raise ValueError(
                f"{'X' if y is None else 'y'}: in the {steps} steps that are scored no known value differs from the "
                "last one before them; expected one that does, by which an error is measured"
            )
        return float(1 - error / naive)

    def _learn(self, X: Any, share: float, *, go_on: bool, limits: dict[str, Any] | None = None) -> Self:
        with refusing(self):
            how, told = self._reading if go_on else self._asked_for
            table = panel_of(self, X, how, told=told, reset=not go_on)
            named = {name: names_at(getattr(self, name), table.channels, name) for name in Covariates.model_fields}
        return self._learn_panel(table, named, share, go_on=go_on, limits=limits)

    @property
    def _asked_for(self) -> tuple[SeriesOptions, bool]:
        """How tables are read in fit, and whether some of their columns are covariates."""
        told = any(getattr(self, name) is not None for name in Covariates.model_fields)
        return SeriesOptions(series=self.series, time=self.time), told

    @property
    def _reading(self) -> tuple[SeriesOptions, bool]:
        """The same of what was fitted, whatever `set_params` has said since."""
        learned = self._predictor.run.config
        return learned.reading, learned.model.roles.covariates > 0

    def _known(self, X: Any, future: Any = None) -> SeriesTable:
        """The series of X as they were learned from, and the steps that follow. Raises ValueError, InputError."""
        how, told = self._reading
        run = self._predictor.run
        roles, channels = run.config.model.roles, run.config.channels
        begin = len(channels) - roles.covariates + roles.past
        ahead = channels[begin : begin + roles.future]
        if is_long(X, how, told=told):
            if future is not None:
                check_ahead(future, ahead)
            return readable(run, panel_of(self, X, how, told=told, reset=False, more=future))
        table = readable(run, panel_of(self, X, how, told=told, reset=False))
        return table if future is None else followed(table, future, ahead)

    def _ahead(self, table: SeriesTable) -> NDArray[np.float64]:
        """(N, horizon, targets, Q)."""
        for note in self._predictor.unread(table):
            warnings.warn(in_parameters(self, note), stacklevel=3)
        said: Any = self._predictor.predict_series(table)
        return np.array([[[list(q.values()) for q in step.values()] for step in each.ahead] for each in said])


def _held_out(table: SeriesTable, steps: int) -> tuple[SeriesTable, NDArray[np.float64]]:
    """The series without what is not known ahead of their last steps, and the targets of these (N, steps, targets)."""
    found, true = [], []
    shorter = replace(table, values=[v[: max(table.present(row) - steps, 0)] for row, v in enumerate(table.values)])
    for row, values in enumerate(table.values):
        begin = shorter.present(row)
        if not begin:
            raise ValueError(f"{table.where(row)}: {len(values)} steps; expected more than the horizon, {steps}")
        kept = values[: begin + steps] if table.roles.future else values[:begin]
        found.append(told_ahead(kept, begin, table.roles))
        true.append(values[begin : begin + steps, : table.targets])
    return replace(table, values=found), np.array(true)


def _steps_ahead(y: Any, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """The steps that follow (N, horizon, targets); axes of one may be left out. Raises ValueError."""
    true = np.asarray(y, dtype=np.float64)
    if [size for size in true.shape if size != 1] != [size for size in shape if size != 1]:
        raise ValueError(f"y has shape {true.shape}; expected {shape}: series, steps of the horizon, targets")
    return true.reshape(shape)


def _last(values: Values) -> NDArray[np.float64]:
    """The last known value of each channel (C,), NaN where there is none."""
    known = [column[~np.isnan(column)] for column in values.T]
    return np.array([column[-1] if len(column) else np.nan for column in known])
