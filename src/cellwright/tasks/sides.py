"""What an evaluation scores and what its baselines are fitted on: each sentence on them once, whatever the rows are."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cellwright.data import datasets
from cellwright.data.readers import read
from cellwright.data.source import open_source
from cellwright.data.split import Parted
from cellwright.data.table import Table
from cellwright.errors import InputError
from cellwright.tasks.run import Run
from cellwright.tasks.task import Side

Rows = TypeVar("Rows")


def table_of(data: str, side: Side, columns: Mapping[str, Any]) -> Table:
    """The rows of one side of a file or built-in set, or all rows of a file. Raises InputError where there are none.

    columns: the arguments of `open_source` after the data.
    """
    check_side(data, side)
    table = read(data, **columns) if side == "all" else open_source(data, **columns)[side]
    if not len(table):
        raise nothing_on(data, side, "text", "row")
    return table


def training_table(
    run: Run[Any, Any], columns: Mapping[str, Any], scored: Table, side: Side, say: Callable[[str], None]
) -> Table | None:
    """What the run was trained on, for the baselines; says so where it is gone, or holds texts to be scored.

    columns: the run's own, as in `table_of`.
    """
    options = run.config.options
    train = training_side(lambda: open_source(options["data"], **columns, encoding=options["encoding"]), "texts", say)
    if train is not None and side != "train":
        seen = {text.strip() for text in train.texts}  # as `split` tells texts apart
        for said in what_flatters(sum(text.strip() in seen for text in scored.texts), len(scored), "texts"):
            say(said)
    return train


def check_side(data: str, side: Side) -> None:
    """Raise InputError where all of a built-in set is to be scored."""
    if side == "all" and data in datasets.names():
        raise InputError(f"{data} is scored one side at a time; expected --split train, validation or test, got all")


def refuse_for_a_set(data: str, given: Mapping[str, Any], usual: Mapping[str, Any]) -> None:
    """Raise InputError for an option of files that is given with a built-in set; usual: what each is else."""
    for name, default in usual.items():
        if given[name] != default:
            raise InputError(
                f"{data} is a built-in set, and --{name.replace('_', '-')} is {given[name]}, which is for files; leave "
                "it out"
            )


def nothing_on(data: str, side: Side, one: str, row: str) -> InputError:
    """The error of a side without any; one: of what, as "text"; row: what of the file holds it."""
    return InputError(
        f"{data}: no {one} falls to the {side} side; expected at least one, --split all takes every {row}"
    )


def training_side(opened: Callable[[], Parted[Rows]], rows: str, say: Callable[[str], None]) -> Rows | None:
    """What a run was trained on, for the baselines; says so where it is gone. rows: what it consists of, as "texts"."""
    try:
        return opened()["train"]
    except InputError as error:
        say(f"without baselines, since the run's training {rows} cannot be read: {error}")
        return None


def what_flatters(seen: int, count: int, rows: str) -> list[str]:
    """The sentence to say where `seen` of the `count` rows to be scored were trained on; none where none was."""
    said = f"{seen:,} of the {count:,} {rows} are among the training {rows}: the scores flatter"
    return [said] if seen else []
