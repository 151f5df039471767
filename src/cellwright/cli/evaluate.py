"""`cellwright evaluate`: how good is a run on examples whose answers are known?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cellwright.cli.run_options import OwnCell
from cellwright.data.splits import Split
from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.evaluation.report import Report


def evaluate(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA…",
            help="File of examples or several, a folder or a pattern of them, or a built-in set.",
            show_default=False,
        ),
    ],
    split: Annotated[
        Split | None,
        typer.Option(help="What to score. By default test, of a built-in set or the run's own file; else all."),
    ] = None,
    skip_missing: Annotated[
        bool | None,
        typer.Option("--skip-missing/--no-skip-missing", help="Leave out rows without a label (default the run's)."),
    ] = None,
    baseline: Annotated[bool, typer.Option("--baseline/--no-baseline", help="Score baselines beside the run.")] = True,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the scores, as a confusion matrix say, to this PNG.")
    ] = None,
    mistakes: Annotated[
        Path | None,
        typer.Option(
            help="Write what the run is wrong about to this CSV, TSV, JSONL or Parquet: the example, the right answer, "
            "the run's, and its probability, by which they are sorted."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    cell: OwnCell = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as one JSON object.")] = False,
    **options: Any,
) -> None:
    """Score a run on examples whose answers are known, beside baselines fitted on its own training examples.

    Of a classifier these are the majority class and a linear model of character n-grams. Runs of some tasks add
    options: `cellwright evaluate RUN --help` lists them.
    """
    from cellwright import tasks
    from cellwright.cli.render_report import show
    from cellwright.cli.run_options import FILE_OPTIONS, columns_of, say
    from cellwright.data import datasets
    from cellwright.data.readers.several import as_one, named_by
    from cellwright.files import check_apart, check_free
    from cellwright.runs import load_told, of_files
    from cellwright.tasks.splits import usual_split

    written = {"--picture": picture, "--mistakes": mistakes}
    check_free(written, overwrite=overwrite)
    named = as_one(data, datasets.names())
    check_apart(written, named_by(named, {}))  # of no format: a folder is all that lies in it
    loaded = load_told(run, cell, options)
    task = tasks.get(loaded.config.task)
    if mistakes is not None:
        _check(mistakes, task.right_or_wrong(loaded))
    split = split or usual_split(loaded, named, datasets.names())
    told = {name: options[name] for name in FILE_OPTIONS} | {"skip_missing": skip_missing}
    columns = columns_of(told.pop("column") or [], task.columns)
    given = columns | of_files(told, task.name)
    report = task.evaluate(loaded, named, split, given, say, baseline)
    if picture is not None:
        _draw(report, picture, task.name)
    if as_json:
        print(json.dumps({"run": str(run), "data": named, "split": split} | report.as_json(), ensure_ascii=False))
    else:
        show(report, f"{named}, {split if split == 'all' else split + ' split'}: {report.counted}")
    if mistakes is not None:  # the scores are said: a full disk cannot take them away
        _write(report, mistakes)


def _check(mistakes: Path, right_or_wrong: bool) -> None:
    """Raise InputError where mistakes cannot be written, before any work is done."""
    from cellwright.cli.answers import written_format
    from cellwright.cli.journal import Journal

    written_format(mistakes)
    Journal(mistakes, None).check_unused("--mistakes")
    if not mistakes.parent.is_dir():
        raise InputError(f"--mistakes {mistakes}: no folder {mistakes.parent}; expected one that is there")
    if not right_or_wrong:
        raise InputError(
            f"--mistakes {mistakes}: the answers of this run are neither right nor wrong; leave it out: classifiers, "
            "taggers and transducers have mistakes"
        )


def _write(report: "Report", path: Path) -> None:
    from cellwright.cli.answers import written
    from cellwright.cli.journal import Journal
    from cellwright.cli.run_options import say
    from cellwright.data.readers.files import in_pieces
    from cellwright.data.wording import counted

    found = report.mistakes
    assert found is not None  # the task says so
    with written(Journal(path, None), found.columns) as answers:
        answers.begin(found.kinds)
        for some in in_pieces(found):
            answers.write([dict(row) for row in some])
    say(f"{counted(len(found), 'mistake')} in {path}")


def _draw(report: "Report", path: Path, task: str) -> None:
    pictures = list(report.pictures().values())
    if not pictures:
        raise InputError(f"--picture {path}: the scores of {task} have no picture; leave it out")
    pictures[0](path)
