"""Train, validation and test: shares of the data, files of their own, or nothing.

Of tables, pairs, sentences and series alike; which row falls to which share is `data/hash_split.py`'s.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

SPLITS = ("train", "validation", "test")
Split = Literal["train", "validation", "test", "all"]
"""What of some data is scored."""
SHARE = 0.1
"""Of the validation split, and of the test split, where nothing else is said."""
Rows = TypeVar("Rows", bound=Sized)

MANY = 100
"""Rows of which the shares by a hash are near those that were asked for, unless equal ones are many."""


class Splits(dict[str, Rows]):
    """The rows "train", "validation" and "test"; `notes` says in sentences what was left out and why.

    `without` names the splits that nobody asked for: they have no rows.
    """

    def __init__(self, splits: Mapping[str, Rows], notes: list[str]) -> None:
        super().__init__(splits)
        self.notes = notes
        self.without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Given(Generic[Rows]):
    """What is learned from where it is in memory, and no file of a run's options."""

    splits: Splits[Rows]
    labels: Sequence[str] = ()
    """The classes, or tags, there are: in the order of the model's outputs, and in the training rows or not."""


class SplitOptions(NamedTuple):
    """Files and shares, as far as someone says them."""

    validation: str | None = None
    """File that chooses the best epoch."""
    test: str | None = None
    """File for the final score."""
    validation_share: float | None = None
    """Share of the data that chooses the best epoch; None: the usual one, and none where a file does."""
    test_share: float | None = None
    """Share of the data for the final score; None: the usual one, and none where any file was given."""

    @staticmethod
    def of(options: Mapping[str, Any]) -> "SplitOptions":
        """Take these fields from the options of a run, of which some may lack."""
        return SplitOptions(**{name: options.get(name) for name in SplitOptions._fields})

    @property
    def files(self) -> dict[str, str]:
        """The file of each split that has one."""
        return {split: file for split, file in zip(SPLITS[1:], self[:2], strict=True) if file is not None}

    def shares(self, usual: float = SHARE) -> dict[str, float]:
        """Return the shares of the data itself that are held out: `{"validation": 0.1, "test": 0.1}`."""
        validation = usual if self.validation_share is None else self.validation_share
        # Who gives files says what is scored: nothing more is taken from what there is to learn from.
        test = (0.0 if self.files else usual) if self.test_share is None else self.test_share
        found = {"validation": validation, "test": test}
        return found | dict.fromkeys(self.files, 0.0)

    def without(self, usual: float = SHARE) -> frozenset[str]:
        """The splits that nobody asked for: neither a share nor a file."""
        return frozenset(split for split, share in self.shares(usual).items() if not share and split not in self.files)

    @property
    def scored(self) -> Literal["train", "validation", "test"]:
        """The split for the final score: "test", else "validation", else "train", where nothing is held out."""
        shares = self.shares()
        if "test" in self.files or shares["test"]:
            return "test"
        return "validation" if "validation" in self.files or shares["validation"] else "train"


@dataclass(frozen=True)
class Kind(Generic[Rows]):
    """Rows of one kind: how a file of them is read and split, and when two of them are the same."""

    read: Callable[[str], tuple[Rows, list[str]]]
    """Returns the rows of a file, and sentences on it."""
    split: Callable[..., Splits[Rows]]
    """Splits rows by shares, `split(rows, validation=0.1, test=0.1)`."""
    among: Callable[[Rows, Rows], int]
    """Counts the rows that are the same as one of others."""
    one: str
    """What one of them is called: "text"."""
    scorable: Callable[[Rows], tuple[Rows, list[str]]] = lambda rows: (rows, [])
    """Returns the rows of a whole file that a split may consist of, and sentences on the others."""


def open_splits(data: str, kind: Kind[Rows], options: SplitOptions, usual: float = SHARE) -> Splits[Rows]:
    """Return the splits of a file: shares of it, and in their place the whole of each file that a split has of its own.

    The notes say how many rows of such a file stand in training too. Raises InputError as `kind.read` does.
    """
    rows, notes = kind.read(data)
    shares = options.shares(usual)
    splits = kind.split(rows, **shares)
    splits.notes[:0] = [*notes, *uneven(data, splits, shares, kind.one)]
    splits.without = options.without(usual)
    for split, file in options.files.items():
        rows, notes = kind.read(file)
        splits[split], left = kind.scorable(rows)
        seen = kind.among(splits[split], splits["train"])
        leaked = what_flatters(seen, len(splits[split]), f"{kind.one}s")
        splits.notes += [*notes, *left, *(f"{split}: {said}" for said in leaked)]
    return splits


def uneven(data: str, splits: Splits[Any], shares: Mapping[str, float], one: str) -> list[str]:
    """Say which splits have much more or less than their share of many rows: those that are the same stay together."""
    total = sum(len(rows) for rows in splits.values())
    said = []
    for split, share in shares.items():
        count = len(splits[split])
        if total >= MANY and share and abs(count - share * total) > share * total / 2:
            said.append(
                f"{data}: {count / total:.1%} of the {one}s fall to the {split} split, where {share:.0%} were asked "
                f"for: equal ones stay together; --{split} FILE names others, or another --{split}-share draws others"
            )
    return said


def what_flatters(seen: int, count: int, rows: str) -> list[str]:
    """The sentence to say where `seen` of the `count` rows to be scored were trained on; none where none was."""
    said = f"{seen:,} of the {count:,} {rows} are among the training {rows}: the scores flatter"
    return [said] if seen else []


def counts(splits: Splits[Any]) -> str:
    """Return how many rows each split has: `2,400 train, 300 validation, no test`."""
    return ", ".join(
        f"no {split}" if split in splits.without else f"{len(rows):,} {split}" for split, rows in splits.items()
    )
