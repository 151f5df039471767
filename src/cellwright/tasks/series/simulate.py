"""What other columns make of one: at each step the targets, from the covariates up to that step, by quantiles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cellwright.data.scaling import fit_scaling
from cellwright.data.series import SeriesTable, Values
from cellwright.data.series_batches import SeriesBatch
from cellwright.data.splits import SPLITS, Splits
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.report import Report
from cellwright.models.forecaster import pinball
from cellwright.models.process_model import ProcessModel
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.models.simulator import Simulator
from cellwright.tasks.predictor import Prediction
from cellwright.tasks.series import step_quantiles
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.covariates import check_covariates
from cellwright.tasks.series.objective import Model, SummedObjective
from cellwright.tasks.series.objective_spec import Learned, ObjectiveSpec
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.process import (
    MEDIAN,
    check_complete_inputs,
    check_possible,
    check_possible_targets,
    is_process,
    ranges_of,
    scaling_of,
)
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.series.step_quantiles import Step
from cellwright.tasks.task import Baseline


def simulator(config: SeriesModelConfig) -> nn.Module:
    """The network, or the process model."""
    return ProcessModel(config) if config.is_process else Simulator(config)


class SimulateObjective(SummedObjective):
    """Mean pinball loss of a simulated number, in the channel's deviations."""

    network = staticmethod(simulator)

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every number that is known and scored."""
        targets, steps = self.config.targets, torch.arange(batch.values.shape[1])
        counted = batch.known[..., :targets] * (steps >= batch.first[:, None])[..., None]  # (B, T, targets)
        found = model(batch.values, batch.known, batch.lengths)
        loss = pinball(found, batch.values[..., :targets], found.new_tensor(self.config.quantiles))
        return (loss * counted).sum(), counted.sum()


@dataclass(frozen=True)
class Simulation(Prediction):
    """What a simulator says of each step of a series."""

    name: str
    """The series'."""
    steps: list[Step]
    """Of each step, of each target by name, its quantiles by name."""

    def line(self, text: str) -> str:
        """A line a step and target: name, number of the step, target and the quantiles."""
        return step_quantiles.as_lines(self.as_rows())

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a step and target, named as in the header of lines."""
        return step_quantiles.rows_of(self.name, "step", self.steps)


class SimulationPredictor(SeriesPredictor[Simulation]):
    """The targets at each step, window by window: each but the first begins with half a window that tells the past.

    A process model reads each series whole.
    """

    windowed = True

    @property
    def window(self) -> int | None:
        """Most steps that are read at once: no limit of what costs no memory, and would lose what a store holds."""
        return None if self.run.config.model.is_process else super().window

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "\t".join(["series", "step", "channel", *step_quantiles.names_of(self.run.config.model)])

    def _said(self, table: SeriesTable) -> list[Simulation]:
        names = step_quantiles.names_of(self.run.config.model)
        return [
            Simulation(name, step_quantiles.named(found, self.run.config.channels, names))
            for name, found in zip(table.names, self.simulated(table), strict=True)
        ]

    def simulated(self, table: SeriesTable) -> list[Values]:
        """Of each series the quantiles (T, Q, targets) of its steps from the first that is scored on."""
        read = self.stretches(table)
        parts: dict[int, Values] = {}
        for indices, rows, _, found in self._outputs(read):
            for index, (example, _, scaling), output in zip(
                indices, rows, found.transpose(-1, -2).numpy(), strict=True
            ):
                own = scaling.first(output.shape[-1])
                parts[index] = own.undo(output[example.first : len(example.values)])
        of_series: list[list[Values]] = [[] for _ in table.values]
        for index, row in enumerate(read.series):
            of_series[row].append(parts[index])
        return [np.concatenate(each) for each in of_series]


def _learned(config: SeriesConfig, train: SeriesTable) -> Learned:
    if not is_process(config.cell):
        return Learned(quantiles=config.levels)
    scaling = scaling_of(train)
    units = tuple(scaling.first(train.targets).deviation)
    return Learned(quantiles=MEDIAN, scaling=scaling, units=units, ranges=ranges_of(config))


def _refine(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    for split in (name for name in SPLITS if name not in splits.without):
        if is_process(config.cell):
            check_possible(splits[split], config.cell)
            check_complete_inputs(config, splits[split])
        kept = _warmed_up(config, splits[split])
        if short := len(splits[split]) - len(kept):
            splits.notes.append(f"{short} series no longer than the warm-up left out of the {split} split")
        splits[split] = kept
    check_covariates(splits["train"])


def _warmed_up(config: SeriesConfig, table: SeriesTable) -> SeriesTable:
    """The series scored from the end of the warm-up on, which those alone are that last longer."""
    firsts = [max(first, config.warm_up) for first in table.firsts]
    check_possible_targets(table, config.cell)
    found = table.until([len(values) for values in table.values], firsts)
    if not len(found):
        raise InputError(
            f"{table.source}: no series is longer than the {config.warm_up} steps of --warm-up; expected one that is: "
            "give fewer"
        )
    return found


def _baseline(config: SeriesConfig, splits: Splits[SeriesTable], measure: Callable[[Model], float]) -> Baseline:
    fitted, levels = fit_scaling(splits["train"].of_targets.values), len(config.levels)
    mean = np.zeros(len(fitted.mean))
    if is_process(config.cell):  # whose numbers are no distances from it
        mean, levels = np.array(fitted.mean) / fitted.deviation, len(MEDIAN)
    return Baseline(measure(series_baselines.constant(mean, levels)), "always giving the mean of the training split")


def _report(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> Report:
    # scikit-learn, which predictions need not load
    from cellwright.evaluation.series_reports import MODEL
    from cellwright.evaluation.simulation import SimulationReport, score_simulation

    config, scaling = run.config.model, run.config.scaling.first(run.config.model.targets)
    told: dict[str, Sequence[Values]] = {MODEL: SimulationPredictor(run).simulated(table)}
    rows = list(zip(table.of_targets.values, table.firsts, strict=True))
    if train is not None:
        fitted = fit_scaling(train.values)  # not the run's: a process model reads columns as they are
        inputs, asked = ([fitted.apply(v)[:, config.targets :] for v in t.values] for t in (train, table))
        scales = fitted.first(config.targets)
        learned = [scales.apply(values).astype(np.float64) for values in train.of_targets.values]
        linear = series_baselines.linear_filter(inputs, learned, asked)
        told[series_baselines.LINEAR_FILTER] = [
            scales.undo(found[first:])[:, None] for found, (_, first) in zip(linear, rows, strict=True)
        ]
        told["mean"] = [
            np.broadcast_to(scales.mean, (len(values) - first, 1, config.targets)) for values, first in rows
        ]
    true = [values[first:] for values, first in rows]
    models = {name: score_simulation(found, true, config.quantiles, scaling.deviation) for name, found in told.items()}
    interval = config.quantiles[-1] - config.quantiles[0]
    return SimulationReport(models, run.config.channels[: config.targets], interval, _parameters(run, table))


@torch.inference_mode()
def _parameters(run: SeriesRun, table: SeriesTable) -> dict[str, list[float]]:
    """Of a process model the parameters of each series, by name."""
    if not isinstance(run.model, ProcessModel):
        return {}
    first = np.stack([run.config.scaling.apply(values[:1]) for values in table.values])
    return {name: found.tolist() for name, found in run.model.parameters_of(torch.from_numpy(first)).items()}


SPEC = ObjectiveSpec(
    name="simulate",
    objective=SimulateObjective,
    predictor=SimulationPredictor,
    baseline=_baseline,
    report=_report,
    learned=_learned,
    refine=_refine,
    scorable=_warmed_up,
    steps_are="simulated",
)
