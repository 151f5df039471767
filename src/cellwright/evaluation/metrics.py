"""Scores of a classification: accuracy, macro-F1, each class, and the confusion matrix, through scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found."""

    label: str
    precision: float
    """Share of the texts given this label that bear it; 0 where none was given it."""
    recall: float
    """Share of the texts bearing this label that were given it; 0 where none bears it."""
    f1: float
    """Harmonic mean of precision and recall."""
    support: int
    """Number of texts that bear this label."""


@dataclass(frozen=True)
class Scores:
    """How well a set of texts is classified."""

    accuracy: float
    """Share of the texts given the right label."""
    macro_f1: float
    """Mean F1 of the classes that occur among the true or the given labels, each class counting alike."""
    classes: tuple[ClassScore, ...]
    """One score a class, in the order of `labels`."""
    confusion: tuple[tuple[int, ...], ...]
    """(classes, classes): row i, column j counts the texts that bear label i and were given label j."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of `classes` and of both sides of `confusion`."""
        return tuple(score.label for score in self.classes)

    @property
    def texts(self) -> int:
        """Number of texts scored."""
        return sum(score.support for score in self.classes)


def score(true: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Scores:
    """Scores of `predicted` against `true`, one label a text; every label is one of `labels`.

    Raises ValueError for no texts at all, and for lists of different lengths.
    """
    if not true:
        raise ValueError("score: there is no text to score; expected at least one")
    precision, recall, f1, support = precision_recall_fscore_support(
        true, predicted, labels=list(labels), zero_division=0.0
    )
    occurring = [i for i, label in enumerate(labels) if label in {*true, *predicted}]
    return Scores(
        accuracy=float(accuracy_score(true, predicted)),
        macro_f1=float(f1[occurring].mean()),
        classes=tuple(
            ClassScore(label, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(labels)
        ),
        confusion=tuple(tuple(map(int, row)) for row in confusion_matrix(true, predicted, labels=list(labels))),
    )
