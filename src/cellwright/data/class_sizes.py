"""Classes of different sizes: which are rare, and weights by which all count alike."""

from collections import Counter
from collections.abc import Sequence

from cellwright.data.wording import shortened

RARE = 10
"""How many times the texts of a rare class the largest one has, at least."""


def balanced(labels: Sequence[str], classes: Sequence[str]) -> list[float]:
    """Return a weight a class by which all classes count alike, and labels 1 on average; 0 of one without labels.

    King and Zeng (2001), "Logistic regression in rare events data"; scikit-learn's `class_weight="balanced"`.
    """
    counts = Counter(labels)
    return [len(labels) / (len(counts) * counts[each]) if counts[each] else 0.0 for each in classes]


def rare(labels: Sequence[str]) -> str | None:
    """Say so where some classes have few labels beside the largest, and what to do; None where there are none."""
    counts = Counter(labels).most_common()
    largest, most = counts[0]
    few = [f"{label!r} ({count:,})" for label, count in counts[::-1] if count * RARE <= most]
    if not few:
        return None
    return (
        f"rare beside {largest!r} ({most:,} training texts): {shortened(few)}; --class-weights balanced lets each "
        "class count alike"
    )
