"""Scores of a model beside those of its baselines, in a form that a terminal, JSON and a picture can be made of."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellwright.evaluation.mistakes import Mistakes

CONFUSION = "confusion.png"
"""Name of a confusion matrix in a run folder."""
ALIGNMENT = "alignment.png"
"""Name of a picture of what a decoder looked at."""


@dataclass(frozen=True)
class Section:
    """A table of numbers: the names of its columns, and one row a name."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    """The row's name, then a cell a column."""


class Report(ABC):
    """What an evaluation found."""

    mistakes: "Mistakes | None" = None
    """The examples that the model is wrong about, the surest first; None where answers are not right or wrong."""

    @property
    @abstractmethod
    def counted(self) -> str:
        """What was scored, as in "1,733 texts"."""

    @abstractmethod
    def sections(self) -> list[Section]:
        """The scores as tables, that of model and baselines first."""

    @abstractmethod
    def as_json(self) -> dict[str, Any]:
        """The same for machines."""

    @abstractmethod
    def verdict(self) -> str:
        """What the network adds to its baselines, in a sentence."""

    def pictures(self) -> dict[str, Callable[[Path], None]]:
        """What can be drawn: a file's name in the run folder, and what writes the PNG to a path."""
        return {}
