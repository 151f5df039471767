"""A text that stands in several rows: which of them are kept, since labels may contradict each other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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


def settle(table: Table, kept: NDArray[np.bool_], rows: Iterable[list[int]], duplicates: Duplicates) -> list[str]:
    """Say of each row of the texts that stand several times whether it is kept, and return sentences on the others.

    kept: (N,), of the other rows whether they are; of these it is written.
    rows: of each such text the rows that it stands in, in order.
    """
    labels = [""] * len(table) if table.labels is None else table.labels
    found = _Found()
    for group in rows:
        chosen = _kept(group, labels, duplicates)
        found.add(group, chosen, labels)
        kept[group] = False
        kept[list(chosen)] = True
    notes = []
    if found.doubles:
        done = "kept" if duplicates == "keep" else "left out"
        verb = as_follows(found.doubles, "repeat")
        notes.append(f"{counted(found.doubles, 'row')} {done} that {verb} an earlier text")
    if found.texts:
        notes.append(
            f"{counted(found.differing, 'row')} of {counted(found.texts, 'text')} that stand with different labels, "
            f"the first on {table.where(found.first)}: {KEPT[duplicates]}"
        )
    if found.texts and found.after.total() < found.before.total():
        after = Counter(label for label, is_kept in zip(labels, kept, strict=True) if is_kept)
        notes.append(_changes(after - found.after + found.before, after))
    return notes


@dataclass
class _Found:
    """What there is of texts that stand several times."""

    doubles: int = 0
    """Rows that repeat a text with its label."""
    texts: int = 0
    """Those whose labels differ; in how many rows, and the first of these."""
    differing: int = 0
    first: int = -1
    before: Counter[str] = field(default_factory=Counter)
    """Labels of all rows, and of those that are kept."""
    after: Counter[str] = field(default_factory=Counter)

    def add(self, group: Sequence[int], chosen: Sequence[int], labels: Sequence[str]) -> None:
        counts = Counter(labels[row] for row in group)
        self.before.update(counts)  # which += would look through whole
        self.after.update(labels[row] for row in chosen)
        if len(counts) == 1:
            self.doubles += len(group) - 1
        else:
            self.texts += 1
            self.differing += len(group)
            self.first = group[0] if self.first < 0 else min(self.first, group[0])


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
