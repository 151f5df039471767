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
