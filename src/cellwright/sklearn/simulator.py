"""What other columns make of some at each step: `cellwright fit --task series --objective simulate`."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable, Values
from cellwright.evaluation.simulation import median_nse
from cellwright.sklearn.classes import check_y
from cellwright.sklearn.estimator import refusing
from cellwright.sklearn.inputs import steps_of
from cellwright.sklearn.numbers import NumberEstimator
from cellwright.sklearn.options import OfSimulations
from cellwright.sklearn.panel_estimator import PanelEstimator
from cellwright.sklearn.panels import check_same_times, is_long, names_at, panel_of, rows_in
from cellwright.tasks.series.predictor import readable


@dataclass(kw_only=True, eq=False, repr=False)
class Simulator(
    RegressorMixin,  # type: ignore[misc]  # as in estimator.py
    OfSimulations,
    NumberEstimator,
    PanelEstimator,
):
    """Numbers y of each step, from X up to that step and never from y: discharge from rain.

    X is a DataFrame with a row a step, whose columns `series` and `time`, or whose index, say of which series and when,
    or an array (steps, columns), which is one series; y has as many rows. Or X and y are lists, with a series in each.

        model = Simulator(static_covariates="area", warm_up=365).fit(frame[["series", "time", "rain", "area"]], flow)
        model.predict(frame)    # (rows,), or (rows, K) of K targets: the middle quantile
        model.score(frame, flow)    # the median over the series of the efficiency of Nash and Sutcliffe

    y is NaN where nothing was observed. The last `validation_share` of each series' steps choose the best epoch.
    `static_covariates` names columns of X, or gives their places from 0. With `cell="hbv"`, or another that reads
    columns by name, a rainfall-runoff model is calibrated. Options are those of `cellwright fit --task series
    --objective simulate`, and scikit-learn's, as in `SequenceClassifier`.
    """

    _task: ClassVar[str] = "series"
    _objective: ClassVar[dict[str, Any]] = {"objective": "simulate"}

    def predict(self, X: Any) -> Any:
        """The middle quantile of each step, in the form that y had in fit: (rows,), or (rows, K) of K targets.

        Of a list a list of such arrays, of an array (series, steps, columns) one array. Before the first step of a
        series nothing is known: the first ones, as many as `warm_up` might say, are worse.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        found = [each[:, each.shape[1] // 2] for each in self._simulated(X)]
        return self._as_given(X, [each[:, 0] for each in found] if self._one else found)

    def predict_quantiles(self, X: Any) -> Any:
        """All of the quantiles of each step, rising: (rows, K, Q), of a list a list, of an array an array.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        return self._as_given(X, [each.transpose(0, 2, 1) for each in self._simulated(X)])

    def score(self, X: Any, y: Any) -> float:
        """The efficiency of Nash and Sutcliffe, which of one series is R², and of several the median.

        Args:
            X: as in `fit`.
            y: as in `fit`; of each series the first `warm_up` steps are not scored.

        Returns:
            At most 1, which is best; 0 is as good as the mean of y.

        Raises:
            ValueError: X is not as in fit, or no target varies in what is scored.
            NotFittedError: the estimator is not fitted.

        """
        begin: int = self._simulating.run.config.learned.warm_up
        found = [each[:, each.shape[1] // 2] for each in self._simulated(X)]
        observed = self._observed(X, y, [len(each) for each in found], self._how(reset=False))
        score = median_nse([each[begin:] for each in found], [each[begin:] for each in observed])
        if np.isnan(score):
            raise ValueError(f"y: no series varies after the {begin} steps of warm_up; expected one that does")
        return score

    @property
    def _simulating(self) -> Any:
        check_is_fitted(self)
        return self._predictor

    def _simulated(self, X: Any) -> list[Values]:
        """(T_i, Q, K) of each series."""
        run = self._simulating.run
        with refusing(self):
            found: list[Values] = self._predictor.simulated(readable(run, self._panel(X, reset=False)))
        return found

    def _learn(self, X: Any, y: Any, share: float, *, go_on: bool, limits: dict[str, Any] | None = None) -> Self:
        check_y(y)
        with refusing(self):
            inputs = self._panel(X, reset=not go_on)
            lengths = [len(each) for each in inputs.values]
            observed = self._observed(X, y, lengths, self._how(reset=not go_on))
            names = _names_of(y, observed[0].shape[1])
            if twice := next((name for name in names if name in inputs.channels), None):
                raise ValueError(f"y is called {twice!r}, as a column of X is; expected another name, or X without it")
            static = names_at(self.static_covariates, inputs.channels, "static_covariates")
            named = {"targets": ",".join(names), "static_covariates": static}
            table = replace(
                inputs,
                values=[np.concatenate(both, axis=1) for both in zip(observed, inputs.values, strict=True)],
                channels=(*names, *inputs.channels),
                named=True,
            )
        self._learn_panel(table, named, share, go_on=go_on, limits=limits)
        if not go_on:
            self._one = _is_one(X, y)
        return self

    def _how(self, *, reset: bool) -> SeriesOptions:
        """How tables are read: in fit as the options say, then as in fit, whatever `set_params` has said since."""
        if reset:
            return SeriesOptions(series=self.series, time=self.time)
        learned = self._predictor.run.config
        found: SeriesOptions = learned.learned.reading_like(learned.channels[learned.model.targets :])
        return found

    def _panel(self, X: Any, *, reset: bool) -> SeriesTable:
        table = panel_of(self, X, self._how(reset=reset), told=True, reset=reset)
        if _is_flat(X) and (empty := len(X) - table.steps):
            raise ValueError(
                f"X has {len(X)} rows, of which {empty} without a single cell; expected none, as y has a row for each: "
                "leave them out in both"
            )
        return table

    def _observed(self, X: Any, y: Any, lengths: list[int], how: SeriesOptions) -> list[Values]:
        """y (T_i, K) of each series. Raises ValueError for another number of steps than X has."""
        if not _is_flat(X):
            found = [steps_of(each, row, "y") for row, each in enumerate(y)]
        else:
            check_same_times(X, y)
            rows = steps_of(y, 0, "y")
            if len(rows) != sum(lengths):
                raise ValueError(f"X has {sum(lengths)} rows and y {len(rows)}; expected as many")
            found = np.split(rows[_rows(X, how)], np.cumsum(lengths)[:-1])
        if [len(each) for each in found] != lengths:
            steps = [len(each) for each in found]
            raise ValueError(f"X has series of {lengths[:12]} steps and y of {steps[:12]}; expected as many")
        return found

    def _as_given(self, X: Any, found: list[Values]) -> Any:
        """What is said of the steps of each series, in the form of X."""
        if not _is_flat(X):
            return np.stack(found) if isinstance(X, np.ndarray) and X.ndim == 3 else found
        steps = np.concatenate(found)
        rows = np.empty_like(steps)
        rows[_rows(X, self._how(reset=False))] = steps
        return rows


def _rows(X: Any, how: SeriesOptions) -> NDArray[np.int64]:
    """Which row of X each step of its series is."""
    return rows_in(X, how) if is_long(X, how, told=True) else np.arange(len(X))


def _is_flat(X: Any) -> bool:
    """Whether a row is a step, rather than a series."""
    return getattr(X, "ndim", 0) == 2


def _is_one(X: Any, y: Any) -> bool:
    """Whether y is a number of each step, rather than a row of them."""
    return np.ndim(y if _is_flat(X) else y[0]) == 1


def _names_of(y: Any, count: int) -> list[str]:
    """The names of the targets: those of y where it has some."""
    first = y[0] if isinstance(y, (list, tuple)) and len(y) else y
    if hasattr(first, "columns"):
        return [str(name) for name in first.columns]
    if getattr(first, "name", None) is not None:
        return [str(first.name)]
    return ["y"] if count == 1 else [f"y{k + 1}" for k in range(count)]
