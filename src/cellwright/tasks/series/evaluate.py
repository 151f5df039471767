"""How good is a model of series on series whose answers are known?"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from cellwright.data import datasets
from cellwright.data.checks import check_known
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import collate_series
from cellwright.data.splits import Split
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.majority import majority_class
from cellwright.evaluation.metrics import score
from cellwright.evaluation.report import Report
from cellwright.evaluation.series_baselines import Model
from cellwright.evaluation.series_numbers import SeriesNumbers, score_numbers
from cellwright.evaluation.series_reports import MODEL, ForecastReport, MeanReport, SeriesClasses
from cellwright.evaluation.series_scores import Forecasts, measures_of, score_forecasts
from cellwright.models.forecaster import ahead_of, scored
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.data import OF_FILES, load_splits, read_alike
from cellwright.tasks.series.examples import Stretch, examples_of, stretches_of
from cellwright.tasks.series.objective import BATCH_STEPS, make_objective, summed
from cellwright.tasks.series.predictor import AnomalyPredictor, LabelPredictor, NumberPredictor, readable
from cellwright.tasks.series.prepare import check_binary, check_scored, forecastable, learnt_from
from cellwright.tasks.series.regression import numbers_of
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.splits import check_split, refuse_for_a_set, training_split, usual_split
from cellwright.tasks.texts import batches_of


def evaluate(
    run: SeriesRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> Report:
    """Score the run beside baselines without a weight; see `Task.evaluate`."""
    options = run.config.learnt
    table = readable(run, _series(run, options, data, split, columns))
    if usual_split(run, data, datasets.names()) == "all":  # of the run's own, all was said when it was trained
        for note in table.notes:
            say(note)
    if options.target == "forecast":
        table = with_history(run, table, say)
    check_scored(table, options.target, split)
    train = training_split(lambda: learnt_from(options, load_splits(options)), "series", say, baselines)
    if options.target == "classify":
        return _classes(run, table, train)
    if options.target == "regress":
        return _numbers(run, table, train)
    if options.target == "anomaly":
        return _anomalies(run, table, options)
    if options.output == "bernoulli":
        return _frames(run, table, train, options)
    return _forecasts(run, table, options)


def _series(run: SeriesRun, options: SeriesConfig, data: str, split: Split, columns: Mapping[str, Any]) -> SeriesTable:
    """The series to score: a split of the run's own data, of a built-in set or of another file, or all of a file."""
    changes = {name: value for name, value in columns.items() if value is not None} | {"data": data}
    refuse_for_a_set(data, columns, dict.fromkeys(columns))
    if data in datasets.names():
        changes |= OF_FILES
    elif usual_split(run, data, datasets.names()) == "all":  # another file: the run's own splits are not this one's
        changes |= {"validation": None, "test": None}
    changed = options.model_copy(update=changes)
    if split != "all":
        return learnt_from(changed, load_splits(changed))[split]
    check_split(data, split)
    table = read_alike(changed, data, run.config.channels, columns)
    if options.output == "bernoulli":
        check_binary(table)
    return forecastable(table) if options.target == "forecast" else table


def _classes(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> SeriesClasses:
    labels = run.config.labels
    if table.labels is None:
        raise InputError(f"{table.source}: the series have no labels to score by; expected one of each")
    check_known(table, labels)
    said = [each.label for each in LabelPredictor(run).predict_series(table)]
    models = {MODEL: score(table.labels, said, labels)}
    if train is not None and train.labels is not None:
        scaled = [[run.config.scaling.of(v).apply(v) for v in each.values] for each in (train, table)]
        near = series_baselines.nearest_neighbour(scaled[0], train.labels, scaled[1])
        models["nearest neighbour"] = score(table.labels, near, labels)
        majority = [majority_class(train.labels)] * len(table)
        models["majority class"] = score(table.labels, majority, labels)
    return SeriesClasses(models)


def _numbers(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> SeriesNumbers:
    true = numbers_of(table)
    told = {MODEL: [each.value for each in NumberPredictor(run).predict_series(table)]}
    if train is not None:
        scaled = [[run.config.scaling.of(v).apply(v) for v in each.values] for each in (train, table)]
        learned = numbers_of(train)
        told["linear model"] = series_baselines.linear_model(scaled[0], learned, scaled[1])
        told["mean"] = [float(np.mean(learned))] * len(table)
    return score_numbers(told, true)


def with_history(run: SeriesRun, table: SeriesTable, say: Callable[[str], None]) -> SeriesTable:
    """The table, its steps scored only where steps before them tell their scale, if that is each window's own."""
    if run.config.scaling.by == "training" or all(table.firsts):
        return table
    window = run.config.options["window"]
    say(
        "series that are scored from their first step on are told their first half, which they are scaled by, and "
        "scored on the rest"
    )
    rows = zip(table.values, table.firsts, strict=True)
    return replace(table, firsts=[first or min(len(values), window) // 2 for values, first in rows])


def _forecasts(run: SeriesRun, table: SeriesTable, options: SeriesConfig) -> ForecastReport:
    horizon, levels = run.config.model.horizon, run.config.model.quantiles
    baselines = {"last value": series_baselines.repeated(horizon, len(levels))}
    if options.season is not None:
        baselines["value a season before"] = series_baselines.repeated(horizon, len(levels), options.season)
    scaling = run.config.scaling
    alike = scaling.by == "training"
    measures = measures_of(table, scaling.deviation if alike else None, options.season)
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


def _frames(run: SeriesRun, table: SeriesTable, train: SeriesTable | None, options: SeriesConfig) -> MeanReport:
    horizon = run.config.model.horizon
    models: dict[str, Model] = {MODEL: run.model}
    if train is not None:
        models["frequency of each channel"] = series_baselines.frequencies(train.values, horizon)
        models["state before of each channel"] = series_baselines.held(train.values, horizon)
    means, frames = _means(models, run, table, options)
    return MeanReport("nats a frame", "nll", f"{frames:,} frames forecast of {len(table):,} series", means)


def _anomalies(run: SeriesRun, table: SeriesTable, options: SeriesConfig) -> MeanReport:
    models: dict[str, Model] = {MODEL: run.model, "mean": series_baselines.mean}
    means, _ = _means(models, run, table, options)
    areas = None
    if (
        options.normal is not None
        and table.labels is not None
        and len({x == options.normal for x in table.labels}) == 2
    ):
        odd = [label != options.normal for label in table.labels]
        areas = {name: float(roc_auc_score(odd, _ranks(run, model, table))) for name, model in models.items()}
    return MeanReport("squared error", "error", f"{len(table):,} series", means, areas)


def _ranks(run: SeriesRun, model: Model, table: SeriesTable) -> list[float]:
    """How odd each series is to a model in place of the run's own."""
    predictor = AnomalyPredictor(replace(run, model=cast(Any, model)))
    return [each.score for each in predictor.predict_series(table)]


def _means(
    models: Mapping[str, Model], run: SeriesRun, table: SeriesTable, options: SeriesConfig
) -> tuple[dict[str, float], int]:
    """The objective's mean of each model over all of the table, and of how many it is the mean."""
    objective = make_objective(run.config.model, options)
    ahead = options.target == "forecast"
    examples = examples_of(stretches_of(table, run.config.scaling, options.window, ahead=ahead))
    sums = {name: summed(objective, model, examples) for name, model in models.items()}
    _, count = sums[MODEL]
    return {name: objective.scores(each)[objective.metric.name] for name, each in sums.items()}, int(count)
