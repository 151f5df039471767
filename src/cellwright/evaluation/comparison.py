"""A model's scores beside those of the majority class and of the linear baseline, on the same texts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cellwright.data.table import Table
from cellwright.evaluation.baselines import linear_baseline, majority_class
from cellwright.evaluation.metrics import Scores, score


@dataclass(frozen=True)
class Comparison:
    """Scores of three models on the same texts; the baselines are None where there were no texts to fit them on."""

    model: Scores
    majority: Scores | None = None
    linear: Scores | None = None

    def as_json(self) -> dict[str, Any]:
        """The comparison as `evaluate --json` prints it."""
        return {
            "texts": self.model.texts,
            "labels": list(self.model.labels),
            "model": {
                **_summary(self.model),
                "classes": [asdict(each) for each in self.model.classes],
                "confusion": [list(row) for row in self.model.confusion],
            },
            "majority": self.majority and _summary(self.majority),
            "linear": self.linear and _summary(self.linear),
        }


def compare(test: Table, predicted: Sequence[str], labels: Sequence[str], train: Table | None) -> Comparison:
    """Score `predicted`, a model's labels for the texts of `test`, and the baselines fitted on `train`.

    test, train: tables with labels, each one of `labels`; train None leaves the baselines out.
    labels: the classes, in the order of the confusion matrix.
    """
    true = _labels(test)
    model = score(true, predicted, labels)
    if train is None:
        return Comparison(model)
    majority = [majority_class(_labels(train))] * len(true)
    linear = linear_baseline(train.texts, _labels(train), test.texts)
    return Comparison(model, score(true, majority, labels), score(true, linear, labels))


def _labels(table: Table) -> list[str]:
    if table.labels is None:
        raise ValueError(f"compare: {table.source} was read without labels; expected one a text")
    return table.labels


def _summary(scores: Scores) -> dict[str, float]:
    return {"accuracy": scores.accuracy, "macro_f1": scores.macro_f1}
