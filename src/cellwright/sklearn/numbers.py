"""Estimators that learn the numbers y of X."""

from typing import Any, Self

from cellwright.sklearn.estimator import ONE_PASS, Estimator


class NumberEstimator(Estimator):
    """What learns numbers: of each series one, or of each of its steps."""

    def fit(self, X: Any, y: Any) -> Self:
        """Train; with `warm_start` from the weights there are.

        Args:
            X: N series, as the class takes them.
            y: the numbers of each, as the class takes them.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from.

        """
        return self._learn(X, y, self._share, go_on=self._goes_on)

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Train one pass over some series, from the weights there are; the optimizer begins anew.

        The scale of values and numbers is that of the first call.

        Args:
            X: as in `fit`.
            y: as in `fit`.

        Returns:
            The estimator.

        Raises:
            ValueError: what cannot be learned from.

        """
        return self._learn(X, y, 0.0, go_on=self.__sklearn_is_fitted__(), limits=ONE_PASS)

    def _learn(self, X: Any, y: Any, share: float, *, go_on: bool, limits: dict[str, Any] | None = None) -> Self:
        """Train on X and y, `share` of which choose the epoch, from the weights there are with `go_on`."""
        raise NotImplementedError
