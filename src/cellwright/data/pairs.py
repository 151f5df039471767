"""Pairs of a source and its targets: what a transducer learns from, and their splits.

    pairs.sources[0], pairs.targets[0]    # "read", ["R EH D", "R IY D"]

A source that stands in several rows has several targets, each of which is right: the pronunciations of a word, the
translations of a sentence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import Growing, Store, chunks, counting, ends_of, places_in_stretches, rows_where, store_of
from cellwright.data.column import Bare, Names, taken
from cellwright.data.hash_split import alike, check_shares, hashed, rows_of_splits, texts_among
from cellwright.data.lists import Lists
from cellwright.data.splits import SHARE, SPLITS, Splits
from cellwright.data.symbols import behind
from cellwright.data.table import Table
from cellwright.data.wording import as_follows, counted, place
from cellwright.errors import InputError
from cellwright.stages import staged

PAIRS = "pairs"
"""What such a built-in set holds."""


@dataclass(frozen=True)
class Pairs:
    """N different sources in the order of their file, and the targets of each; the columns run side by side.

    The targets lie one behind the other: `targets.items` are all of them. `lines` holds the line on which a source
    stands first, counted from 1; `file` is the file or the built-in set.
    """

    sources: Sequence[str]
    targets: Lists
    lines: Sequence[int | str]
    file: str
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.sources)

    def where(self, index: int) -> str:
        """Say where a source stood, `words.csv, line 7`, to begin a message with."""
        return place(self.file, self.unit, self.lines[index])

    def take(self, indices: Iterable[int] | NDArray[np.int64], key: object = None) -> "Pairs":
        """Return the sources with these indices, in this order; key: as of `Table.take`."""
        rows = indices if isinstance(indices, np.ndarray) else np.array(list(indices), np.int64)
        store, of_targets = (store_of(each).of(lambda: key) for each in (self.sources, self.targets.items))
        return Pairs(
            sources=taken(self.sources, rows, store),
            targets=self.targets.apart(rows, of_targets),
            lines=taken(self.lines, rows, store),
            file=self.file,
            unit=self.unit,
        )


@staged(lambda table: f"bringing together the targets of each source of {len(table):,} rows")
def gather(table: Table) -> tuple[Pairs, list[str]]:
    """Make pairs of a table whose labels are the targets: all targets of one source, with its features, together.

    Left out, and counted in the notes: pairs with an empty side, and pairs that repeat an earlier one. Two texts are
    the same if they differ only in white space at their ends.

    Raises:
        InputError: no pair is left.

    """
    store, features = store_of(table.texts), table.features
    endings = None if features is None else _behind(Names.of(features))
    sources, targets = Bare(table.texts, endings), Bare(table.labels or [])
    made = store.made(
        "pairs",
        {"first": np.int64, "rows": np.int64, "counts": np.int32},
        lambda growing: _group(growing, table, sources, targets),
    )
    first, rows, counts = (made.arrays[name] for name in ("first", "rows", "counts"))
    if not len(first):
        raise InputError(
            f"{table.source}: all {len(table):,} pairs have an empty side; expected a source and a target in each row"
        )
    # Tokens of both are told apart by their stores.
    of_sources, of_targets = store.of(lambda: "sources"), store.of(lambda: "targets")
    pairs = Pairs(
        sources=sources.take(first, of_sources),
        targets=Lists.side_by_side(targets.take(rows, of_targets), counts, of_targets),
        lines=taken(table.lines, first, of_sources),
        file=table.source,
        unit=table.unit,
    )
    return pairs, _notes(table, pairs, **made.told)


def split_pairs(
    pairs: Pairs, notes: Iterable[str] = (), *, validation: float = SHARE, test: float = SHARE
) -> Splits[Pairs]:
    """Give each source, with all its targets, to one split by the hash of `data.hash_split`.

    Raises:
        ValueError: the shares do not leave anything for training.

    """
    check_shares(validation, test)
    every = np.broadcast_to(np.True_, len(pairs))
    rows = rows_of_splits(hashed(pairs.sources), every, validation, test, store_of(pairs.sources))
    return Splits({split: pairs.take(rows[split], [split, validation, test]) for split in SPLITS}, list(notes))


def among(pairs: Pairs, others: Pairs) -> int:
    """Count the sources that are one of the others."""
    return texts_among(pairs.sources, others.sources)


def _behind(features: Names) -> Names:
    return features.renamed({name: behind(name) for name in features.names})


def _group(growing: Growing, table: Table, sources: Bare, targets: Bare) -> dict[str, int]:
    """Find the rows where each source stands first, and those of its targets, one source's behind the other's.

    Returns what `_notes` says.
    """
    store, size = store_of(table.texts), len(table)
    kept = store.empty(size, np.bool_)
    for part in chunks(size):
        sides = zip(table.texts[part], targets[part], strict=True)
        kept[part] = [bool(target and source.strip()) for source, target in sides]
    empty = rows_where(size, lambda part: ~kept[part], store)
    beginning = counting(size, store)  # of each row the first one with its source
    for group in alike(sources, hashed(sources), store):
        _settle([row for row in group if kept[row]], targets, kept, beginning)
    first = rows_where(size, lambda part: kept[part] & (beginning[part] == np.arange(part.start, part.stop)), store)
    rows = rows_where(size, kept.__getitem__, store)
    counts, ordered = _by_source(rows, first, beginning, store)
    if not growing.rows:  # else a process before was ended behind its only append
        growing.append(len(rows), {"first": first, "rows": ordered, "counts": counts})
    return {"empty": len(empty), "at": int(empty[0]) if len(empty) else -1}


def _settle(rows: Sequence[int], targets: Bare, kept: NDArray[np.bool_], beginning: NDArray[np.int64]) -> None:
    """Say of the rows of one source which is the first, and keep each target once."""
    seen = set[str]()
    for row in rows:
        target = targets[row]
        kept[row] = target not in seen
        seen.add(target)
        beginning[row] = rows[0]


def _by_source(
    rows: NDArray[np.int64], first: NDArray[np.int64], beginning: NDArray[np.int64], store: Store
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return how many targets each source has, and the rows of all, one source's behind the other's."""

    def numbered(part: slice) -> NDArray[np.int64]:
        return np.searchsorted(first, beginning[rows[part]])

    counts = store.empty(len(first), np.int32)
    counts[:] = 0
    for part in chunks(len(rows)):
        np.add.at(counts, numbered(part), 1)
    places = ends_of(counts, store)  # of the next target of each source
    places -= counts
    ordered = store.empty(len(rows), np.int64)
    for part in chunks(len(rows)):
        numbers = numbered(part)
        order = np.argsort(numbers, kind="stable")
        those, begins, sizes = np.unique(numbers[order], return_index=True, return_counts=True)
        ordered[places_in_stretches(places[those], sizes, begins + sizes)] = rows[part][order]
        places[those] += sizes
    return counts, ordered


def _notes(table: Table, pairs: Pairs, empty: int, at: int) -> list[str]:
    """Sentences on what was left out; at: the first row with an empty side."""
    notes, sizes = [*table.notes], pairs.targets.sizes
    if empty:
        notes.append(f"{counted(empty, 'row')} with an empty side left out, the first on {table.where(at)}")
    if doubles := len(table) - empty - len(pairs.targets.items):
        notes.append(f"{counted(doubles, 'row')} left out that {as_follows(doubles, 'repeat')} an earlier pair")
    if several := sum(int(np.count_nonzero(sizes[part] > 1)) for part in chunks(len(sizes))):
        notes.append(f"{counted(several, 'source')} with several targets, each of which counts as right")
    return notes
