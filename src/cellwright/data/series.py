"""Numeric series with their labels, and where each stood in its file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cellwright.data.hash_split import split_of
from cellwright.data.splits import SHARE, SPLITS, Splits

SERIES = "numeric series"
"""What a built-in set of them says it holds."""
Values = NDArray[np.float64]


def numbered(channels: int) -> tuple[str, ...]:
    """The names of channels that have none: 1, 2, …."""
    return tuple(str(k + 1) for k in range(channels))


class Roles(NamedTuple):
    """How many channels tell of the targets, which are forecast or simulated; they stand behind these, in this order.

    Without any, every channel is a target.
    """

    past: int = 0
    """Past covariates: known up to the present step."""
    future: int = 0
    """Future covariates: known for the steps to be forecast too."""
    static: int = 0
    """Static covariates: one number in all steps of a series."""
    simulated: bool = False
    """Whether targets follow from the covariates alone, rather than from what they were before."""

    @property
    def covariates(self) -> int:
        """All that are no targets."""
        return self.past + self.future + self.static


class Clock(Protocol):
    """Says when the steps behind a series come."""

    def ahead(self, present: int, steps: int) -> list[str]:
        """When so many steps from number `present`, from 0, on come, as texts; none where nothing tells."""


NONE = Roles()
"""Of a table all of whose channels are forecast, or whose channels have no part to play."""


def place_of_step(where: str, lines: Sequence[int], step: int, channel: str) -> str:
    """Where a value stood, to begin a message with: on the line of its step, or in the series that stood there.

    >>> place_of_step("a.csv, line 2", (2, 3), 1, "x"), place_of_step("a.ts, line 2", (), 1, "x")
    ("a.csv, line 3, column 'x'", "a.ts, line 2, step 2, channel 'x'")
    """
    if step >= len(lines):
        return f"{where}, step {step + 1}, channel {channel!r}"
    return f"{where.rpartition(' ')[0]} {lines[step]}, column {channel!r}"


@dataclass(frozen=True)
class SeriesTable:
    """N series in the order of their file; the lists run side by side.

    `values` holds of each its steps by its channels (T_i, C), T_i from 1 on, NaN where a value is missing, never
    infinite. `names` are theirs in the file, or their numbers from 1. `labels` is None where the file has none.
    `places` says where each stood, `line 7`. `source` is the file or the built-in set, as messages name it. `firsts`
    holds the step from which on each is scored: those before are told only. Left out, it is the first of all. `lines`
    says on which line, or row, of the file each step stood, as far as one did; left out, none has one. `named`
    says whether the file named its channels: else they are called 1, 2, …. `notes` says in sentences how it was read.
    `roles` says what the channels are. `clocks` say when what is forecast comes; None of a series without times.
    """

    values: list[Values]
    names: list[str]
    labels: list[str] | None
    places: list[str]
    channels: tuple[str, ...]
    source: str
    firsts: list[int] = field(default_factory=list)
    lines: list[Sequence[int]] = field(default_factory=list)
    named: bool = True
    notes: tuple[str, ...] = ()
    roles: Roles = NONE
    clocks: Sequence[Clock | None] = ()

    def __post_init__(self) -> None:
        if not self.firsts:
            object.__setattr__(self, "firsts", [0] * len(self.values))
        if not self.lines:
            object.__setattr__(self, "lines", [()] * len(self.values))
        if not self.clocks:
            object.__setattr__(self, "clocks", [None] * len(self.values))
        columns = (self.values, self.names, self.places, self.firsts, self.lines, self.clocks, self.labels)
        sizes = {len(column) for column in columns if column is not None}
        if len(sizes) > 1:
            raise ValueError(
                f"SeriesTable: {len(self.values)} series, {len(self.names)} names, {len(self.labels or [])} labels and "
                f"{len(self.places)} places; expected as many of each"
            )

    def __len__(self) -> int:
        return len(self.values)

    def where(self, index: int) -> str:
        """Say where a series stood, `speech.ts, line 7`, to begin a message with."""
        return f"{self.source}, {self.places[index]}"

    def at(self, index: int, step: int, channel: int) -> str:
        """Say where a value stood, from 0 on, to begin a message with: on a line of its own, or in a series."""
        return place_of_step(self.where(index), self.lines[index], step, self.channels[channel])

    def take(self, indices: Iterable[int]) -> "SeriesTable":
        """Return the series with these indices, in this order."""
        rows = list(indices)
        return replace(
            self,
            values=[self.values[row] for row in rows],
            names=[self.names[row] for row in rows],
            labels=None if self.labels is None else [self.labels[row] for row in rows],
            places=[self.places[row] for row in rows],
            firsts=[self.firsts[row] for row in rows],
            lines=[self.lines[row] for row in rows],
            clocks=[self.clocks[row] for row in rows],
        )

    def until(self, ends: Sequence[int], firsts: Sequence[int]) -> "SeriesTable":
        """Return the series up to a step of each, scored from another on; those with nothing to score are left out."""
        cut = replace(self, values=[v[:end] for v, end in zip(self.values, ends, strict=True)], firsts=list(firsts))
        return cut.take(row for row, (end, first) in enumerate(zip(ends, firsts, strict=True)) if first < end)

    @property
    def steps(self) -> int:
        """Steps of all series together."""
        return sum(map(len, self.values))

    @property
    def targets(self) -> int:
        """How many channels, the first, are forecast or simulated: without covariates all."""
        return len(self.channels) - self.roles.covariates

    @property
    def of_targets(self) -> "SeriesTable":
        """The same series of the targets alone."""
        count = self.targets
        values = [values[:, :count] for values in self.values]
        return replace(self, values=values, channels=self.channels[:count], roles=NONE)

    @property
    def ends(self) -> list[int]:
        """Of each series its steps up to the last of which a target is known; future covariates may go on."""
        return [self.end(row) for row in range(len(self))]

    def end(self, row: int) -> int:
        """The same of one series."""
        known = np.flatnonzero(~np.isnan(self.values[row][:, : self.targets]).all(1))
        return int(known[-1]) + 1 if len(known) else 0

    def present(self, row: int) -> int:
        """Steps of a series after which it is forecast: all, or with covariates those up to the last of a target."""
        return self.end(row) if self.roles.covariates and not self.roles.simulated else len(self.values[row])

    def missing_in(self, row: int) -> NDArray[np.bool_]:
        """(T, C) of a series: which values are missing that a model would read, which sees no target it simulates."""
        missing = np.isnan(self.values[row])
        if self.roles.simulated:
            missing[:, : self.targets] = False
        if self.roles.covariates and not self.roles.simulated:
            missing[self.present(row) :, not_ahead(len(self.channels), self.roles)] = False
        return missing

    @property
    def missing(self) -> int:
        """How many these are."""
        return sum(int(self.missing_in(row).sum()) for row in range(len(self)))


def not_ahead(channels: int, roles: Roles) -> NDArray[np.bool_]:
    """(C,): which channels nobody knows ahead, all but the future covariates."""
    begin = channels - roles.static - roles.future
    unknown = np.ones(channels, dtype=np.bool_)
    unknown[begin : begin + roles.future] = False
    return unknown


def split_series(table: SeriesTable, *, validation: float = SHARE, test: float = SHARE) -> Splits[SeriesTable]:
    """Give each series to a split, by a hash of its values: equal ones stand in one split, wherever they came from."""
    indices: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row, values in enumerate(table.values):
        indices[split_of(values.tobytes().hex(), validation, test)].append(row)
    return Splits({split: table.take(rows) for split, rows in indices.items()}, [])


def cut_series(table: SeriesTable, *, validation: float = SHARE, test: float = SHARE) -> Splits[SeriesTable]:
    """Cut each series in time: its first steps are the training split, those that follow validation and test.

    What came before is told in every split, and only the split's own steps are scored.
    """
    ends = [len(values) for values in table.values]
    tests = [end - round(end * test) for end in ends]
    validations = [start - round(end * validation) for start, end in zip(tests, ends, strict=True)]
    splits = {
        "train": table.until(validations, [0] * len(ends)),
        "validation": table.until(tests, validations),
        "test": table.until(ends, tests),
    }
    return Splits(splits, [])
