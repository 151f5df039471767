"""`cellwright fit`: train a model, then say how good it is, where it is, and what to try next."""

import functools
import inspect
import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from cellwright.evaluation.comparison import Comparison
    from cellwright.training import FitResult

SCORES, CONFUSION = "test.json", "confusion.png"  # of the test side, in the run folder

Task = Annotated[Literal["classify"] | None, typer.Option(help="What to learn: classify gives each text a label.")]


def fit(**options: Any) -> None:
    """Train a model from labelled texts into a run folder."""
    from cellwright.cli.options import configured
    from cellwright.training import FitConfig
    from cellwright.training import fit as train

    del options["task"]  # one so far, and FitConfig is its description
    config = configured(FitConfig, options)
    result = train(config, progress=sys.stderr.isatty())
    for stale in (SCORES, CONFUSION):  # of the weights before, where the run was resumed or replaced
        (result.out / stale).unlink(missing_ok=True)
    if result.stopped == "interrupted":
        again = shlex.join(["cellwright", "fit", config.data, "--out", str(config.out), "--resume"])
        print(f"The best model so far is in {config.out}; to go on: {again}")
        raise typer.Exit(130)
    if os.environ.get("RANK", "0") == "0":  # of the processes that torchrun starts, one speaks
        _conclude(result)


class FitCommand(TyperCommand):
    """`fit` with the fields of FitConfig as its options.

    They are read when the command is used, not when `cellwright --help` lists it: what they stand in is slow to import.
    """

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Read the command line with all the options."""
        return _with_options().make_context(*arguments, **settings)


def _with_options() -> Any:
    from cellwright.cli.options import options_of
    from cellwright.training import FitConfig

    task = inspect.Parameter("task", inspect.Parameter.KEYWORD_ONLY, default="classify", annotation=Task)
    command: Any = functools.wraps(fit)(lambda **options: fit(**options))
    command.__signature__ = inspect.Signature([task, *options_of(FitConfig, arguments=frozenset({"data"}))])
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    return typer.main.get_command(app)


def _conclude(result: "FitResult") -> None:
    """Score the run on its test side, keep scores and picture in its folder, and say what to do with it."""
    from cellwright.cli.scoring import own_sides, scored
    from cellwright.cli.tables import show
    from cellwright.evaluation.picture import draw_confusion
    from cellwright.models.files import write_json
    from cellwright.serve import Predictor

    out = result.out
    predictor = Predictor.load(out)
    sides = own_sides(predictor.run.config)
    comparison = scored(predictor, sides["test"], sides["train"])
    write_json(out / SCORES, comparison.as_json())
    draw_confusion(comparison.model, out / CONFUSION)
    show(comparison, f"test side: {comparison.model.texts:,} texts that training never saw")
    print(_advice(result, predictor.run.config.training["data"], comparison))


def _advice(result: "FitResult", data: str, comparison: "Comparison") -> str:
    """Return what the network adds, where the run is, and what to try next."""
    run = shlex.quote(str(result.out))
    lines = [
        _verdict(comparison),
        f"The run is in {result.out}: curve.png shows how it learned, confusion.png what it mixes up.",
        "Try next:",
        f'  cellwright predict {run} "a text of yours"    (or lines on standard input)',
        f"  cellwright evaluate {run} other.csv",
    ]
    if result.stopped == "epochs" and result.best_epoch == result.epochs:
        longer = f"cellwright fit {shlex.quote(data)} --out {run} --resume --max-epochs {2 * result.epochs}"
        lines.append(f"  {longer}    (the last epoch was the best)")
    return "\n".join(lines)


def _verdict(comparison: "Comparison") -> str:
    assert comparison.linear is not None  # it was fitted on the run's training texts
    gain = comparison.model.accuracy - comparison.linear.accuracy
    if gain < 0:
        return (
            f"The linear baseline is {-gain:.3f} ahead of the network: train longer, or with another --cell, --pooling "
            "or --learning-rate."
        )
    return f"The network adds {gain:.3f} to the accuracy of the linear baseline."
