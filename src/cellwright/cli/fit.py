"""`cellwright fit`: train a model, then say how good it is, where it is, and what to try next."""

import inspect
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cellwright import tasks

if TYPE_CHECKING:
    from cellwright.evaluation.report import Report
    from cellwright.tasks.run import Run
    from cellwright.training import FitResult


DATA = frozenset({"data"})


def fit(**options: Any) -> None:
    """Train a model from a file of examples into a run folder.

    The options are those of the task: `fit --task NAME --help` lists them.
    """
    from cellwright.allocator import keep_freed_memory
    from cellwright.data import datasets
    from cellwright.data.readers.several import as_one
    from cellwright.options import configured
    from cellwright.stages import stage

    # What the process has done before is nearly all loading, unless it is one in which they are there already.
    lasted = 0.0 if "cellwright.training" in sys.modules else time.process_time()
    with stage("loading PyTorch and Lightning", lasted=lasted):
        from cellwright.training import fit as train
        from cellwright.training.folder import SCORES
        from cellwright.training.processes import is_first_process

    keep_freed_memory()
    data = as_one(options["data"], datasets.names())
    config = configured(tasks.config_of(options.pop("task")), options | {"data": data})
    result = train(config, progress=sys.stderr.isatty())
    if not is_first_process():
        if result.stopped == "interrupted":
            raise typer.Exit(130)
        return
    for stale in (*SCORES.values(), *tasks.get(config.task).pictures):  # of the weights before a resume
        (result.out / stale).unlink(missing_ok=True)
    if result.stopped == "interrupted":
        again = _again(config.data, config.out, options.get("cell"))
        reached = f"The best model so far is in {config.out}" if result.steps else "No model has been trained yet"
        print(f"{reached}; to go on: {again}")
        raise typer.Exit(130)
    _conclude(result)


class FitCommand(TyperCommand):
    """`fit` with the fields of the task's config as its options.

    They are read when the command is used, not when `cellwright --help` lists it: what they stand in is slow to import.
    """

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the command line with all the options of its task."""
        return _with_options(_task(args)).make_context(info_name, args, parent, **extra)


def _task(arguments: list[str]) -> str:
    """The task that the command line names, else that of the run which it resumes, else the usual one."""
    out = value_of("--out", arguments)
    if named := value_of("--task", arguments):
        return named
    if "--resume" not in arguments or out is None:
        return tasks.USUAL
    from cellwright.errors import InputError
    from cellwright.tasks.run import task_of  # which loads PyTorch: not before `fit` says that it does

    try:
        return task_of(Path(out))
    except InputError:  # nothing to resume, which training says better
        return tasks.USUAL


def value_of(flag: str, arguments: list[str]) -> str | None:
    """What stands after the flag, or after its equals sign."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        if argument == flag:
            return following
        if argument.startswith(flag + "="):
            return argument.partition("=")[2]
    return None


def _with_options(name: str) -> Any:
    from cellwright.cli.options import command_of, options_of

    config = tasks.config_of(name)
    task = task_parameter(name, ", with --resume that of the run")
    return command_of(fit, [task, *options_of(config, arguments=DATA, several=DATA)])


def task_parameter(name: str, note: str = "") -> inspect.Parameter:
    """The option --task, of a command line that is about the task `name`; note: what else its help says."""
    help_text = f"What to learn: {', '.join(tasks.NAMES)} (default {tasks.USUAL}{note})."
    kind = Annotated[str, typer.Option(help=help_text, show_default=False)]
    return inspect.Parameter("task", inspect.Parameter.KEYWORD_ONLY, default=name, annotation=kind)


def _conclude(result: "FitResult") -> None:
    """Score the run, and say what to do with it."""
    run, report = scored(result.out)
    print(_advice(result, run, report))


def scored(out: Path) -> "tuple[Run[Any, Any], Report | None]":
    """Score a run on its test split, and keep scores and pictures in its folder; None where nothing was held out."""
    from cellwright.cli.render_report import show
    from cellwright.cli.run_options import say
    from cellwright.data import datasets
    from cellwright.files import write_json
    from cellwright.tasks.run import load_run
    from cellwright.tasks.splits import usual_split
    from cellwright.training.folder import SCORES, model_scores
    from cellwright.training.loggers import track_scores

    run = load_run(out)
    data = run.config.options["data"]
    task = tasks.get(run.config.task)
    split = usual_split(run, data, datasets.names())
    if split == "train":
        say(f"nothing was held out, so that there are no scores; cellwright evaluate {out} FILE gives some")
        return run, None
    if split == "validation":
        say("no test split was kept: scored is the validation split, by which the best epoch was chosen")
    report = task.evaluate(run, data, split, {}, say, run.config.options["baseline"])
    write_json(out / SCORES[split], report.as_json())
    for name, draw in report.pictures().items():
        draw(out / name)
    track_scores(out, split, model_scores(report.as_json()))
    show(report, f"{split} split: {report.counted}")
    return run, report


def _again(data: str, out: Path, cell: str | None, *more: object) -> str:
    """Return the command that goes on with the run, with the options `more`; a cell's code is named again."""
    from cellwright.cells.from_file import is_file
    from cellwright.training.processes import by_torchrun

    code = ["--cell", cell] if cell is not None and is_file(cell) else []
    again = shlex.join(["cellwright", "fit", data, "--out", str(out), "--resume", *code, *map(str, more)])
    # With which options torchrun was called, it does not tell.
    return f"torchrun … -m {again}" if by_torchrun() else again


def _advice(result: "FitResult", run: "Run[Any, Any]", report: "Report | None") -> str:
    """Return what the network adds, if it was scored, where the run is, and what to try next."""
    from cellwright.tasks.own_cell import CODE
    from cellwright.training.folder import CURVE

    task, own = tasks.get(run.config.task), run.config.own_cell
    code = None if own is None else f"{result.out / CODE}:{own.name}"
    named = shlex.join([str(result.out), *(["--cell", code] if code else [])])
    curve = [f"{CURVE} shows how it learned"] if (result.out / CURVE).exists() else []  # not without a whole epoch
    pictures = ", ".join([*curve, *(report.pictures() if report else [])])
    lines = [
        *([report.verdict()] if report else []),
        f"The run is in {result.out}{': ' if pictures else ''}{pictures}.",
        "Try next:",
        *(f"  cellwright {each.format(run=named, text=task.example(run))}" for each in task.suggestions),
    ]
    if result.validation and result.stopped == "epochs" and result.best_epoch == result.epochs:
        lines.append(f"  {_longer(result, run, code)}")
    return "\n".join(lines)


def _longer(result: "FitResult", run: "Run[Any, Any]", code: str | None) -> str:
    """Return the command that trains twice as long, and why so.

    Where a cosine has ended, a run that is resumed takes large steps once more, and until they have fallen its scores
    may be below those it had: patience may end it before. A new run is the better use of the time.
    """
    from cellwright import tasks
    from cellwright.cli.options import as_given

    options, epochs = run.config.options, 2 * result.epochs
    if options["lr_schedule"] == "constant":
        return f"{_again(options['data'], result.out, code, '--max-epochs', epochs)}    (the last epoch was the best)"
    changed = {"max_epochs": epochs, **({"cell": code} if code else {})}
    task = [] if run.config.task == tasks.USUAL else ["--task", run.config.task]
    given = as_given(tasks.config_of(run.config.task), options | changed)
    anew = shlex.join(["cellwright", "fit", options["data"], *task, "--out", f"{result.out}-longer", *given])
    why = "the last epoch was the best, and the steps have become small: a run of twice the epochs begins anew"
    return f"{anew}    ({why})"
