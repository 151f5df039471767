"""From options to what training needs: the splits, scaled, and the description that the run folder keeps."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cellwright
from cellwright.data import datasets
from cellwright.data.feed import costs_of, feeds
from cellwright.data.readers.series import series_format
from cellwright.data.readers.values import listed
from cellwright.data.scaling import Scaling, fit_scaling, unlike, window_scaling
from cellwright.data.series import SeriesTable, Values
from cellwright.data.series_batches import SeriesExample, collate_series
from cellwright.data.splits import SPLITS, Given, Splits
from cellwright.data.wording import counted
from cellwright.models.series_architecture import SeriesArchitecture, SeriesModelConfig
from cellwright.tasks.resume import fingerprint, gone_on, kept_options
from cellwright.tasks.series.checks import check_scored
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.covariates import described
from cellwright.tasks.series.data import load_splits
from cellwright.tasks.series.examples import examples_of, stretches_of
from cellwright.tasks.series.files import check_complete
from cellwright.tasks.series.objective import measured
from cellwright.tasks.series.objective_spec import ObjectiveSpec
from cellwright.tasks.series.objectives import spec_of
from cellwright.tasks.series.process import check_model
from cellwright.tasks.series.run import SeriesRunConfig
from cellwright.tasks.task import Prepared


def prepare(
    config: SeriesConfig, before: SeriesRunConfig | None, given: Given[SeriesTable] | None = None
) -> Prepared[SeriesConfig, SeriesRunConfig]:
    """Read the data, unless it is `given`, and measure the training split. Raises InputError."""
    check_model(config)  # before the data is read
    spec, splits = spec_of(config), load_splits(config, given)
    run = gone_on(before if given else None, config, lambda: _rows(splits)) or _describe(config, spec, splits, given)
    # The test split is looked at now: what it cannot be scored by is refused before the model is trained.
    for split in (name for name in SPLITS if name not in splits.without):
        check_scored(splits[split], spec, split)
        if not run.model.masked:
            check_complete(splits[split])
    objective = spec.objective(run.model, config)
    train, validation, _ = (_examples(config, spec, run, splits[split]) for split in SPLITS)
    train_feed, validation_feed = feeds(
        lambda epoch: train,
        validation,
        costs=costs_of(lambda example: len(example.values)),
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
        baseline=spec.baseline(config, splits, lambda model: measured(objective, model, validation))
        if validation
        else None,
        notes=_notes(splits, run),
    )


def _describe(
    config: SeriesConfig, spec: ObjectiveSpec, splits: Splits[SeriesTable], given: Given[SeriesTable] | None
) -> SeriesRunConfig:
    train = splits["train"]
    learned = spec.learned(config, train)
    if given is not None and given.labels:
        learned = learned._replace(labels=given.labels)
    model = SeriesModelConfig(
        **config.model_dump(include=set(SeriesArchitecture.model_fields)),
        channels=len(train.channels),
        masked=any(splits[split].missing for split in ("train", "validation")),
        classes=len(learned.labels),
        quantiles=learned.quantiles,
        roles=train.roles,
        units=learned.units,
        ranges=dict(learned.ranges),
    )
    return SeriesRunConfig(
        cellwright=cellwright.__version__,
        labels=list(learned.labels),
        channels=list(train.channels),
        scaling=learned.scaling or _scaling(config, spec, train),
        numbers=learned.numbers,
        model=model,
        fingerprint=fingerprint(_rows(splits)),
        options=kept_options(config) | (_format(config) if given is None else {}),
    )


def _rows(splits: Splits[SeriesTable]) -> list[Any]:
    """What a run is trained on, for its fingerprint."""
    return [
        [split, splits[split].labels, splits[split].firsts, _digest(splits[split])] for split in ("train", "validation")
    ]


def _format(config: SeriesConfig) -> dict[str, str]:
    """The format that a table of numbers was taken for, so that a file of one row is read alike."""
    if config.data in datasets.names():
        return {}
    found = series_format(Path(config.data), config.reading, config.encoding, config.format)
    return {"format": found} if found == "ucr" else {}


def _scaling(config: SeriesConfig, spec: ObjectiveSpec, train: SeriesTable) -> Scaling:
    auto, roles, channels = config.scaling == "auto", train.roles, len(train.channels)
    own = spec.windowed and not roles.simulated and unlike(train.of_targets.values)
    if not (config.scaling == "window" or (auto and own)):
        return fit_scaling(train.values)
    static = range(channels - roles.static, channels)
    others = range(train.targets, channels - roles.static) if auto else ()
    alike = [c for c in others if not unlike([values[:, [c]] for values in train.values])]
    return window_scaling(train.values, (*alike, *static))


def _digest(table: SeriesTable) -> str:
    digest = hashlib.sha256()
    for values in table.values:
        digest.update(repr(values.shape).encode() + values.tobytes())
    return digest.hexdigest()


def _examples(
    config: SeriesConfig, spec: ObjectiveSpec, run: SeriesRunConfig, table: SeriesTable
) -> list[SeriesExample]:
    window = config.window if spec.windowed and not run.model.is_process else None
    answers = spec.answers(run, table)
    told = run.model.horizon if run.model.roles.future else 0
    return examples_of(stretches_of(table, run.scaling, window, ahead=spec.ahead, answers=answers, told=told))


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _scored(table: SeriesTable) -> Iterator[tuple[Values, int]]:
    """The targets of each series, and the step from which on they are scored."""
    return zip(table.of_targets.values, table.firsts, strict=True)


def _notes(splits: Splits[SeriesTable], run: SeriesRunConfig) -> list[str]:
    counts = ", ".join(f"{len(table):,} {split}" for split, table in splits.items())
    channels = f"{len(run.channels)} {'channel' if len(run.channels) == 1 else 'channels'}"
    classes = f" of {len(run.labels)} classes" if run.labels else ""
    missing = sum(t.missing_in(row)[first:].sum() for t in splits.values() for row, first in enumerate(t.firsts))
    roles = [described(run.channels, run.model.roles)] if run.model.roles.covariates else []
    chosen = run.scaling.by == "window" and run.options["scaling"] == "auto"
    scaled = "the series are on scales of their own: each window is scaled by itself (--scaling training: all alike)"
    told = f"; {counted(missing, 'value')} {_are(missing)} missing, which the model is told" if missing else ""
    if run.model.roles.simulated:
        absent = sum(int(np.isnan(v[first:]).sum()) for t in splits.values() for v, first in _scored(t))
        told += f"; {counted(absent, 'target')} {_are(absent)} missing, and not scored" if absent else ""
    return [
        *splits.notes,
        f"{counts} series{classes}; {channels} ({listed(run.channels, most=6)}), "
        f"{splits['train'].steps:,} steps to train on{told}",
        *roles,
        *([scaled] if chosen else []),
    ]
