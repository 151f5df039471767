"""Pairs of a source and its targets: what a transducer learns from, and their splits.

    pairs.sources[0], pairs.targets[0]    # "read", ("R EH D", "R IY D")

A source that stands in several rows has several targets, each of which is right: the pronunciations of a word, the
translations of a sentence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cellwright.data.hash_split import check_shares, split_of
from cellwright.data.splits import SHARE, SPLITS, Splits
from cellwright.data.symbols import with_features
from cellwright.data.table import Table
from cellwright.data.wording import as_follows, counted, place
from cellwright.errors import InputError

PAIRS = "pairs"
"""What such a built-in set holds."""


@dataclass(frozen=True)
class Pairs:
    """N different sources in the order of their file, and the targets of each; the lists run side by side.

    `lines` holds the line on which a source stands first, counted from 1; `file` is the file or the built-in set.
    """

    sources: list[str]
    targets: list[tuple[str, ...]]
    lines: Sequence[int | str]
    file: str
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.sources)

    def where(self, index: int) -> str:
        """Say where a source stood, `words.csv, line 7`, to begin a message with."""
        return place(self.file, self.unit, self.lines[index])

    def take(self, indices: Iterable[int]) -> "Pairs":
        """Return the sources with these indices, in this order."""
        rows = list(indices)
        return Pairs(
            sources=[self.sources[row] for row in rows],
            targets=[self.targets[row] for row in rows],
            lines=[self.lines[row] for row in rows],
            file=self.file,
            unit=self.unit,
        )


def gather(table: Table) -> tuple[Pairs, list[str]]:
    """Make pairs of a table whose labels are the targets: all targets of one source, with its features, together.

    Left out, and counted in the notes: pairs with an empty side, and pairs that repeat an earlier one. Two texts are
    the same if they differ only in white space at their ends.

    Raises:
        InputError: no pair is left.

    """
    found: dict[str, dict[str, None]] = {}
    lines: list[int | str] = []
    empty: list[int] = []
    for row, (source, target) in enumerate(
        zip(map(str.strip, table.texts), map(str.strip, table.labels or []), strict=True)
    ):
        if not source or not target:
            empty.append(row)
            continue
        if table.features is not None:
            source = with_features(source, table.features[row])
        if source not in found:
            lines.append(table.lines[row])
        found.setdefault(source, {})[target] = None
    if not found:
        raise InputError(
            f"{table.source}: all {len(table):,} pairs have an empty side; expected a source and a target in each row"
        )
    pairs = Pairs(list(found), [tuple(targets) for targets in found.values()], lines, table.source, table.unit)
    return pairs, _notes(table, pairs, empty)


def split_pairs(
    pairs: Pairs, notes: Iterable[str] = (), *, validation: float = SHARE, test: float = SHARE
) -> Splits[Pairs]:
    """Give each source, with all its targets, to one split by the hash of `data.hash_split`.

    Raises:
        ValueError: the shares do not leave anything for training.

    """
    check_shares(validation, test)
    indices: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row, source in enumerate(pairs.sources):
        indices[split_of(source, validation, test)].append(row)
    return Splits({split: pairs.take(rows) for split, rows in indices.items()}, list(notes))


def _notes(table: Table, pairs: Pairs, empty: list[int]) -> list[str]:
    notes = [*table.notes]
    if empty:
        notes.append(f"{counted(len(empty), 'row')} with an empty side left out, the first on {table.where(empty[0])}")
    if doubles := len(table) - len(empty) - sum(map(len, pairs.targets)):
        notes.append(f"{counted(doubles, 'row')} left out that {as_follows(doubles, 'repeat')} an earlier pair")
    if several := sum(len(targets) > 1 for targets in pairs.targets):
        notes.append(f"{counted(several, 'source')} with several targets, each of which counts as right")
    return notes
