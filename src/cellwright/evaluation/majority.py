"""The most frequent class: what a classifier reaches that reads nothing. Without scikit-learn, slow to load."""

from collections import Counter
from collections.abc import Sequence


def majority_class(labels: Sequence[str]) -> str:
    """The most frequent of the training labels; of equally frequent ones the first in the alphabet."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def majority_share(labels: Sequence[str], scored: Sequence[str]) -> float:
    """Share of the labels `scored`, at least one, that are the most frequent of the training labels."""
    return scored.count(majority_class(labels)) / len(scored)


def majority_macro_f1(labels: Sequence[str], scored: Sequence[str]) -> float:
    """Macro-F1 on the labels `scored`, at least one, of giving each the most frequent of the training labels."""
    most, counts = majority_class(labels), Counter(scored)
    right = [counts[most]] + [0] * len(counts.keys() - {most})
    true = [counts[most], *(count for label, count in counts.items() if label != most)]
    return macro_f1(right, true, [len(scored)] + [0] * (len(true) - 1))


def macro_f1(right: Sequence[float], true: Sequence[float], given: Sequence[float]) -> float:
    """Mean F1 of the classes that occur among the true labels or those given, by how often each is right, true, given.

    Raises ValueError where none occurs.
    """
    scores = [2 * a / (b + c) for a, b, c in zip(right, true, given, strict=True) if b + c]
    if not scores:
        raise ValueError("macro_f1: no label is true or given; expected at least one")
    return sum(scores) / len(scores)
