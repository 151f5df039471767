"""The steps that follow the last one of each series, by quantiles of numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesBatch, SeriesExample, collate_series
from cellwright.data.splits import SPLITS, Splits
from cellwright.data.wording import counted
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.report import Report
from cellwright.evaluation.series_scores import Forecasts, measures_of, score_forecasts
from cellwright.models.forecaster import Forecaster, ahead_of, pinball, scored
from cellwright.models.series_architecture import SeriesModelConfig
from cellwright.tasks.predictor import Prediction
from cellwright.tasks.series import step_quantiles
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.covariates import check_covariates
from cellwright.tasks.series.examples import Stretch, Stretches, examples_of, stretches_of, told_ahead
from cellwright.tasks.series.objective import BATCH_STEPS, Model, SummedObjective
from cellwright.tasks.series.objective_spec import Learned, ObjectiveSpec
from cellwright.tasks.series.predictor import SeriesPredictor
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.series.step_quantiles import Step
from cellwright.tasks.task import Baseline


class ForecastObjective(SummedObjective):
    """Mean pinball loss of a forecast number, in the channel's deviations."""

    network = Forecaster

    def sums(self, model: Model, batch: SeriesBatch) -> tuple[Tensor, Tensor]:
        """Of every number that is known and scored."""
        future, counted = to_forecast(batch, self.config)  # (B, T, K, C)
        ahead = model(batch.values, batch.known, batch.lengths)  # (B, T, K, C, Q)
        loss = pinball(ahead, future, ahead.new_tensor(self.config.quantiles))
        return (loss * counted).sum(), counted.sum()


def to_forecast(batch: SeriesBatch, config: SeriesModelConfig) -> tuple[Tensor, Tensor]:
    """(B, T, K, C) twice, of the targets: what comes K steps after each, and 1 where that is known and scored."""
    values, known = (part[..., : config.targets] for part in (batch.values, batch.known))
    ends = batch.ends if config.roles.future else None
    return ahead_of(values, config.horizon), scored(known, batch.first, config.horizon, ends)


@dataclass(frozen=True)
class Forecast(Prediction):
    """What a forecaster says of the steps that follow the last one of a series."""

    name: str
    """The series'."""
    ahead: list[Step]
    """Of each step ahead, of each channel by name, its quantiles by name, or the probability of a 1."""
    times: list[str]
    """When each of them comes; none where the times of the series, if it has any, do not tell."""

    def line(self, text: str) -> str:
        """A line a step ahead and channel: name, steps ahead, time, channel and the quantiles."""
        return step_quantiles.as_lines(self.as_rows())

    def as_rows(self) -> list[dict[str, Any]]:
        """A row a step ahead and channel, named as in the header of lines."""
        return step_quantiles.rows_of(self.name, "ahead", self.ahead, self.times or [""] * len(self.ahead))


class ForecastPredictor(SeriesPredictor[Forecast]):
    """The steps that follow the last one, from the last window of a series."""

    windowed = True

    @property
    def header(self) -> str:
        """Names of the fields of a line."""
        return "\t".join(["series", "ahead", "time", "channel", *step_quantiles.names_of(self.run.config.model)])

    def _said(self, table: SeriesTable) -> list[Forecast]:
        read, names = self.stretches(table), step_quantiles.names_of(self.run.config.model)
        said: dict[int, Forecast] = {}
        times = self.ahead(table)
        for indices, rows, batch, ahead in self._outputs(read):
            last = cast(Forecaster, self.run.model).forecast(ahead, batch.lengths)  # (B, K, C, Q)
            for index, row, found in zip(indices, rows, last.transpose(-1, -2).numpy(), strict=True):
                scaling = row.scaling.first(found.shape[-1])
                steps = step_quantiles.named(scaling.undo(found), self.run.config.channels, names)
                said[index] = Forecast(table.names[index], steps, times[index])
        return [said[index] for index in range(len(table))]

    def ahead(self, table: SeriesTable) -> list[list[str]]:
        """Of each series when the steps come that are forecast; none where nothing tells."""
        horizon = self.run.config.model.horizon
        return [clock.ahead(table.present(row), horizon) if clock else [] for row, clock in enumerate(table.clocks)]

    def stretches(self, table: SeriesTable) -> Stretches:
        """As many steps of each series as are read at once, up to its last."""
        window, roles = self.run.config.options["window"], self.run.config.model.roles
        ends = [table.present(row) for row in range(len(table))]
        begins = [max(0, end - window) for end in ends]
        further = self.run.config.model.horizon if roles.future else 0

        def make(row: int) -> Stretch:
            values, begin, end = table.values[row], begins[row], ends[row]
            scaling = self.run.config.scaling.of(values[begin:end])
            told = told_ahead(values[: end + further], end, roles)
            # All of it: what is too far from the others is named by where it stands.
            scaled = scaling.apply(told, partial(table.at, row))[begin:]
            return Stretch(SeriesExample(scaled, steps=end - begin), row, scaling)

        stops = [min(end + further, len(values)) for end, values in zip(ends, table.values, strict=True)]
        lengths = [stop - begin for stop, begin in zip(stops, begins, strict=True)]
        return Stretches(lengths, range(len(table)), make)

    def unread(self, table: SeriesTable) -> list[str]:
        """The note on steps after the last target that are not read: without future covariates all of them.

        Raises InputError where there are no targets to begin from, or covariates are not told as far ahead.
        """
        roles = table.roles
        horizon = self.run.config.model.horizon if roles.future else 0
        untold = self._untold(table)
        if not roles.covariates:
            return untold
        names = listed(table.channels[: table.targets])
        further = [len(values) - table.end(row) for row, values in enumerate(table.values)]
        for row, steps in enumerate(further):
            if steps == len(table.values[row]):
                raise InputError(f"{table.where(row)}: no value of {names}; expected some, after which it is forecast")
            if steps < horizon:
                begin = table.targets + roles.past
                known = listed(table.channels[begin : begin + roles.future])
                raise InputError(
                    f"{table.where(row)}: {counted(steps, 'step')} after the last value of {names}; expected "
                    f"{horizon}, the horizon, with {known} in each, which the run knows ahead: add rows that leave "
                    f"{names} empty"
                )
        more = sum(steps - horizon for steps in further)
        behind = "beyond the horizon" if horizon else f"after the last value of {names}, where the forecast begins,"
        return [*untold, *([f"{table.source}: {counted(more, 'step')} {behind} not read"] if more else [])]

    def _untold(self, table: SeriesTable) -> list[str]:
        """The note on series whose times do not tell when the next steps come."""
        rows = zip(table.names, table.clocks, self.ahead(table), strict=True)
        names = [name for name, clock, times in rows if clock and not times]
        if not names:
            return []
        series = f"series {names[0]!r}" if len(names) == 1 else f"{len(names):,} series, the first {names[0]!r},"
        return [
            f"{table.source}: the times of {series} do not go on evenly: when the next steps come is not told, and "
            "they have numbers alone"
        ]


