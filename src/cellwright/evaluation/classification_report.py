"""A model's scores beside those of the majority class and of the linear baseline, on the same texts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cellwright.data.column import Names
from cellwright.data.table import Table
from cellwright.evaluation.baselines import linear_baseline
from cellwright.evaluation.confusion_matrix import draw_confusion
from cellwright.evaluation.majority import majority_class
from cellwright.evaluation.metrics import Scores, score
from cellwright.evaluation.mistakes import Mistakes
from cellwright.evaluation.report import CONFUSION, Report, Section

MOST_CLASSES = 12  # a wider confusion matrix breaks on 80 columns; the picture holds it


@dataclass(frozen=True)
class ClassificationReport(Report):
    """Scores of three models on the same texts; the baselines are None where there were no texts to fit them on."""

    model: Scores
    majority: Scores | None = None
    linear: Scores | None = None
    mistakes: Mistakes | None = None

    @property
    def counted(self) -> str:
        """How many texts."""
        return f"{self.model.texts:,} texts"

    def sections(self) -> list[Section]:
        """The scores of the models, of each class, and the confusion matrix where it is not too wide."""
        sections = [_models(self), classes_section(self.model)]
        return sections + ([confusion_section(self.model)] if len(self.model.labels) <= MOST_CLASSES else [])

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

    def verdict(self) -> str:
        """What the network adds to the linear baseline."""
        if self.linear is None:
            return f"The network labels {self.model.accuracy:.3f} of the texts correctly."
        gain = self.model.accuracy - self.linear.accuracy
        if gain < 0:
            return (
                f"The linear baseline is {-gain:.3f} ahead of the network: train longer, or with another --cell, "
                "--pooling or --learning-rate."
            )
        return f"The network adds {gain:.3f} to the accuracy of the linear baseline."

    def pictures(self) -> dict[str, Callable[[Path], None]]:
        """The confusion matrix."""
        return {CONFUSION: lambda path: draw_confusion(self.model, path)}


def compare(test: Table, predicted: Sequence[str], labels: Sequence[str], train: Table | None) -> ClassificationReport:
    """Score `predicted`, a model's labels for the texts of `test`, and the baselines fitted on `train`.

    test, train: tables with labels, each one of `labels`; train None leaves the baselines out.
    labels: the classes, in the order of the confusion matrix.
    """
    true = _labels(test)
    model = score(true, predicted, labels)
    if train is None:
        return ClassificationReport(model)
    majority = Names.repeated(majority_class(_labels(train)), len(true))
    linear = linear_baseline(train.texts, _labels(train), test.texts)
    return ClassificationReport(model, score(true, majority, labels), score(true, linear, labels))


def _labels(table: Table) -> Sequence[str]:
    if table.labels is None:
        raise ValueError(f"compare: {table.source} was read without labels; expected one a text")
    return table.labels


def _summary(scores: Scores) -> dict[str, float]:
    return {"accuracy": scores.accuracy, "macro_f1": scores.macro_f1}


def _models(comparison: ClassificationReport) -> Section:
    models = {
        "this model": comparison.model,
        "linear baseline": comparison.linear,
        "majority class": comparison.majority,
    }
    rows = [(name, f"{s.accuracy:.3f}", f"{s.macro_f1:.3f}") for name, s in models.items() if s is not None]
    return Section("scores", ("accuracy", "macro-F1"), rows)


def classes_section(scores: Scores, unit: str = "texts") -> Section:
    """Precision, recall and F1 of each class; `unit` is what was scored."""
    rows = [
        (each.label, *(f"{share:.3f}" for share in (each.precision, each.recall, each.f1)), f"{each.support:,}")
        for each in scores.classes
    ]
    return Section("each class", ("precision", "recall", "F1", unit), rows)


def confusion_section(scores: Scores) -> Section:
    """The confusion matrix."""
    rows = [(label, *(f"{n:,}" for n in row)) for label, row in zip(scores.labels, scores.confusion, strict=True)]
    return Section("confusion matrix: a row a true label, a column the label given", scores.labels, rows)
