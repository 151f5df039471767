"""A label of each text: `cellwright fit --task classify`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.base import ClassifierMixin

from cellwright.data.splits import Splits
from cellwright.data.table import Table
from cellwright.sklearn.classes import LabelEstimator
from cellwright.sklearn.estimator import refusing
from cellwright.sklearn.inputs import held_out, strings
from cellwright.sklearn.options import OfTexts


@dataclass(kw_only=True, eq=False, repr=False)
class TextClassifier(ClassifierMixin, OfTexts, LabelEstimator):  # type: ignore[misc]  # as in estimator.py
    """A label of each text; X is a list, an array or a column of strings, in whatever language.

        model = TextClassifier(random_state=0).fit(texts, labels)
        model.predict(["The room was clean."])

    Options are those of `cellwright fit --task classify`, and scikit-learn's, as in `SequenceClassifier`.
    """

    _task: ClassVar[str] = "classify"

    def __sklearn_tags__(self) -> Any:
        """What it takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array, tags.input_tags.two_d_array, tags.input_tags.string = True, False, True
        return tags

    def _rows(self, X: Any, *, reset: bool) -> list[str]:
        return strings(X)

    def _given(self, rows: list[str], names: list[str], share: float) -> Splits[Table]:
        table = Table(rows, names, range(len(rows)), "X", "row")
        return held_out(table, rows, share, names)

    def _said(self, rows: list[str]) -> list[Any]:
        with refusing(self):
            said: list[Any] = self._predictor.predict(rows)
        return said
