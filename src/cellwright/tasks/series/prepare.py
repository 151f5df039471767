"""From options to what training needs: the splits, scaled, and the description that the run folder keeps."""

import hashlib
from pathlib import Path

import numpy as np

import cellwright
from cellwright.data import datasets
from cellwright.data.checks import check_known
from cellwright.data.feed import feeds
from cellwright.data.readers.series import series_format
from cellwright.data.readers.values import listed
from cellwright.data.scaling import Scaling, fit_scaling, no_scaling, unlike, window_scaling
from cellwright.data.series import SeriesTable
from cellwright.data.series_batches import SeriesExample, collate_series
from cellwright.data.splits import SPLITS, Splits
from cellwright.errors import InputError
from cellwright.evaluation import series_baselines
from cellwright.evaluation.majority import majority_share
from cellwright.models.series_architecture import SeriesArchitecture, SeriesModelConfig, Target
from cellwright.tasks.cell import check_cell
from cellwright.tasks.resume import fingerprint, kept_options
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.data import check_complete, load_splits
from cellwright.tasks.series.examples import examples_of, stretches_of
from cellwright.tasks.series.objective import SeriesObjective, make_objective, measured
from cellwright.tasks.series.regression import check_classes, number_scaling, numbers_of
from cellwright.tasks.series.run import SeriesRunConfig
from cellwright.tasks.task import Baseline, Prepared


def prepare(config: SeriesConfig, before: SeriesRunConfig | None) -> Prepared[SeriesConfig, SeriesRunConfig]:
    """Read the data and measure the training split. Raises InputError."""
    check_cell(config.cell)  # before the data is read
    splits = learnt_from(config, load_splits(config))
    run = _describe(config, splits)
    # The test split is looked at now: what it cannot be scored by is refused before the model is trained.
    for split in SPLITS:
        check_scored(splits[split], config.target, split)
    if not run.model.masked:
        check_complete(splits["test"])
    objective = make_objective(run.model, config)
    train, validation, _ = (_examples(config, run, splits[split]) for split in SPLITS)
    baseline = _baseline(config, splits, objective, validation)
    train_feed, validation_feed = feeds(
        lambda epoch: train,
        validation,
        cost=lambda example: len(example.values),
        collate=collate_series,
        budget=config.batch_tokens,
        seed=config.seed,
    )
    return Prepared(
        config,
        run,
        objective,
        train=train_feed,
        validation=validation_feed,
        baseline=baseline,
        notes=_notes(splits, run),
    )


def learnt_from(config: SeriesConfig, splits: Splits[SeriesTable]) -> Splits[SeriesTable]:
    """The splits as they are trained on and chosen by: without what has nothing to learn from.

    Raises InputError where labels or values are not what the target needs.
    """
    splits = Splits(dict(splits), list(splits.notes))
    if config.target == "classify":
        _check_labels(config, splits)
    if config.target == "regress":
        for split in SPLITS:
            numbers_of(splits[split])
    if config.target == "forecast":
        for split in SPLITS:
            kept = forecastable(splits[split])
            if short := len(splits[split]) - len(kept):
                splits.notes.append(f"{short} series of one step left out of the {split} split: nothing follows")
            splits[split] = kept
    if config.target == "anomaly" and config.normal is not None:
        for split in SPLITS[:2]:  # the test split keeps what is to be found
            splits[split] = _normal(config, splits[split])
    if config.output == "bernoulli":
        for split in SPLITS:
            check_binary(splits[split])
    return splits


def _check_labels(config: SeriesConfig, splits: Splits[SeriesTable]) -> None:
    for split in SPLITS:
        if splits[split].labels is None:
            raise InputError(
                f"{splits[split].source}: the series have no labels, which --target classify learns; expected a label "
                "of each, in the column of --label in CSV: or give --target forecast or anomaly"
            )
    labels = _labels(splits["train"])
    check_classes(splits["train"])
    if len(set(labels)) < 2:
        raise InputError(f"{config.data}: every label is {labels[0]!r}; expected at least two classes to tell apart")
    for split in SPLITS[1:]:
        check_known(splits[split], sorted(set(labels)))


def forecastable(table: SeriesTable) -> SeriesTable:
    """The series in which a step follows another. Raises InputError where there are none."""
    kept = table.take(row for row, values in enumerate(table.values) if len(values) > 1)
    if not len(kept):
        raise InputError(f"{table.source}: every series has one step, and nothing follows it; expected more")
    return kept


def check_scored(table: SeriesTable, target: Target, split: str) -> None:
    """Raise InputError where every value to be forecast or restored is missing: a mean over none would be perfect."""
    if target not in ("forecast", "anomaly"):
        return
    begin, done = (1, "forecast") if target == "forecast" else (0, "restored")  # no step comes before the first
    rows = zip(table.values, table.firsts, strict=True)
    if all(np.isnan(values[max(first, begin) :]).all() for values, first in rows):
        where = "" if split == "all" else f"in the {split} split "
        raise InputError(
            f"{table.source}: {where}every value to be {done} is missing; expected at least one: leave out the steps "
            "that have none"
        )


