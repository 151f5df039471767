"""Scores of a classification: accuracy, macro-F1, each class, and the confusion matrix, through scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from cellwright.data.arrays import chunks
from cellwright.data.column import Names


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
    """Scores of `predicted` against `true`, one label a text; whatever is none of `labels` is wrong, and no class.

    Raises ValueError for no texts at all, and for lists of different lengths.
    """
    if not len(true):
        raise ValueError("score: there is no text to score; expected at least one")
    if len(true) != len(predicted):
        raise ValueError(
            f"score: {len(true)} true labels and {len(predicted)} predicted ones; expected as many of both"
        )
    counts = _confusion(true, predicted, labels)
    rows, columns = np.nonzero(counts)  # a text a pair of labels, which counts for all that have it
    weights, numbers = counts[rows, columns], range(len(labels))
    precision, recall, f1, support = precision_recall_fscore_support(
        rows, columns, labels=numbers, zero_division=0.0, sample_weight=weights
    )
    occurring = counts[:, :-1].sum(0) + counts[:-1].sum(1) > 0
    return Scores(
        accuracy=float(accuracy_score(rows, columns, sample_weight=weights)),
        macro_f1=float(f1[occurring].mean()),
        classes=tuple(
            ClassScore(label, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(labels)
        ),
        confusion=tuple(tuple(row) for row in counts[:-1, :-1].tolist()),
    )


def _confusion(true: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """(classes + 1, classes + 1): as `Scores.confusion`, and last all labels that are no class."""
    size, number = len(labels) + 1, {label: index for index, label in enumerate(labels)}
    counts = np.zeros(size * size, np.int64)
    for part in chunks(len(true)):
        rows, columns = (Names.of(each[part]).numbered(number).astype(np.int64) for each in (true, predicted))
        counts += np.bincount(rows % size * size + columns % size, minlength=size * size)  # −1 is what is no class
    return counts.reshape(size, size)
