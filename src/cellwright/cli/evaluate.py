"""`cellwright evaluate`: how good is a run on examples whose answers are known?"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.evaluation.report import Report

Side = Literal["train", "validation", "test", "all"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    data: Annotated[str, typer.Argument(help="File of examples, or a built-in set.", show_default=False)],
    split: Annotated[
        Side | None,
        typer.Option(help="What to score. By default test, of a built-in set or the run's own file; else all."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE=NAME",
            help="A column whose name or number differs from the run's: text=review, say. May be repeated.",
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a text file (default the run's).")] = None,
    format: Annotated[
        str | None, typer.Option(help="Format of a file whose suffix does not tell (default the run's).")
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help="What stands between the fields of CSV and TSV (default the run's, or as found).")
    ] = None,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header", help="The first row of CSV and TSV names the columns (default the run's)."
        ),
    ] = None,
    quoting: Annotated[
        bool | None,
        typer.Option("--quoting/--no-quoting", help="Double quotes may enclose a field (default the run's)."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the scores, as a confusion matrix say, to this PNG.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as one JSON object.")] = False,
    **options: Any,
) -> None:
    """Score a run on examples whose answers are known, beside baselines fitted on its own training examples.

    Of a classifier these are the majority class and a linear model of character n-grams. Runs of some tasks add
    options: `cellwright evaluate RUN --help` lists them.
    """
    from cellwright import tasks
    from cellwright.cli.answering import load_told
    from cellwright.cli.tables import show
    from cellwright.data import datasets
    from cellwright.models.files import check_free
    from cellwright.tasks.task import usual_side

    check_free({"--picture": picture}, overwrite=overwrite)
    loaded = load_told(run, options)
    task = tasks.get(loaded.config.task)
    side = split or usual_side(loaded, data, datasets.names())
    told = {"encoding": encoding, "format": format, "separator": separator, "header": header, "quoting": quoting}
    given = _columns(column or [], task.columns) | _known(told, task.name)
    report = task.evaluate(loaded, data, side, given, lambda sentence: print(sentence, file=sys.stderr))
    if picture is not None:
        _draw(report, picture, task.name)
    if as_json:
        print(json.dumps({"run": str(run), "data": data, "split": side} | report.as_json(), ensure_ascii=False))
    else:
        show(report, f"{data}, {side if side == 'all' else side + ' side'}: {report.counted}")


def _columns(given: list[str], roles: tuple[str, ...]) -> dict[str, Any]:
    """Return the name of each role that was given one; raises InputError for what is no role."""
    found = {}
    for each in given:
        role, sign, name = each.partition("=")
        if role not in roles or not sign or not name:
            expected = ", ".join(f"{known}=NAME" for known in roles)
            raise InputError(f"--column is {each!r}; expected one of {expected}")
        found[role] = name
    return found


def _known(told: dict[str, Any], task: str) -> dict[str, Any]:
    """Return the options that were given; raises InputError for one that files of this task do not have."""
    from cellwright import tasks

    given = {name: value for name, value in told.items() if value is not None}
    for name in sorted(given.keys() - tasks.config_of(task).model_fields):
        raise InputError(f"--{name} is {given[name]}, which files of a run of task {task} do not have; leave it out")
    return given


def _draw(report: "Report", path: Path, task: str) -> None:
    pictures = list(report.pictures().values())
    if not pictures:
        raise InputError(f"--picture {path}: the scores of {task} have no picture; leave it out")
    pictures[0](path)