def _normal(config: SeriesConfig, table: SeriesTable) -> SeriesTable:
    labels = table.labels or []
    kept = table.take(row for row, label in enumerate(labels) if label == config.normal)
    if not len(kept):
        found = listed(sorted(set(labels))) if labels else "no labels"
        raise InputError(f"{table.source}: no series is labelled {config.normal!r}, which --normal names; got {found}")
    return kept


def check_binary(table: SeriesTable) -> None:
    """Raise InputError at the first value that is neither 0 nor 1."""
    for row, values in enumerate(table.values):
        for step, channel in np.argwhere(~np.isnan(values) & (values != 0) & (values != 1))[:1]:
            raise InputError(
                f"{table.where(row)}, step {step + 1}, channel {table.channels[channel]!r}: {values[step, channel]:g}; "
                "expected 0 or 1, which --output bernoulli forecasts"
            )


def _describe(config: SeriesConfig, splits: Splits[SeriesTable]) -> SeriesRunConfig:
    train = splits["train"]
    binary = config.output == "bernoulli"
    model = SeriesModelConfig(
        **config.model_dump(include=set(SeriesArchitecture.model_fields)),
        channels=len(train.channels),
        masked=any(splits[split].missing for split in ("train", "validation")),
        classes=len(set(_labels(train))) if config.target == "classify" else 0,
        quantiles=config.levels if config.target == "forecast" and not binary else (),
    )
    rows = [
        [split, splits[split].labels, splits[split].firsts, _digest(splits[split])] for split in ("train", "validation")
    ]
    return SeriesRunConfig(
        cellwright=cellwright.__version__,
        labels=sorted(set(_labels(train))) if config.target == "classify" else [],
        channels=list(train.channels),
        scaling=no_scaling(len(train.channels)) if binary else _scaling(config, train),
        numbers=number_scaling(train) if config.target == "regress" else None,
        model=model,
        fingerprint=fingerprint(rows),
        options=kept_options(config) | _format(config),
    )


def _format(config: SeriesConfig) -> dict[str, str]:
    """The format that a table of numbers was taken for, so that a file of one row is read alike."""
    if config.data in datasets.names():
        return {}
    found = series_format(Path(config.data), config.reading, config.encoding, config.format)
    return {"format": found} if found == "ucr" else {}


def _scaling(config: SeriesConfig, train: SeriesTable) -> Scaling:
    own = config.target in ("forecast", "anomaly") and unlike(train.values)
    by_window = config.scaling == "window" or (config.scaling == "auto" and own)
    return (window_scaling if by_window else fit_scaling)(train.values)


def _digest(table: SeriesTable) -> str:
    digest = hashlib.sha256()
    for values in table.values:
        digest.update(repr(values.shape).encode() + values.tobytes())
    return digest.hexdigest()


def window_of(config: SeriesConfig) -> int | None:
    """Most steps that are read at once; None is all of a series."""
    return config.window if config.target in ("forecast", "anomaly") else None


def _examples(config: SeriesConfig, run: SeriesRunConfig, table: SeriesTable) -> list[SeriesExample]:
    answers: dict[str, float] = {label: index for index, label in enumerate(run.labels)}
    if run.numbers is not None:
        numbers = np.array(numbers_of(table))[:, None]
        answers = dict(zip(_labels(table), run.numbers.apply(numbers)[:, 0].tolist(), strict=True))
    ahead = config.target == "forecast"
    return examples_of(stretches_of(table, run.scaling, window_of(config), ahead=ahead, answers=answers))


def _baseline(
    config: SeriesConfig, splits: Splits[SeriesTable], objective: SeriesObjective, examples: list[SeriesExample]
) -> Baseline:
    if config.target == "classify":
        share = majority_share(_labels(splits["train"]), _labels(splits["validation"]))
        return Baseline(share, "always giving the most frequent label")
    if config.target == "regress":
        baseline: series_baselines.Model = series_baselines.mean_number
        meaning = "always giving the mean of the training split"
    elif config.target == "anomaly":
        baseline = series_baselines.mean
        meaning = "restoring the mean at every step"
    elif config.output == "bernoulli":
        baseline = series_baselines.frequencies(splits["train"].values, config.horizon)
        meaning = "forecasting how often each channel is 1"
    else:
        baseline = series_baselines.repeated(config.horizon, len(config.levels))
        meaning = "forecasting the last value"
    return Baseline(measured(objective, baseline, examples), meaning)


def _labels(table: SeriesTable) -> list[str]:
    return table.labels or []


def _notes(splits: Splits[SeriesTable], run: SeriesRunConfig) -> list[str]:
    counts = ", ".join(f"{len(table):,} {split}" for split, table in splits.items())
    channels = f"{len(run.channels)} {'channel' if len(run.channels) == 1 else 'channels'}"
    classes = f" of {len(run.labels)} classes" if run.labels else ""
    missing = sum(
        np.isnan(v[first:]).sum() for t in splits.values() for v, first in zip(t.values, t.firsts, strict=True)
    )
    chosen = run.scaling.by == "window" and run.options["scaling"] == "auto"
    scaled = "the series are on scales of their own: each window is scaled by itself (--scaling training: all alike)"
    told = f"; {missing:,} values are missing, which the model is told" if missing else ""
    return [
        *splits.notes,
        f"{counts} series{classes}; {channels} ({listed(run.channels, most=6)}), "
        f"{splits['train'].steps:,} steps to train on{told}",
        *([scaled] if chosen else []),
    ]
