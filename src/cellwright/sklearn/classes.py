"""Labels of any kind as a model's classes, for the estimators that classify."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from cellwright.data.splits import Given
from cellwright.sklearn.estimator import ONE_PASS, Estimator


class LabelEstimator(Estimator):
    """What gives each of X's rows one of the labels in `classes_`."""

    def fit(self, X: Any, y: Any) -> Self:
        """Train; with `warm_start` from the weights there are.

        Args:
            X: what is to be labelled, N of it.
            y: (N,) labels.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from.

        """
        go_on = self._goes_on
        rows = self._rows(X, reset=not go_on)
        labels = _labels(y, len(rows))
        classes = np.unique(labels)
        if go_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"{type(self).__name__}: the classes of y are {classes.tolist()}, and warm_start goes on with those of "
                f"the fit before, {self.classes_.tolist()}; expected the same"
            )
        return self._learn(rows, labels, classes, self._share, go_on=go_on)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Train one pass over some rows, from the weights there are; the optimizer begins anew.

        Tokens and the scale of values are those of the first call.

        Args:
            X: what is to be labelled, N of it.
            y: (N,) labels.
            classes: all labels there will be, at the first call; None takes those of y.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from, or a label that is none of the classes.

        """
        go_on = self.__sklearn_is_fitted__()
        rows = self._rows(X, reset=not go_on)
        labels = _labels(y, len(rows))
        known = np.unique(labels if classes is None else np.asarray(classes))
        if go_on and classes is not None and not np.array_equal(known, self.classes_):
            raise ValueError(
                f"{type(self).__name__}: classes are {known.tolist()}; expected those of the first call, "
                f"{self.classes_.tolist()}"
            )
        known = self.classes_ if go_on else known
        return self._learn(rows, labels, known, 0.0, go_on=go_on, limits=ONE_PASS)

    def predict(self, X: Any) -> NDArray[Any]:
        """(N,) the most probable label of each; X as in fit.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        found = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[found.argmax(1)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """(N, K) probabilities of the labels in `classes_`; X as in fit.

        Raises:
            ValueError: X is not as in fit.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        said = self._said(self._rows(X, reset=False))
        names = names_of(self.classes_)
        return np.array([[each.probabilities[name] for name in names] for each in said])

    def _rows(self, X: Any, *, reset: bool) -> list[Any]:
        """X as a list."""
        raise NotImplementedError

    def _given(self, rows: list[Any], names: list[str], share: float) -> Any:
        """The splits of rows and their labels' names."""
        raise NotImplementedError

    def _said(self, rows: list[Any]) -> list[Any]:
        """What the predictor says of rows."""
        raise NotImplementedError

    def _learn(
        self,
        rows: list[Any],
        labels: NDArray[Any],
        classes: NDArray[Any],
        share: float,
        *,
        go_on: bool,
        limits: dict[str, Any] | None = None,
    ) -> Self:
        """Many arguments: rows with their labels, and how to learn from them."""
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__}: y has 1 class, {classes.tolist()[0]!r}; expected at least two classes to tell "
                "apart"
            )
        if unknown := sorted(set(labels.tolist()) - set(classes.tolist()), key=str):
            raise ValueError(f"{type(self).__name__}: y has {unknown}; expected labels of {classes.tolist()}")
        names = names_of(classes)
        number = {label: index for index, label in enumerate(classes.tolist())}
        splits = self._given(rows, [names[number[label]] for label in labels.tolist()], share)
        self._train(Given(splits, names), go_on=go_on, limits=limits)
        self.classes_ = classes
        return self


def names_of(classes: NDArray[Any]) -> list[str]:
    """The labels as a run's labels, which are text."""
    return [str(label) for label in classes.tolist()]


def _labels(y: Any, count: int) -> NDArray[Any]:
    """y as an array (N,)."""
    check_y(y)
    check_classification_targets(y)
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    check_count(labels, count)
    return labels


def check_count(y: Any, count: int) -> None:
    """Raise ValueError where X and y are not of as many rows."""
    if len(y) != count:
        raise ValueError(f"X has {count} rows and y {len(y)}: inconsistent numbers of samples; expected as many")


def check_y(y: Any) -> None:
    """Raise ValueError, in scikit-learn's words, where there is no y."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
