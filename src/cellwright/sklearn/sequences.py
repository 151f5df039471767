"""A class or a number of each numeric series: `cellwright fit --task series`."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d

from cellwright.data.series import SeriesTable, Values
from cellwright.data.splits import Given, Splits
from cellwright.sklearn.classes import LabelEstimator, check_count, check_y
from cellwright.sklearn.estimator import refusing
from cellwright.sklearn.inputs import held_out, series_of, table_of
from cellwright.sklearn.numbers import NumberEstimator
from cellwright.sklearn.options import SERIES, OfWholeSeries


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceClassifier(ClassifierMixin, OfWholeSeries, LabelEstimator):  # type: ignore[misc]  # as in estimator.py
    """A class of each series.

    X is (N, steps, channels), a table with a series of one channel in each row, a list of arrays (steps, channels) or
    (steps,) of any lengths, or a DataFrame whose cells hold series, a column a channel, as sktime has it. NaN is a
    missing value.

        model = SequenceClassifier(hidden_size=32, random_state=0).fit(X, y)
        model.predict(X), model.predict_proba(X), model.score(X, y)

    Options are those of `cellwright fit --task series --objective classify`, and of scikit-learn: `random_state`,
    `warm_start` (fit goes on from the weights there are), `verbose` (says each epoch's scores). `validation_share` of
    the series choose the best epoch; 0: none do, and the last is kept.
    """

    label_smoothing: float = SERIES.label_smoothing

    _task: ClassVar[str] = "series"
    _objective: ClassVar[dict[str, Any]] = {"objective": "classify"}

    def __sklearn_tags__(self) -> Any:
        """What it takes."""
        return _takes_series(super().__sklearn_tags__())

    def _rows(self, X: Any, *, reset: bool) -> list[Values]:
        return series_of(self, X, reset=reset)

    def _given(self, rows: list[Values], names: list[str], share: float) -> Splits[SeriesTable]:
        return held_out(table_of(rows, names), _keys(rows), share, names)

    def _said(self, rows: list[Values]) -> list[Any]:
        with refusing(self):
            said: list[Any] = self._predictor.predict_series(table_of(rows))
        return said


@dataclass(kw_only=True, eq=False, repr=False)
class SequenceRegressor(RegressorMixin, OfWholeSeries, NumberEstimator):  # type: ignore[misc]  # as in estimator.py
    """A number of each series. X and options are those of `SequenceClassifier`, with `--objective regress`.

    model = SequenceRegressor(hidden_size=32, random_state=0).fit(X, y)
    model.predict(X), model.score(X, y)    # R²
    """

    _task: ClassVar[str] = "series"
    _objective: ClassVar[dict[str, Any]] = {"objective": "regress"}

    def __sklearn_tags__(self) -> Any:
        """What it takes."""
        return _takes_series(super().__sklearn_tags__())

    def predict(self, X: Any) -> NDArray[np.float64]:
        """(N,) the number of each series; X as in fit.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        with refusing(self):
            said: Any = self._predictor.predict_series(table_of(series_of(self, X, reset=False)))
        return np.array([each.value for each in said])

    def _learn(self, X: Any, y: Any, share: float, *, go_on: bool, limits: dict[str, Any] | None = None) -> Self:
        check_y(y)
        rows = series_of(self, X, reset=not go_on, ensure_min_samples=1 if go_on else 2)
        numbers = column_or_1d(y, warn=True, dtype=np.float64)
        check_count(numbers, len(rows))
        if not np.isfinite(numbers).all():
            raise ValueError("Input y contains NaN or infinity; expected numbers")
        table = table_of(rows, [repr(float(number)) for number in numbers])
        return self._train(Given(held_out(table, _keys(rows), share)), go_on=go_on, limits=limits)


def _keys(rows: list[Values]) -> list[str]:
    """By which series are the same, as in files."""
    return [values.tobytes().hex() for values in rows]


def _takes_series(tags: Any) -> Any:
    tags.input_tags.three_d_array = True
    tags.input_tags.allow_nan = True
    return tags
