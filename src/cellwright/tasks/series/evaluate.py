"""How good is a model of series on series whose answers are known?"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from sklearn.metrics import roc_auc_score

from cellwright.data import datasets
from cellwright.data.checks import check_known
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesExample, collate_series
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.majority import majority_class
from cellwright.evaluation.metrics import score
from cellwright.evaluation.report import Report
from cellwright.evaluation.series_baselines import Model
from cellwright.evaluation.series_reports import MODEL, ForecastReport, MeanReport, SeriesClasses
from cellwright.evaluation.series_scores import Forecasts, score_forecasts
from cellwright.models.forecaster import ahead_of, scored
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.examples import examples_of
from cellwright.tasks.series.objective import BATCH_STEPS, make_objective, summed
from cellwright.tasks.series.predictor import AnomalyPredictor, LabelPredictor, check_readable
from cellwright.tasks.series.prepare import check_binary, check_scored, foretellable, learnt_from
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.series.sides import OF_FILES, open_sides, read_file
from cellwright.tasks.sides import check_side, training_side
from cellwright.tasks.task import Side, usual_side
from cellwright.tasks.texts import batches_of


def evaluate(run: SeriesRun, data: str, side: Side, columns: Mapping[str, Any], say: Callable[[str], None]) -> Report:
    """Score the run beside baselines without a weight; see `Task.evaluate`."""
    # As of a resumed run: whether options go together was asked when it was started.
    options = SeriesConfig.model_validate(run.config.options | {"out": run.path, "resume": True})
    table = _series(run, options, data, side, columns)
    check_readable(run, table)
    check_scored(table, options.target, side)
    train = training_side(lambda: learnt_from(options, open_sides(options)), "series", say)
    if options.target == "classify":
        return _classes(run, table, train)
    if options.target == "anomaly":
        return _anomalies(run, table, options)
    if options.output == "bernoulli":
        return _frames(run, table, train, options)
    return _forecasts(run, table, options)


def _series(run: SeriesRun, options: SeriesConfig, data: str, side: Side, columns: Mapping[str, Any]) -> SeriesTable:
    """The series to score: a side of the run's own data, of a built-in set or of another file, or all of a file."""
    changes = {name: value for name, value in columns.items() if value is not None} | {"data": data}
    if data in datasets.names():
        changes |= OF_FILES
    elif usual_side(run, data, datasets.names()) == "all":  # another file: the run's own sides are not this one's
        changes |= {"validation": None, "test": None}
    changed = options.model_copy(update=changes)
    if side != "all":
        return learnt_from(changed, open_sides(changed))[side]
    check_side(data, side)
    table = read_file(changed, data)
    if options.output == "bernoulli":
        check_binary(table)
    return foretellable(table) if options.target == "forecast" else table


def _classes(run: SeriesRun, table: SeriesTable, train: SeriesTable | None) -> SeriesClasses:
    labels = run.config.labels
    if table.labels is None:
        raise InputError(f"{table.source}: the series have no labels to score by; expected one of each")
    check_known(table, labels)
    said = [each.label for each in LabelPredictor(run).predict_series(table)]
    models = {MODEL: score(table.labels, said, labels)}
    if train is not None and train.labels is not None:
        scale = run.config.scaling.apply
        near = series_baselines.nearest_neighbour(
            [scale(values) for values in train.values], train.labels, [scale(values) for values in table.values]
        )
        models["nearest neighbour"] = score(table.labels, near, labels)
        majority = [majority_class(train.labels)] * len(table)
        models["majority class"] = score(table.labels, majority, labels)
    return SeriesClasses(models)


def _forecasts(run: SeriesRun, table: SeriesTable, options: SeriesConfig) -> ForecastReport:
    horizon, levels = run.config.model.horizon, run.config.model.quantiles
    baselines = {"last value": series_baselines.repeated(horizon, len(levels))}
    if options.season is not None:
        baselines["value a season before"] = series_baselines.repeated(horizon, len(levels), options.season)
    stretched, _ = examples_of(table, run.config.scaling, options.window)
    whole, _ = examples_of(table, run.config.scaling, None)
    models = {MODEL: score_forecasts(_ahead(run.model, stretched, horizon), levels)}
    for name, baseline in baselines.items():
        models[name] = score_forecasts(_ahead(baseline, whole, horizon), levels)
    return ForecastReport(models, run.config.channels, run.config.scaling.deviation, levels[-1] - levels[0])


@torch.inference_mode()
def _ahead(model: Model, examples: list[SeriesExample], horizon: int) -> Iterator[Forecasts]:
    for indices in batches_of([len(example.values) for example in examples], BATCH_STEPS):
        batch = collate_series([examples[i] for i in indices])
        ahead = model(batch.values, batch.known, batch.lengths)
        yield Forecasts(ahead, ahead_of(batch.values, horizon), scored(batch.known, batch.first, horizon))


def _frames(run: SeriesRun, table: SeriesTable, train: SeriesTable | None, options: SeriesConfig) -> MeanReport:
    horizon = run.config.model.horizon
    models: dict[str, Model] = {MODEL: run.model}
    if train is not None:
        models["frequency of each channel"] = series_baselines.frequencies(train.values, horizon)
        models["state before of each channel"] = series_baselines.held(train.values, horizon)
    means, frames = _means(models, run, table, options)
    return MeanReport("nats a frame", "nll", f"{frames:,} frames foretold of {len(table):,} series", means)


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
    examples, _ = examples_of(table, run.config.scaling, options.window)
    sums = {name: summed(objective, model, examples) for name, model in models.items()}
    _, count = sums[MODEL]
    return {name: objective.scores(each)[objective.metric.name] for name, each in sums.items()}, int(count)
