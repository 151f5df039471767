"""What can be learned from a file: one folder a task, and its name below.

    config.py       CONFIG: the options of `fit`, each with its default and text (pydantic, no torch)
    task.py         TASK: the record of what the task consists of
    prepare.py      prepare(config, before): from options to what training needs
    evaluate.py     evaluate(run, data, …): how good a run is
    data.py         load_splits(config): what is trained on and scored
    run.py, objective.py, predictor.py, …    the folder of a run, what is learned, a run put to use

The first four are found by their names, and are loaded when the task is asked for. What tasks share stands here:

    config, files, cell, vectors    options of every task: of training, of files, the cell, where an embedding begins
    run, predictor    the folder of a run; a run put to use
    splits, texts     what a run is trained and scored on; the tokenizer and batches of those that read texts
    resume, renamed, own_cell    what a resumed run must share; older names of options; the code of a user's cell
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.tasks.config import FitConfig
    from cellwright.tasks.task import Task

NAMES = ("classify", "tag", "lm", "transduce", "series", "autoencode")
USUAL = "classify"
"""The task of `fit` where none is named."""


def config_of(name: str) -> "type[FitConfig]":
    """The options of a task; light to import. Raises InputError where there is no such task."""
    return cast("type[FitConfig]", module(name, "config").CONFIG)


def get(name: str) -> "Task[Any, Any, Any]":
    """The task of that name. Raises InputError where there is none."""
    return cast("Task[Any, Any, Any]", module(name, "task").TASK)


def module(name: str, part: str) -> Any:
    """A module of a task's folder by its name, loaded now. Raises InputError where there is no such task."""
    if name not in NAMES:
        raise InputError(f"no task {name!r}; expected one of {', '.join(NAMES)}")
    return import_module(f"cellwright.tasks.{name}.{part}")
