"""Which split a row falls to: a hash of its text decides.

It depends on the text alone: not on its place in the file, nor on the other rows, nor on a seed.
So no text stands in two splits, and rows that are added later move none of the old ones. The price is that
the shares are met on average only.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import Growing, Store, chunks, rows_where, store_of
from cellwright.data.documents import pieces_of, stripped
from cellwright.data.duplicates import Duplicates, settle
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
    store, size = store_of(table.texts), len(table)
    hashes, without_text = hashed(table.texts), hashes_of([""])
    empty = rows_where(size, lambda part: hashes[part] == without_text, store)
    kept = store.empty(size, np.bool_)
    kept[:] = True
    kept[empty] = False
    notes = settle(table, kept, alike(table.texts, hashes, store), duplicates)
    places = hashed(table.texts, salt) if salt else hashes
    rows = rows_of_splits(places, kept, validation, test, store)
    key = [validation, test, salt, duplicates]
    splits = {split: table.take(rows[split], key=[split, *key]) for split in SPLITS}
    return Splits(splits, [*_without_text(table, empty), *notes, *unlearnable(splits)])


def rows_of_splits(
    hashes: NDArray[np.uint64], kept: NDArray[np.bool_], validation: float, test: float, store: Store
) -> dict[str, NDArray[np.int64]]:
    """Return the indices of each split's rows; kept: (N,) of each row whether it falls to any."""

    def between(low: float, high: float) -> NDArray[np.int64]:
        def falls(part: slice) -> NDArray[np.bool_]:
            place = _places(hashes[part])
            return kept[part] & (place >= low) & (place < high)

        return rows_where(len(hashes), falls, store)

    ends = {"test": (0.0, test), "validation": (test, test + validation), "train": (test + validation, 1.0)}
    return {split: between(*ends[split]) for split in SPLITS}


def hashed(texts: Sequence[str], salt: str = "") -> NDArray[np.uint64]:
    """The hashes of the texts behind the salt, where the texts lie."""

    def fill(growing: Growing) -> None:
        for part in chunks(len(texts), growing.rows):
            growing.append(part.stop - part.start, {"hashes": hashes_of(texts[part], salt)})

    made = store_of(texts).of(lambda: ["salt", salt]).made("hashes", {"hashes": np.uint64}, fill)
    return made.arrays["hashes"]


def alike(texts: Sequence[str], hashes: NDArray[np.uint64], store: Store) -> Iterator[list[int]]:
    """Yield of each text that stands several times its rows, white space at its ends aside; the empty one is none.

    hashes: (N,) of the texts: only texts whose hashes agree are compared.
    """
    several = _repeated(hashes, store)
    several = several[several != hashes_of([""])]
    if not len(several):
        return

    def repeat(part: slice) -> NDArray[np.bool_]:
        place = np.minimum(np.searchsorted(several, hashes[part]), len(several) - 1)
        found: NDArray[np.bool_] = several[place] == hashes[part]
        return found

    rows = rows_where(len(hashes), repeat, store)
    own = hashes[rows]
    order = np.argsort(own, kind="stable")
    begins = np.searchsorted(own, several, sorter=order)
    ends = np.append(begins[1:], len(rows))
    for part in chunks(len(several)):
        for begin, end in zip(begins[part].tolist(), ends[part].tolist(), strict=True):
            rows_of: dict[str, list[int]] = defaultdict(list)
            for row in rows[order[begin:end]].tolist():
                rows_of[texts[row].strip()].append(row)
            yield from (found for found in rows_of.values() if len(found) > 1)


def _repeated(hashes: NDArray[np.uint64], store: Store) -> NDArray[np.uint64]:
    """Return the hashes that stand several times, ascending, each once."""
    ordered = _in_order(hashes, store)
    found = [np.zeros(0, np.uint64)]
    for part in chunks(len(hashes) - 1):
        ones = ordered[part]
        found.append(np.unique(ones[ones == ordered[part.start + 1 : part.stop + 1]]))
    return np.unique(np.concatenate(found))


def _in_order(hashes: NDArray[np.uint64], store: Store) -> NDArray[np.uint64]:
    ordered = store.empty(len(hashes), np.uint64)
    ordered[:] = hashes
    ordered.sort()  # in its place
    return ordered


def among(table: Table, others: Table) -> int:
    """Count the rows whose text is one of the others', white space at its ends aside."""
    return texts_among(table.texts, others.texts)


def texts_among(texts: Sequence[str], others: Sequence[str]) -> int:
    """Count the texts whose hash is that of one of the others."""
    ordered = _in_order(hashed(others), store_of(others))
    hashes, count = hashed(texts), 0
    for part in chunks(len(hashes) if len(ordered) else 0):
        place = np.minimum(np.searchsorted(ordered, hashes[part]), len(ordered) - 1)
        count += int(np.count_nonzero(ordered[place] == hashes[part]))
    return count


def position(text: str) -> float:
    """Return the text's place in [0, 1): its SHA-256, without the white space at its ends."""
    return float(_places(hashes_of([text]))[0])


def hashes_of(texts: Sequence[str], salt: str = "") -> NDArray[np.uint64]:
    """Return the first 8 bytes of the SHA-256 of the salt and each text: (N,), N from 0 on.

    Without the white space at the ends of both together.
    """
    found = bytearray()
    for pieces in pieces_of(texts):
        digest = hashlib.sha256()
        for piece in stripped(chain([salt], pieces) if salt else pieces):
            # A lone surrogate cannot be encoded; it must not stop a table made by hand.
            digest.update(piece.encode("utf-8", "surrogatepass"))
        found += digest.digest()[:8]
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
    store, size = store_of(table.texts), len(table)
    has_text = store.empty(size, np.bool_)
    for part in chunks(size):
        has_text[part] = [any(map(str.strip, pieces)) for pieces in pieces_of(table.texts[part])]
    kept = rows_where(size, has_text.__getitem__, store)
    empty = rows_where(size, lambda part: ~has_text[part])
    return table.take(kept, key="with text"), _without_text(table, empty)


def _without_text(table: Table, empty: NDArray[np.int64]) -> list[str]:
    if not len(empty):
        return []
    return [f"{counted(len(empty), 'row')} without text left out, the first on {table.where(int(empty[0]))}"]


def unlearnable(splits: Mapping[str, Table]) -> list[str]:
    """Note each label that stands in another of these splits but not in training."""
    trained = set(splits["train"].labels or [])
    others = Counter(label for split, table in splits.items() if split != "train" for label in table.labels or [])
    return [
        f"label {label!r} has no row in the training split (of {counted(count, 'row')}), so that no model can learn it"
        for label, count in sorted(others.items())
        if label not in trained
    ]
