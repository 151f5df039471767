"""What an objective of series consists of: a row of the table in `objectives.py`, in a file of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cellwright.data.scaling import Scaling
from cellwright.data.series import SeriesTable
from cellwright.data.splits import Splits
from cellwright.evaluation.report import Report
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.objective import Model, SeriesObjective
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.run import SeriesRun, SeriesRunConfig
from cellwright.tasks.task import Baseline


class Learned(NamedTuple):
    """What the training split says beside the series themselves."""

    labels: Sequence[str] = ()
    """The classes."""
    quantiles: tuple[float, ...] = ()
    """What is forecast of each number."""
    numbers: Scaling | None = None
    """Mean and deviation of the number to learn."""
    scaling: Scaling | None = None
    """What the model's numbers are in units of; None: as the options and the values say."""
    units: tuple[float, ...] = ()
    """Of a process model the deviations of its targets."""
    ranges: Mapping[str, tuple[float, float]] = {}
    """What its parameters lie between."""


def _whole(config: SeriesConfig, table: SeriesTable) -> SeriesTable:
    return table


def _as_they_are(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    pass


@dataclass(frozen=True)
class ObjectiveSpec:
    """One thing that can be learned from series: the model with its loss, what answers, and what it is held against."""

    name: str
    """That of the option, or "frames": forecasts of what is 0 or 1."""
    objective: type[SeriesObjective]
    """The model and its loss."""
    predictor: type[SeriesPredictor[Any]]
    """Puts a run to use."""
    baseline: Callable[[SeriesConfig, Splits[SeriesTable], Callable[[Model], float]], Baseline]
    """The validation score that costs nothing; the last argument scores a model."""
    report: Callable[[SeriesRun, SeriesTable, SeriesTable | None], Report]
    """Scores a run on a table beside baselines, some of them fitted on the training split; None: without those."""
    learned: Callable[[SeriesConfig, SeriesTable], Learned] = lambda config, train: Learned()
    """What the training split says. Raises InputError."""
    refine: Callable[[SeriesConfig, Splits[SeriesTable]], None] = _as_they_are
    """Leaves out of the splits, in place, what has nothing to learn from. Raises InputError where nothing is left."""
    scorable: Callable[[SeriesConfig, SeriesTable], SeriesTable] = _whole
    """The series of a table that can be scored. Raises InputError where there are none."""
    answers: Callable[[SeriesRunConfig, SeriesTable], Mapping[str, float]] = lambda run, table: {}
    """The number that is learned of each label."""
    steps_are: str | None = None
    """What is done to the steps, "forecast", "simulated" or "restored": were all missing, a mean over none would be
    perfect."""
    ahead: bool = False
    """Whether the scored steps are forecast from those before them."""
    layers: tuple[str, ...] = ("recurrent",)
    """Names of the model's recurrent layers."""

    @property
    def windowed(self) -> bool:
        """Whether a long series is read in windows."""
        return self.predictor.windowed
