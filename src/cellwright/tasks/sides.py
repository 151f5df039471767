"""What an evaluation scores and what its baselines are fitted on, for tasks whose data are tables."""

from collections.abc import Callable, Mapping
from typing import Any

from cellwright.data import datasets
from cellwright.data.readers import read
from cellwright.data.source import open_source
from cellwright.data.table import Table
from cellwright.errors import InputError
from cellwright.tasks.run import Run
from cellwright.tasks.task import Side


def table_of(data: str, side: Side, columns: Mapping[str, Any]) -> Table:
    """The rows of one side of a file or built-in set, or all rows of a file. Raises InputError where there are none.

    columns: the arguments of `open_source` after the data.
    """
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


def training_table(
    run: Run[Any, Any], columns: Mapping[str, Any], scored: Table, side: Side, say: Callable[[str], None]
) -> Table | None:
    """What the run was trained on, for the baselines; says so where it is gone, or holds texts to be scored.

    columns: the run's own, as in `table_of`.
    """
    options = run.config.options
    try:
        train = open_source(options["data"], **columns, encoding=options["encoding"])["train"]
    except InputError as error:
        say(f"without baselines, since the run's training texts cannot be read: {error}")
        return None
    seen = len(set(train.texts) & set(scored.texts))
    if seen and side != "train":
        say(f"{seen:,} of the {len(scored):,} texts are among the training texts: the scores flatter")
    return train
