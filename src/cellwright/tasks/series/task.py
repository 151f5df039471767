"""Series: what they are, how they go on, and which are unlike the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.evaluation.report import CONFUSION
from cellwright.tasks.series import run as folder_of
from cellwright.tasks.series.config import Columns, SeriesConfig
from cellwright.tasks.series.predictor import PREDICTORS, SeriesPredictor
from cellwright.tasks.series.prepare import prepare
from cellwright.tasks.series.run import SeriesRun, SeriesRunConfig
from cellwright.tasks.task import Prepared, Split, Task

if TYPE_CHECKING:
    from cellwright.evaluation.report import Report


class Series(Task[SeriesConfig, SeriesRunConfig, SeriesRun]):
    """Learn from numeric series."""

    name = SeriesConfig.task
    run_config = SeriesRunConfig
    pictures = (CONFUSION,)
    columns = tuple(Columns.model_fields)
    suggestions = ("predict {run} more.csv    (a file of series)", "evaluate {run} other.csv")

    def prepare(self, config: SeriesConfig, before: SeriesRunConfig | None) -> Prepared[SeriesConfig, SeriesRunConfig]:
        """Read and scale the series."""
        return prepare(config, before)

    def load(self, folder: Path, config: SeriesRunConfig) -> SeriesRun:
        """Read the weights."""
        return folder_of.load(folder, config)

    def predictor(self, run: SeriesRun) -> SeriesPredictor[Any]:
        """Labels, forecasts or scores."""
        return PREDICTORS[run.config.model.target](run)

    def evaluate(
        self,
        run: SeriesRun,
        data: str,
        split: Split,
        columns: Mapping[str, Any],
        say: Callable[[str], None],
        baselines: bool = True,
    ) -> Report:
        """Score beside baselines without a weight: nearest neighbour, last value, frequencies, the mean."""
        from cellwright.tasks.series.evaluate import evaluate  # scikit-learn, which predictions need not load

        return evaluate(run, data, split, columns, say, baselines)


TASK = Series()
