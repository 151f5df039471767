"""A number of each series."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cellwright.data.readers.numbers import is_number
from cellwright.data.scaling import Scaling, fit_scaling
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesBatch
from cellwright.data.splits import Splits
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.report import Report
from cellwright.models.series_regressor import SeriesRegressor
from cellwright.tasks.predictor import Prediction
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.objective import Model, SummedObjective, answers_of
from cellwright.tasks.series.objective_spec import Learned, ObjectiveSpec
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.run import SeriesRun, SeriesRunConfig
from cellwright.tasks.task import Baseline


class RegressObjective(SummedObjective):
    """Mean squared error of the number of a series, in deviations of the training split's."""

    network = SeriesRegressor

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every series."""
        errors = (model(batch.values, batch.known, batch.lengths) - answers_of(batch)).square()
        return errors.sum(), errors.new_tensor(len(errors))


@dataclass(frozen=True)
class NumberedSeries(Prediction):
    """The number that a model of series gives one."""

    name: str
    """The series'."""
    value: float
    """In the unit of the numbers learned from."""

    def line(self, text: str) -> str:
        """Name and number."""
        return f"{self.name}\t{self.value:.6g}"


class NumberPredictor(SeriesPredictor[NumberedSeries]):
    """A number of each series."""

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "series\tvalue"

    def _said(self, table: SeriesTable) -> list[NumberedSeries]:
        scaled = torch.zeros(len(table), 1)
        for indices, *_, found in self._outputs(self.stretches(table)):
            scaled[indices, 0] = found
        assert self.run.config.numbers is not None  # of a run of this objective
        values = self.run.config.numbers.undo(scaled.numpy())[:, 0].tolist()
        return [NumberedSeries(name, value) for name, value in zip(table.names, values, strict=True)]


def numbers_of(table: SeriesTable) -> list[float]:
    """The number to learn of each series. Raises InputError where there is none, or one that is not finite."""
    if table.labels is None:
        raise InputError(
            f"{table.source}: the series have no labels, which --objective regress learns; expected a number of each, "
            "in the column of --label in CSV, behind @targetLabel in .ts"
        )
    for row, label in enumerate(table.labels):
        if not is_number(label) or not np.isfinite(float(label)):
            raise InputError(
                f"{table.where(row)}: label {label[:40]!r} is no number, which --objective regress learns; expected a "
                "finite one, or --objective classify"
            )
    return [float(label) for label in table.labels]


def number_scaling(train: SeriesTable) -> Scaling:
    """Mean and deviation of the numbers to learn. Raises InputError where all are the same."""
    numbers = numbers_of(train)
    if len(set(numbers)) < 2:
        raise InputError(f"{train.source}: every number to learn is {numbers[0]:g}; expected at least two")
    return fit_scaling([np.array(numbers)[:, None]])


def _learned(config: SeriesConfig, train: SeriesTable) -> Learned:
    return Learned(numbers=number_scaling(train))


def _check_numbers(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    for table in splits.values():
        numbers_of(table)


def _answers(run: SeriesRunConfig, table: SeriesTable) -> Mapping[str, float]:
    assert run.numbers is not None  # of a run of this objective
    scaled = run.numbers.apply(np.array(numbers_of(table))[:, None])[:, 0]
    return dict(zip(table.labels or [], scaled.tolist(), strict=True))


def _baseline(config: SeriesConfig, splits: Splits[SeriesTable], measure: Callable[[Model], float]) -> Baseline:
    return Baseline(measure(series_baselines.mean_number), "always giving the mean of the training split")


def _report(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> Report:
    # scikit-learn, which predictions need not load
    from cellwright.evaluation.series_numbers import score_numbers
    from cellwright.evaluation.series_reports import MODEL

    true = numbers_of(table)
    told = {MODEL: [each.value for each in NumberPredictor(run).predict_series(table)]}
    if train is not None:
        scaled = [[run.config.scaling.of(v).apply(v) for v in each.values] for each in (train, table)]
        learned = numbers_of(train)
        told["linear model"] = series_baselines.linear_model(scaled[0], learned, scaled[1])
        told["mean"] = [float(np.mean(learned))] * len(table)
    return score_numbers(told, true)


SPEC = ObjectiveSpec(
    name="regress",
    objective=RegressObjective,
    predictor=NumberPredictor,
    baseline=_baseline,
    report=_report,
    learned=_learned,
    refine=_check_numbers,
    answers=_answers,
)