def forecastable(config: SeriesConfig, table: SeriesTable) -> SeriesTable:
    """The series in which a step follows another, or where covariates are known ahead, as many as the horizon has.

    Raises InputError where there are none.
    """
    steps = config.horizon if table.roles.future else 1
    kept = table.take(row for row, values in enumerate(table.values) if len(values) > steps)
    if not len(kept) and steps == 1:
        raise InputError(f"{table.source}: every series has one step, and nothing follows it; expected more")
    if not len(kept):
        raise InputError(
            f"{table.source}: every series has at most {steps} steps, the horizon, of all of which covariates are "
            "told; expected more: give a smaller --horizon"
        )
    return kept


def leave_out_short(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    """Leave out, and note, the series that nothing follows in. Raises InputError where none is left."""
    for split in (name for name in SPLITS if name not in splits.without):
        kept = forecastable(config, splits[split])
        if short := len(splits[split]) - len(kept):
            steps = f"at most {config.horizon} steps" if splits[split].roles.future else "one step"
            splits.notes.append(f"{short} series of {steps} left out of the {split} split: nothing follows")
        splits[split] = kept
    check_covariates(splits["train"])


def check_horizon(config: SeriesConfig, train: SeriesTable) -> None:
    """Raise InputError where no series of training is longer than the horizon, whose last steps nothing would teach."""
    longest = max(map(len, train.values))
    if longest <= config.horizon:
        raise InputError(
            f"{train.source}: the longest series of the training split has {counted(longest, 'step')}; expected more "
            f"than the horizon, {config.horizon}, of whose last steps nothing could be learned: give a smaller "
            "--horizon, or hold less out"
        )


def _learned(config: SeriesConfig, train: SeriesTable) -> Learned:
    check_horizon(config, train)
    return Learned(quantiles=config.levels)


def _baseline(config: SeriesConfig, splits: Splits[SeriesTable], measure: Callable[[Model], float]) -> Baseline:
    repeated = series_baselines.repeated(config.horizon, len(config.levels), targets=splits["train"].targets)
    return Baseline(measure(repeated), "forecasting the last value")


def _report(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> Report:
    # scikit-learn, which predictions need not load
    from cellwright.evaluation.series_reports import MODEL, ForecastReport

    options, config = run.config.learned, run.config.model
    repeated = partial(series_baselines.repeated, config.horizon, len(config.quantiles), targets=config.targets)
    baselines = {"last value": repeated()}
    if options.season_length is not None:
        baselines["value a season before"] = repeated(season=options.season_length)
    scaling = run.config.scaling
    alike = scaling.by == "training"
    deviations = scaling.first(config.targets).deviation if alike else None
    measures = measures_of(table.of_targets, deviations, options.season_length)
    told = config.horizon if config.roles.future else 0
    stretched = stretches_of(table, scaling, options.window, ahead=True, told=told)
    whole = stretches_of(table, scaling, None, ahead=True)
    models = {MODEL: score_forecasts(_ahead(run.model, stretched, config), config.quantiles, measures)}
    for name, baseline in baselines.items():
        models[name] = score_forecasts(_ahead(baseline, whole, config), config.quantiles, measures)
    unit = f"standard deviations of {'the training split' if alike else 'each series before what is scored'}"
    interval = config.quantiles[-1] - config.quantiles[0]
    return ForecastReport(models, run.config.channels[: config.targets], unit, interval)


@torch.inference_mode()
def _ahead(model: Model, found: Stretches, config: SeriesModelConfig) -> Iterator[Forecasts]:
    for _, rows in found.batches(BATCH_STEPS):
        batch = collate_series(examples_of(rows))
        ahead = model(batch.values, batch.known, batch.lengths)
        future, counted = to_forecast(batch, config)
        units = torch.tensor([each.scaling.deviation[: config.targets] for each in rows], dtype=torch.float64)
        owners = torch.tensor([each.series for each in rows])
        yield Forecasts(ahead, future, counted, units, owners)


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
