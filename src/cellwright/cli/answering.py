"""What commands on a run share: options of its task, whose defaults are the run's own, and what it does not know."""

import inspect
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cellwright.tasks.run import Run


class RunCommand(TyperCommand):
    """A command on a run, whose function takes as `**options` those of how the run's task looks for answers.

    They are read when the command is used: which they are depends on the run that it names.
    """

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the command line with all the options of the run's task."""
        from cellwright.cli.options import command_of, options_of

        assert self.callback is not None  # typer has given it
        function = inspect.unwrap(self.callback)
        own = [each for each in inspect.signature(function).parameters.values() if each.kind != each.VAR_KEYWORD]
        kind = _kind(args)
        more = [] if kind is None else options_of(kind, default="the run's")
        keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        return command_of(function, [*keyword, *more]).make_context(info_name, args, parent, **extra)


def load_told(path: Path, options: Mapping[str, Any]) -> "Run[Any, Any]":
    """Load a run, to look for answers as these options say, the run's own where they are None. Raises InputError."""
    from cellwright import tasks
    from cellwright.cli.options import configured
    from cellwright.tasks.run import load_run

    run = load_run(path)
    field = tasks.get(run.config.task).answering
    if field is None:
        return run
    own: BaseModel = getattr(run.config, field)
    given = {name: value for name, value in options.items() if value is not None}
    told = configured(type(own), own.model_dump() | given)
    return replace(run, config=run.config.model_copy(update={field: told}))


def tell_unknown(kind: str, parts: Iterable[str]) -> None:
    """Say on standard error, where there are some, which words, characters or symbols (`kind`) a run does not know."""
    if unknown := sorted(set(parts)):
        print(f"read as unknown, for training never saw these {kind}: {' '.join(unknown)}", file=sys.stderr)


def _kind(arguments: list[str]) -> "type[BaseModel] | None":
    """The options of the run among the arguments, if its task has some."""
    from cellwright import tasks
    from cellwright.errors import InputError
    from cellwright.tasks.run import CONFIG, task_of

    # os.path answers False to names that no file can have, where Path raises: texts stand among the arguments.
    folder = next((Path(each) for each in arguments if os.path.isfile(Path(each, CONFIG))), None)
    if folder is None:
        return None
    try:
        task = tasks.get(task_of(folder))
    except InputError:  # which the command itself says better
        return None
    return None if task.answering is None else task.run_config.model_fields[task.answering].annotation
