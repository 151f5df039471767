"""The steps that follow the last one of each series, by quantiles of numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from cellwright.data.series import SeriesTable, Values
from cellwright.data.series_batches import SeriesBatch, SeriesExample, collate_series
from cellwright.data.splits import SPLITS, Splits
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.report import Report
from cellwright.evaluation.series_scores import Forecasts, measures_of, score_forecasts
from cellwright.models.forecaster import Forecaster, ahead_of, pinball, scored
from cellwright.tasks.predictor import Prediction
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.examples import Stretch, examples_of, stretches_of
from cellwright.tasks.series.objective import BATCH_STEPS, Model, SummedObjective
from cellwright.tasks.series.objective_spec import Learned, ObjectiveSpec
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.task import Baseline
from cellwright.tasks.texts import batches_of


class ForecastObjective(SummedObjective):
    """Mean pinball loss of a forecast number, in the channel's deviations."""

    network = Forecaster

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every number that is known and scored."""
        counted = scored(batch.known, batch.first, self.config.horizon)  # (B, T, K, C)
        ahead = model(batch.values, batch.known, batch.lengths)  # (B, T, K, C, Q)
        future = ahead_of(batch.values, self.config.horizon)
        loss = pinball(ahead, future, ahead.new_tensor(self.config.quantiles))
        return (loss * counted).sum(), counted.sum()


@dataclass(frozen=True)
class Forecast(Prediction):
    """What a forecaster says of the steps that follow the last one of a series."""

    name: str
    """The series'."""
    ahead: list[dict[str, dict[str, float]]]
    """Of each step ahead, of each channel by name, its quantiles by name, or the probability of a 1."""

    def line(self, text: str) -> str:
        """A line a step ahead and channel: name, steps ahead, channel and the quantiles."""
        shown = [
            {name: f"{v:.6g}" if isinstance(v, float) else str(v) for name, v in r.items()} for r in self.as_rows()
        ]
        return "\n".join("\t".join(row.values()) for row in shown)

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a step ahead and channel, named as in the header of lines."""
        return [
            {"series": self.name, "ahead": k, "channel": channel, **values}
            for k, step in enumerate(self.ahead, start=1)
            for channel, values in step.items()
        ]


class ForecastPredictor(SeriesPredictor[Forecast]):
    """The steps that follow the last one, from the last window of a series."""

    windowed = True

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "\t".join(["series", "ahead", "channel", *self._names])

    @property
    def _names(self) -> list[str]:
        return [f"{q:g}" for q in self.run.config.model.quantiles] or ["probability"]

    def _said(self, table: SeriesTable) -> list[Forecast]:
        read = self.stretches(table)
        said: dict[int, Forecast] = {}
        for indices, batch, ahead in self._outputs(read):
            last = cast(Forecaster, self.run.model).forecast(ahead, batch.lengths)  # (B, K, C, Q)
            for index, found in zip(indices, last.transpose(-1, -2).numpy(), strict=True):
                steps = [self._step(read[index].scaling.undo(step)) for step in found]
                said[index] = Forecast(table.names[index], steps)
        return [said[index] for index in range(len(table))]

    def stretches(self, table: SeriesTable) -> list[Stretch]:
        """As many steps of each series as are read at once, up to its last."""
        window, found = self.run.config.options["window"], []
        for row, values in enumerate(table.values):
            scaling = self.run.config.scaling.of(values[-window:])
            # All of it: what is too far from the others is named by its step in the series.
            found.append(Stretch(SeriesExample(scaling.apply(values, table.where(row))[-window:]), row, scaling))
        return found

    def _step(self, values: Values) -> dict[str, dict[str, float]]:
        """(Q, C) by name."""
        return {
            channel: dict(zip(self._names, values[:, c].tolist(), strict=True))
            for c, channel in enumerate(self.run.config.channels)
        }


def forecastable(table: SeriesTable) -> SeriesTable:
    """The series in which a step follows another. Raises InputError where there are none."""
    kept = table.take(row for row, values in enumerate(table.values) if len(values) > 1)
    if not len(kept):
        raise InputError(f"{table.source}: every series has one step, and nothing follows it; expected more")
    return kept


def leave_out_short(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    """Leave out, and note, the series in which no step follows another. Raises InputError where none is left."""
    for split in (name for name in SPLITS if name not in splits.without):
        kept = forecastable(splits[split])
        if short := len(splits[split]) - len(kept):
            splits.notes.append(f"{short} series of one step left out of the {split} split: nothing follows")
        splits[split] = kept


def _learned(config: SeriesConfig, train: SeriesTable) -> Learned:
    return Learned(quantiles=config.levels)


def _baseline(config: SeriesConfig, splits: Splits[SeriesTable], measure: Callable[[Model], float]) -> Baseline:
    repeated = series_baselines.repeated(config.horizon, len(config.levels))
    return Baseline(measure(repeated), "forecasting the last value")


def _report(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> Report:
    # scikit-learn, which predictions need not load
    from cellwright.evaluation.series_reports import MODEL, ForecastReport

    options = run.config.learned
    horizon, levels = run.config.model.horizon, run.config.model.quantiles
    baselines = {"last value": series_baselines.repeated(horizon, len(levels))}
    if options.season_length is not None:
        baselines["value a season before"] = series_baselines.repeated(horizon, len(levels), options.season_length)
    scaling = run.config.scaling
    alike = scaling.by == "training"
    measures = measures_of(table, scaling.deviation if alike else None, options.season_length)
    stretched = stretches_of(table, scaling, options.window, ahead=True)
    whole = stretches_of(table, scaling, None, ahead=True)
    models = {MODEL: score_forecasts(_ahead(run.model, stretched, horizon), levels, measures)}
    for name, baseline in baselines.items():
        models[name] = score_forecasts(_ahead(baseline, whole, horizon), levels, measures)
    unit = f"standard deviations of {'the training split' if alike else 'each series before what is scored'}"
    return ForecastReport(models, run.config.channels, unit, levels[-1] - levels[0])


@torch.inference_mode()
def _ahead(model: Model, found: list[Stretch], horizon: int) -> Iterator[Forecasts]:
    for indices in batches_of([len(each.example.values) for each in found], BATCH_STEPS):
        rows = [found[i] for i in indices]
        batch = collate_series(examples_of(rows))
        ahead = model(batch.values, batch.known, batch.lengths)
        counted = scored(batch.known, batch.first, horizon)
        units = torch.tensor([each.scaling.deviation for each in rows], dtype=torch.float64)
        owners = torch.tensor([each.series for each in rows])
        yield Forecasts(ahead, ahead_of(batch.values, horizon), counted, units, owners)


SPEC = ObjectiveSpec(
    name="forecast",
    objective=ForecastObjective,
    predictor=ForecastPredictor,
    baseline=_baseline,
    report=_report,
    learned=_learned,
    refine=leave_out_short,
    scorable=forecastable,
    steps_are="forecast",
    ahead=True,
)
