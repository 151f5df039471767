"""`cellwright search`: try options of `fit`, and keep the best run."""

import inspect
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cellwright import tasks

if TYPE_CHECKING:
    from cellwright.tuning.searching import SearchResult

SHOWN = 10
"""Trials in the table, the best first; study.csv has all."""


def search(**options: Any) -> None:
    """Search options of `fit` for the best validation score, into a folder of runs.

    Each option has one value, a range LOW..HIGH, or choices with commas between them. The same command goes on with a
    search that was stopped, and several may work on one folder. `search --task NAME --help` lists the options.
    """
    from cellwright.allocator import keep_freed_memory
    from cellwright.cli.fit import scored
    from cellwright.tuning import searching
    from cellwright.tuning.options import SearchOptions

    keep_freed_memory()
    own = {name: options.pop(name) for name in ("task", "data", "out")}
    about = {name: given for name in SearchOptions.model_fields if (given := options.pop(name)) is not None}
    given = {name: value for name, value in options.items() if value is not None}
    result = searching.search(**own, options=given, **about, progress=sys.stderr.isatty())
    if result.interrupted:
        print(f"{_standing(result)}; the same command goes on")
        raise typer.Exit(130)
    if result.best is None:
        print(f"{_standing(result)}; no trial has trained to its end yet")
        return
    _show(result)
    run, report = scored(result.run)
    task = tasks.get(run.config.task)
    told = task.suggestions[0].format(run=shlex.quote(str(result.run)), text=task.example(run))
    print(_advice(result, told, report.verdict() if report else None))


class SearchCommand(TyperCommand):
    """`search` with the fields of the task's config as its options, each of which takes a value."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the command line with all the options of its task."""
        from cellwright.cli.fit import value_of
        from cellwright.cli.options import is_flag

        config = tasks.config_of(value_of("--task", args) or tasks.USUAL)
        flags = [name for name, field in config.model_fields.items() if is_flag(field)]
        return _command(config).make_context(info_name, _with_values(args, flags), parent, **extra)


def _command(config: Any) -> Any:
    from cellwright.cli.fit import task_parameter
    from cellwright.cli.options import command_of, options_of
    from cellwright.tasks.config import ONE_CALL
    from cellwright.tuning.options import SearchOptions

    own = options_of(SearchOptions)
    of_trials = options_of(config, arguments=frozenset({"data"}), flags=False)
    help_text = "Folder of the study to make, or to go on with."
    out: Any = Annotated[Path, typer.Option("--out", help=help_text, show_default=False)]
    place = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, annotation=out)
    return command_of(
        search, [task_parameter(config.task), place, *own, *(each for each in of_trials if each.name not in ONE_CALL)]
    )


def _with_values(args: Iterable[str], flags: Sequence[str]) -> list[str]:
    """The arguments, where a flag stands alone, as in `fit`, with the value that it means."""
    from cellwright.options import flag

    on, off = {flag(name) for name in flags}, {f"--no-{flag(name)[2:]}": flag(name) for name in flags}
    found: list[str] = []
    given = list(args)
    for argument, following in zip(given, [*given[1:], ""], strict=True):
        if argument in off and argument not in on:
            found += [off[argument], "false"]
        elif argument in on and not {*following.lower().split(",")} <= {"true", "false"}:
            found += [argument, "true"]
        else:
            found.append(argument)
    return found


def _standing(result: "SearchResult") -> str:
    ended = sum(each.state != "unfinished" for each in result.trials)
    return f"{ended} trials have ended, in {result.out}"


def _show(result: "SearchResult") -> None:
    """Print the best trials."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cellwright.tuning.space import shown

    best = result.best
    assert best is not None  # there are trials to show
    scored = (each for each in result.trials if each.score is not None)
    others = sorted(scored, key=lambda each: result.metric.rank(each.scores), reverse=True)
    table = Table(
        "trial", result.metric.name.replace("_", " "), *best.options, "epochs", "seconds", "", box=box.SIMPLE_HEAD
    )
    for each in others[:SHOWN]:
        options = [Text(shown(each.options[name])) for name in best.options]
        state = "" if each.state == "done" else each.state
        table.add_row(str(each.number), f"{each.score:.4f}", *options, str(each.epochs), f"{each.seconds:.0f}", state)
    Console(highlight=False).print(table)


def _advice(result: "SearchResult", command: str, verdict: str | None) -> str:
    from cellwright.tuning.trials import PICTURE, TABLE

    best = result.best
    assert best is not None  # else there is no run
    counts = {state: sum(each.state == state for each in result.trials) for state in ("pruned", "failed", "unfinished")}
    not_done = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    named = shlex.quote(str(result.run))
    return "\n".join(
        [
            *([verdict] if verdict else []),
            f"{len(result.trials)} trials{not_done and f' ({not_done})'} are in {result.out}: {TABLE}, {PICTURE}.",
            f"The best is trial {best.number}: {named}",
            "Try next:",
            f"  cellwright {command}",
            f"  cellwright compare {shlex.quote(str(result.out))}/trials/*",
        ]
    )
