"""Which split a row falls to: a hash of its text decides.

It depends on the text alone: not on its place in the file, nor on the other rows, nor on a seed.
So no text stands in two splits, and rows that are added later move none of the old ones. The price is that
the shares are met on average only.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cellwright.data.duplicates import Duplicates, settled
from cellwright.data.splits import SHARE, SPLITS, Splits
from cellwright.data.table import Table
from cellwright.data.wording import counted
from cellwright.stages import staged


@staged(lambda table, **_: f"sharing {len(table):,} texts out to train, validation and test")
def split_table(
    table: Table,
    *,
    validation: float = SHARE,
    test: float = SHARE,
    salt: str = "",
    duplicates: Duplicates = "majority",
) -> Splits[Table]:
    """Give each distinct text of the table to one split.

    Left out, and counted in the notes: empty texts, and what `duplicates` leaves out of those that stand several
    times. Two texts are the same if they differ only in white space at their ends.

    Args:
        table: the rows, labelled or not.
        validation: the share of texts for choosing the best epoch, in [0, 1).
        test: the share of texts for the final score, in [0, 1); together below 1.
        salt: another one draws splits that have nothing to do with these, as to split one of them again.
        duplicates: which rows are kept of a text that stands several times, with one label or several.

    Raises:
        ValueError: the shares do not leave anything for training.

    """
    check_shares(validation, test)
    hashes = hashes_of(table.texts)
    empty = np.flatnonzero(hashes == hashes_of([""])).tolist()
    single, several = _alike(table.texts, hashes, frozenset(empty))
    rows, notes = settled(table, single, several, duplicates)
    places = _places(hashes[rows] if not salt else hashes_of([salt + table.texts[row] for row in rows.tolist()]))
    fall = {"test": places < test, "validation": (places >= test) & (places < test + validation)}
    fall["train"] = ~(fall["test"] | fall["validation"])
    splits = {split: table.take(rows[fall[split]]) for split in SPLITS}
    return Splits(splits, [*_without_text(table, empty), *notes, *unlearnable(splits)])


def _alike(
    texts: Sequence[str], hashes: NDArray[np.uint64], empty: frozenset[int]
) -> tuple[NDArray[np.int64], list[list[int]]]:
    """Return the rows whose text stands once, and the rows of each other text, white space at its ends aside.

    hashes: (N,) of the texts: only texts whose hashes agree are compared. empty: rows to leave out.
    """
    order = np.argsort(hashes, kind="stable")
    # Where in that order another hash begins.
    begins = np.flatnonzero(np.r_[True, np.diff(hashes[order]) != 0]) if len(order) else np.zeros(0, np.int64)
    sizes = np.diff(begins, append=len(order))
    single, several = [order[begins[sizes == 1]]], list[list[int]]()
    for begin, size in zip(begins[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        rows_of: dict[str, list[int]] = defaultdict(list)
        for row in order[begin : begin + size].tolist():
            rows_of[texts[row].strip()].append(row)
        several += rows_of.values()
    once = [rows[0] for rows in several if len(rows) == 1]
    found = np.concatenate([*single, np.array(once, np.int64)])
    found = found[~np.isin(found, list(empty))] if empty else found
    return found, sorted(rows for rows in several if len(rows) > 1 and rows[0] not in empty)


def position(text: str) -> float:
    """Return the text's place in [0, 1): its SHA-256, without the white space at its ends."""
    return float(_places(hashes_of([text]))[0])


def hashes_of(texts: Sequence[str]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of each text's SHA-256, without the white space at its ends: (N,), N from 0 on."""
    # A lone surrogate cannot be encoded; it must not stop a table made by hand.
    found = bytearray()
    for text in texts:
        found += hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).digest()[:8]
    return np.frombuffer(found, ">u8").astype(np.uint64)


def _places(hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The places in [0, 1) that the first 4 bytes of hashes mean."""
    return (hashes >> np.uint64(32)).astype(np.float64) / 2**32


def check_shares(validation: float, test: float) -> None:
    """Raise ValueError for shares of validation and test that leave nothing for training."""
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ValueError(
            f"shares of {validation} for validation and {test} for test; expected two from 0 on, together below 1"
        )


def split_of(text: str, validation: float, test: float) -> str:
    """Return the split of a text, white space at its ends aside."""
    place = position(text)
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def with_text(table: Table) -> tuple[Table, list[str]]:
    """Return the rows that have a text, and a note on those that have none: what a file of one split is read as."""
    kept = [row for row, text in enumerate(table.texts) if text.strip()]
    empty = sorted(set(range(len(table))) - set(kept))
    return table.take(kept), _without_text(table, empty)


def _without_text(table: Table, empty: list[int]) -> list[str]:
    if not empty:
        return []
    return [f"{counted(len(empty), 'row')} without text left out, the first on {table.where(empty[0])}"]


def unlearnable(splits: Mapping[str, Table]) -> list[str]:
    """Note each label that stands in another of these splits but not in training."""
    trained = set(splits["train"].labels or [])
    others = Counter(label for split, table in splits.items() if split != "train" for label in table.labels or [])
    return [
        f"label {label!r} has no row in the training split (of {counted(count, 'row')}), so that no model can learn it"
        for label, count in sorted(others.items())
        if label not in trained
    ]
