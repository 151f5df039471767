"""How good is a model of series on series whose answers are known?"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cellwright.data import datasets
from cellwright.data.checks import with_known_labels
from cellwright.data.series import SeriesTable
from cellwright.data.splits import Split, SplitOptions
from cellwright.evaluation.report import Report
from cellwright.tasks.series.checks import check_scored
from cellwright.tasks.series.covariates import until_targets
from cellwright.tasks.series.data import OF_FILES, load_splits
from cellwright.tasks.series.files import as_learned, read_alike
from cellwright.tasks.series.objectives import spec_of
from cellwright.tasks.series.predictor import readable
from cellwright.tasks.series.run import SeriesRun
from cellwright.tasks.splits import check_split, nothing_on, refuse_for_a_set, say_all, training_split, usual_split


def evaluate(
    run: SeriesRun,
    data: str,
    split: Split,
    columns: Mapping[str, Any],
    say: Callable[[str], None],
    baselines: bool,
) -> Report:
    """Score the run beside baselines without a weight; see `Task.evaluate`."""
    spec, options = spec_of(run.config.model), run.config.learned
    table = readable(run, _series(run, data, split, columns))
    if usual_split(run, data, datasets.names()) == "all":  # of the run's own, all was said when it was trained
        for note in table.notes:
            say(note)
    if spec.ahead:
        table = with_history(run, table, say)
    check_scored(table, spec, split)
    if spec.name == "classify":
        table, left = with_known_labels(table, run.config.labels, "series")
        say_all(left, say)
    train = training_split(lambda: load_splits(options), "series", say, baselines)
    return spec.report(run, table, train)


def _series(run: SeriesRun, data: str, split: Split, columns: Mapping[str, Any]) -> SeriesTable:
    """The series to score: a split of the run's own data, of a built-in set or of another file, or all of a file."""
    changes = {name: value for name, value in columns.items() if value is not None} | {"data": data}
    refuse_for_a_set(data, columns, dict.fromkeys(columns))
    if data in datasets.names():
        changes |= OF_FILES
    elif usual_split(run, data, datasets.names()) == "all":  # another file: the run's own splits are not this one's
        changes |= dict.fromkeys(SplitOptions._fields)
    changed = run.config.learned.model_copy(update=changes)
    if split != "all":
        table = load_splits(changed)[split]
        if not len(table):
            raise nothing_on(data, split, "series")
        return table
    check_split(data, split)
    table = read_alike(changed, data, run.config.channels, columns)
    learned = as_learned(table, run.config.channels, run.config.model.roles, changed.fill)
    return spec_of(changed).scorable(changed, until_targets(learned))


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
