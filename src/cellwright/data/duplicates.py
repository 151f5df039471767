"""A text that stands in several rows: which of them are kept, since labels may contradict each other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cellwright.data.table import Table
from cellwright.data.wording import as_follows, counted, shortened

Duplicates = Literal["majority", "first", "drop", "keep"]
"""What is kept of a text that stands several times: once, with its most frequent label or with that of its first row;
once, or not at all where its labels differ; every row."""
KEPT: dict[Duplicates, str] = {
    "majority": "each text is kept once, with its most frequent label (of equally frequent ones that which stands "
    "first); --duplicates drop leaves such texts out, keep keeps every row",
    "first": "each text is kept once, with the label of its first row",
    "drop": "all are left out",
    "keep": "all are kept",
}


def settled(
    table: Table, single: NDArray[np.int64], rows: Iterable[list[int]], duplicates: Duplicates
) -> tuple[NDArray[np.int64], list[str]]:
    """Return which rows to keep, in order, and sentences on the others.

    single: the rows whose text stands once.
    rows: of each other text the rows that it stands in, in order.
    """
    labels = [""] * len(table) if table.labels is None else table.labels
    groups = list(rows)
    agreeing = [group for group in groups if len({labels[row] for row in group}) == 1]
    differing = [group for group in groups if len({labels[row] for row in group}) > 1]
    chosen = [row for group in groups for row in _kept(group, labels, duplicates)]
    notes = []
    if doubles := sum(len(group) - 1 for group in agreeing):
        done = "kept" if duplicates == "keep" else "left out"
        notes.append(f"{counted(doubles, 'row')} {done} that {as_follows(doubles, 'repeat')} an earlier text")
    if differing:
        notes.append(
            f"{counted(sum(map(len, differing)), 'row')} of {counted(len(differing), 'text')} that stand with "
            f"different labels, the first on {table.where(min(differing)[0])}: {KEPT[duplicates]}"
        )
    if differing and len(chosen) < sum(map(len, groups)):
        once = Counter(labels[row] for row in single.tolist())
        before = once + Counter(labels[row] for group in groups for row in group)
        notes.append(_changes(before, once + Counter(labels[row] for row in chosen)))
    return np.sort(np.concatenate([single, np.array(chosen, np.int64)])), notes


def _kept(group: Sequence[int], labels: Sequence[str], duplicates: Duplicates) -> Sequence[int]:
    """Those rows of one text that are kept."""
    counts = Counter(labels[row] for row in group)
    if duplicates == "keep":
        return group
    if duplicates == "drop" and len(counts) > 1:
        return []
    # max() and Counter keep to the order of the rows where counts are equal.
    chosen = labels[group[0]] if duplicates == "first" else max(counts, key=lambda label: counts[label])
    return [next(row for row in group if labels[row] == chosen)]


def _changes(before: Counter[str], after: Counter[str]) -> str:
    """Say how many rows each class had and has, those first that lost the largest share."""
    order = sorted(before, key=lambda label: (after[label] / before[label], label))
    return "rows of each class, before and after: " + shortened(
        [f"{label!r} {before[label]:,} → {after[label]:,}" for label in order]
    )
