"""Forecasts of channels that are 0 or 1, by how likely each is 1: `--objective forecast --likelihood bernoulli`."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from cellwright.data.scaling import no_scaling
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesBatch
from cellwright.data.splits import Splits
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.report import Report
from cellwright.models.forecaster import Forecaster, ahead_of, scored
from cellwright.tasks.series import forecast
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.means import means_of
from cellwright.tasks.series.objective import Model, SummedObjective
from cellwright.tasks.series.objective_spec import Learned
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.task import Baseline


class FramesObjective(SummedObjective):
    """Negative log likelihood of a frame of zeros and ones, in nats: the sum over its channels."""

    network = Forecaster

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every frame of which something is known and scored."""
        counted = scored(batch.known, batch.first, self.config.horizon)  # (B, T, K, C)
        logits = model(batch.values, batch.known, batch.lengths)[..., 0]
        future = ahead_of(batch.values, self.config.horizon)
        loss = binary_cross_entropy_with_logits(logits, future, reduction="none")
        return (loss * counted).sum(), counted.amax(-1).sum()


def check_binary(table: SeriesTable) -> None:
    """Raise InputError at the first value that is neither 0 nor 1."""
    for row, values in enumerate(table.values):
        for step, channel in np.argwhere(~np.isnan(values) & (values != 0) & (values != 1))[:1]:
            raise InputError(
                f"{table.at(row, step, channel)}: {values[step, channel]:g}; "
                "expected 0 or 1, which --likelihood bernoulli forecasts"
            )


def _scorable(config: SeriesConfig, table: SeriesTable) -> SeriesTable:
    check_binary(table)
    return forecast.forecastable(config, table)


def _refine(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    forecast.leave_out_short(config, splits)
    for table in splits.values():
        check_binary(table)


def _learned(config: SeriesConfig, train: SeriesTable) -> Learned:
    forecast.check_horizon(config, train)
    return Learned(scaling=no_scaling(len(train.channels)))


def _baseline(config: SeriesConfig, splits: Splits[SeriesTable], measure: Callable[[Model], float]) -> Baseline:
    frequencies = series_baselines.frequencies(splits["train"].values, config.horizon)
    return Baseline(measure(frequencies), "forecasting how often each channel is 1")


def _report(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> Report:
    # scikit-learn, which predictions need not load
    from cellwright.evaluation.series_reports import MODEL, MeanReport

    horizon = run.config.model.horizon
    models: dict[str, Model] = {MODEL: run.model}
    if train is not None:
        models["frequency of each channel"] = series_baselines.frequencies(train.values, horizon)
        models["state before of each channel"] = series_baselines.held(train.values, horizon)
    means, frames = means_of(models, FramesObjective, run, table, ahead=True)
    return MeanReport("nats a frame", "nll", f"{frames:,} frames forecast of {len(table):,} series", means)


SPEC = replace(
    forecast.SPEC,
    name="frames",
    objective=FramesObjective,
    baseline=_baseline,
    report=_report,
    learned=_learned,
    refine=_refine,
    scorable=_scorable,
)
