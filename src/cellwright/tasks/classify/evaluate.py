"""How good is a classifier on texts that have labels?"""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data import datasets
from cellwright.data.checks import check_known
from cellwright.data.readers import read
from cellwright.data.source import open_source
from cellwright.data.table import Table
from cellwright.errors import InputError
from cellwright.evaluation.comparison import Comparison, compare
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.classify.run import ClassifyRun
from cellwright.tasks.task import Side


def evaluate(
    run: ClassifyRun, data: str, side: Side, columns: Mapping[str, Any], say: Callable[[str], None]
) -> Comparison:
    """Score the run beside the majority class and the linear baseline; see `Task.evaluate`."""
    table = _texts(data, side, _own(run) | dict(columns))
    check_known(table, run.labels)
    train = _training_texts(run, table, side, say)
    predicted = [prediction.label for prediction in ClassifyPredictor(run).predict(table.texts)]
    return compare(table, predicted, run.labels, train)


def _own(run: ClassifyRun) -> dict[str, Any]:
    """The columns that the run was trained on."""
    return {name: run.config.options[name] for name in ("text", "label")}


def _texts(data: str, side: Side, columns: dict[str, Any]) -> Table:
    if side != "all":
        table = open_source(data, **columns)[side]
    elif data in datasets.names():
        raise InputError(f"{data} is scored one side at a time; expected --split train, validation or test, got all")
    else:
        table = read(data, **columns)
    if not len(table):
        raise InputError(
            f"{data}: no text falls to the {side} side; expected at least one, --split all takes every row"
        )
    return table


def _training_texts(run: ClassifyRun, table: Table, side: Side, say: Callable[[str], None]) -> Table | None:
    """Return what the run was trained on, for the baselines; say so where it is gone, or holds texts to be scored."""
    options = run.config.options
    try:
        train = open_source(options["data"], **_own(run), encoding=options["encoding"])["train"]
    except InputError as error:
        say(f"without baselines, since the run's training texts cannot be read: {error}")
        return None
    seen = len(set(train.texts) & set(table.texts))
    if seen and side != "train":
        say(f"{seen:,} of the {len(table):,} texts are among the training texts: the scores flatter")
    return train
