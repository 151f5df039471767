"""What chooses the best epoch and what gives the final score: shares of the data, files of their own, or nothing."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from cellwright.data.split import SHARE, SIDES, Parted

Rows = TypeVar("Rows")


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
        """The file of each side that has one."""
        return {side: file for side, file in zip(SIDES[1:], self[:2], strict=True) if file is not None}

    def shares(self, usual: float = SHARE) -> dict[str, float]:
        """Return the shares of the data itself that are held out: `{"validation": 0.1, "test": 0.1}`."""
        validation = usual if self.validation_share is None else self.validation_share
        # Who gives files says what is scored: nothing more is taken from what there is to learn from.
        test = (0.0 if self.files else usual) if self.test_share is None else self.test_share
        found = {"validation": validation, "test": test}
        return found | dict.fromkeys(self.files, 0.0)

    @property
    def scored(self) -> Literal["train", "validation", "test"]:
        """The side for the final score: "test", else "validation", else "train", where nothing is held out."""
        shares = self.shares()
        if "test" in self.files or shares["test"]:
            return "test"
        return "validation" if "validation" in self.files or shares["validation"] else "train"


@dataclass(frozen=True)
class Kind(Generic[Rows]):
    """Rows of one kind: how a file of them is read and split, and when two of them are the same."""

    read: Callable[[str], tuple[Rows, list[str]]]
    """Returns the rows of a file, and sentences on it."""
    split: Callable[..., Parted[Rows]]
    """Splits rows by shares, `split(rows, validation=0.1, test=0.1)`."""
    keys: Callable[[Rows], list[Hashable]]
    """Returns of each row what is equal in rows that are the same."""
    name: str
    """What they are called: "texts"."""
    scorable: Callable[[Rows], tuple[Rows, list[str]]] = lambda rows: (rows, [])
    """Returns the rows of a whole file that a side may consist of, and sentences on the others."""


def open_splits(data: str, kind: Kind[Rows], options: SplitOptions, usual: float = SHARE) -> Parted[Rows]:
    """Return the sides of a file: shares of it, and in their place the whole of each file that a side has of its own.

    The notes say how many rows of such a file stand in training too. Raises InputError as `kind.read` does.
    """
    rows, notes = kind.read(data)
    shares = options.shares(usual)
    sides = kind.split(rows, **shares)
    sides.notes[:0] = notes
    sides.without = frozenset(side for side, share in shares.items() if not share and side not in options.files)
    trained = set(kind.keys(sides["train"])) if options.files else set()
    for side, file in options.files.items():
        rows, notes = kind.read(file)
        sides[side], left = kind.scorable(rows)
        keys = kind.keys(sides[side])
        leaked = what_flatters(sum(key in trained for key in keys), len(keys), kind.name)
        sides.notes += [*notes, *left, *(f"{side}: {said}" for said in leaked)]
    return sides


def what_flatters(seen: int, count: int, rows: str) -> list[str]:
    """The sentence to say where `seen` of the `count` rows to be scored were trained on; none where none was."""
    said = f"{seen:,} of the {count:,} {rows} are among the training {rows}: the scores flatter"
    return [said] if seen else []


def counts(sides: Parted[Any]) -> str:
    """Return how many rows each side has: `2,400 train, 300 validation, no test`."""
    return ", ".join(f"no {side}" if side in sides.without else f"{len(rows):,} {side}" for side, rows in sides.items())
