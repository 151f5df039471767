"""What labels a table has: each spelled in one way, those that are missing counted."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cellwright.data.arrays import store_of
from cellwright.data.column import Names
from cellwright.data.duplicates import Duplicates
from cellwright.data.readers.numbers import MISSING
from cellwright.data.readers.values import listed
from cellwright.data.table import Table
from cellwright.data.wording import counted, shortened
from cellwright.errors import InputError

MOST_NUMBERS = 20
"""Of labels that are numbers: a scale of marks has no more, and what is measured has more."""

_WHOLE = re.compile(r"([+-]?[0-9]+)\.0+")
_NUMBER = re.compile(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


class LabelOptions(NamedTuple):
    """What becomes of labels that are missing or contradict each other."""

    duplicates: Duplicates = "majority"
    skip_missing: bool = False
    """Whether rows without a label are left out; else they are refused."""

    @staticmethod
    def of(options: Mapping[str, Any]) -> "LabelOptions":
        """Take these fields from the options of a run, of which some may lack."""
        return LabelOptions(**{name: options[name] for name in LabelOptions._fields if name in options})


def spelled(label: str) -> str:
    """Return the one spelling of a label: no white space at its ends, single spaces in it, composed characters (NFC),
    and a whole number without its zeros behind the point.

    >>> spelled(" very  good "), spelled("1.0"), spelled("1.5")
    ('very good', '1', '1.5')
    """
    label = " ".join(unicodedata.normalize("NFC", label).split())
    whole = _WHOLE.fullmatch(label)
    return whole[1] if whole else label


def one_spelling(
    labels: Sequence[str], source: str, kind: str = "label", row: str = "row"
) -> tuple[list[str], list[str]]:
    """Return the labels in one spelling each, and sentences on those that were spelled otherwise or nearly alike.

    kind, row: what they are called, and what has one each.
    """
    spelling, notes = spellings(Counter(labels), source, kind, row)
    return [spelling[label] for label in labels], notes


def spellings(
    found: Mapping[str, int], source: str, kind: str = "label", row: str = "row"
) -> tuple[dict[str, str], list[str]]:
    """Return of each label the one spelling, and the sentences; found: how often each stands; else as above."""
    spelling = {label: spelled(label) for label in found}
    changed = [label for label in sorted(found) if label != spelling[label]]
    notes = []
    if changed:
        pairs = [f"{label!r} ({counted(found[label], row)}) as {spelling[label]!r}" for label in changed]
        notes.append(f"{source}: {' and '.join(_spelled_otherwise(changed, kind))}: {shortened(pairs)}")
    return spelling, notes + _nearly_alike(set(spelling.values()), source, kind)


def _spelled_otherwise(labels: Sequence[str], kind: str) -> list[str]:
    """What does not count in a label, of all that these labels have."""
    composed = [unicodedata.normalize("NFC", label) for label in labels]
    plain = [" ".join(label.split()) for label in composed]
    found = {
        f"white space around {kind}s does not count": composed != plain,
        "zeros behind a whole number do not count": any(map(_WHOLE.fullmatch, plain)),
        "characters are composed (Unicode's NFC)": composed != list(labels),
    }
    return [sentence for sentence, there in found.items() if there]


def labelled(table: Table, column: str, options: LabelOptions) -> tuple[Table, list[str]]:
    """Return the rows that have a label, in one spelling each, and sentences on what was changed or left out.

    Rows with neither text nor label are no rows. Raises InputError for a text without a label, unless such are skipped.
    """
    assert table.labels is not None  # whoever asks has read some
    found = Names.of(table.labels)
    spelling, notes = spellings(Counter(found), table.source)
    labels = found.renamed(spelling)
    notes += _perhaps_missing(labels.counted(), table.source)
    missing = labels.rows_of([""])
    has_text = np.array([bool(table.texts[row].strip()) for row in missing.tolist()], bool)
    unlabelled, empty = missing[has_text], missing[~has_text]
    if len(unlabelled) and not options.skip_missing:
        raise InputError(
            f"{table.where(unlabelled[0])}: the label is missing in column {column!r}, as in {len(unlabelled):,} of "
            f"{counted(len(table), 'row')}; expected one in every row: fill them in, or leave such rows out with "
            "--skip-missing"
        )
    for rows, kind in ((unlabelled, "without a label"), (empty, "with neither text nor label")):
        if len(rows):
            notes.append(f"{counted(len(rows), 'row')} {kind} left out, the first on {table.where(rows[0])}")
    spelled_alike = replace(table, labels=labels, notes=[])
    if not len(missing):
        return spelled_alike, notes
    kept = labels.rows_of(set(labels.names) - {""}, store_of(table.texts))
    return spelled_alike.take(kept, key="labelled"), notes


def numbers(labels: Sequence[str]) -> str | None:
    """Say so where classes look like what is measured, and what to do; None where they don't."""
    if len(labels) <= MOST_NUMBERS or not all(map(_NUMBER.fullmatch, labels)):
        return None
    order = sorted(labels, key=lambda label: float(label.replace(",", ".")))
    return (
        f"the {len(labels):,} labels look like numbers, from {order[0]} to {order[-1]}, and each is a class of its own "
        "that a classifier does not know to lie between two others: if they are measured, put them into bands (low, "
        "middle, high) in a column of their own"
    )


def _perhaps_missing(found: Mapping[str, int], source: str) -> list[str]:
    """Say which labels are words that elsewhere mean that none is there."""
    return [
        f"{source}: the label {label!r} ({counted(found[label], 'row')}) is a class like any other: if it means that "
        "there is none, empty those cells, and --skip-missing leaves the rows out"
        for label in sorted(found)
        if label and label.casefold() in MISSING
    ]


def _nearly_alike(labels: Iterable[str], source: str, kind: str) -> list[str]:
    """Say which labels differ in case alone, and which in what nobody sees: full width and characters without any."""
    cased, seen = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for label in sorted(labels):
        cased[label.casefold()].append(label)
        seen[_as_seen(label)].append(label)
    alone = [group for group in seen.values() if len({label.casefold() for label in group}) > 1]
    return [
        f"{source}: {kind}s that differ in {what} are several: {shortened(list(map(listed, groups)))}"
        for what, groups in (
            ("case", [group for group in cased.values() if len(group) > 1]),
            ("characters of no width, or of another", alone),
        )
        if groups
    ]


def _as_seen(label: str) -> str:
    """What is to be seen of a label, in one case: no format characters, such as U+200B, and no full width."""
    compatible = unicodedata.normalize("NFKC", label)
    return "".join(each for each in compatible if unicodedata.category(each) != "Cf").casefold()
