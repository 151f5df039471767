"""`cellwright fit`: train a model, then say how good it is, where it is, and what to try next."""

import functools
import inspect
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from cellwright.evaluation.comparison import Comparison

Task = Annotated[Literal["classify"] | None, typer.Option(help="What to learn: classify gives each text a label.")]


def fit(**options: Any) -> None:
    """Train a model from labelled texts into a run folder."""
    from cellwright.cli.options import configured
    from cellwright.training import FitConfig
    from cellwright.training import fit as train

    del options["task"]  # one so far, and FitConfig is its description
    config = configured(FitConfig, options)
    result = train(config, progress=sys.stderr.isatty())
    if result.stopped == "interrupted":
        again = shlex.join(["cellwright", "fit", config.data, "--out", str(config.out), "--resume"])
        print(f"The best model so far is in {config.out}; to go on: {again}")
        raise typer.Exit(130)
    if os.environ.get("RANK", "0") == "0":  # of the processes that torchrun starts, one speaks
        _conclude(config.out)


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


def _conclude(out: Path) -> None:
    """Score the run on its test side, keep scores and picture in its folder, and say what to do with it."""
    from cellwright.cli.scoring import own_sides, scored
    from cellwright.cli.tables import show
    from cellwright.evaluation.picture import draw_confusion
    from cellwright.models.files import write_json
    from cellwright.serve import Predictor

    predictor = Predictor.load(out)
    sides = own_sides(predictor.run.config)
    comparison = scored(predictor, sides["test"], sides["train"])
    write_json(out / "test.json", comparison.as_json())
    draw_confusion(comparison.model, out / "confusion.png")
    show(comparison, f"test side: {comparison.model.texts:,} texts that training never saw")
    print(_advice(out, comparison))


def _advice(out: Path, comparison: "Comparison") -> str:
    """Return where the run is and what to try next."""
    assert comparison.linear is not None  # it was fitted on the run's training texts
    run = shlex.quote(str(out))
    gain = comparison.model.accuracy - comparison.linear.accuracy
    verdict = (
        f"The network adds {gain:+.3f} to the linear baseline's accuracy."
        if gain > 0
        else f"The linear baseline is as good or better ({gain:+.3f}): try another --cell or --pooling."
    )
    return f"""{verdict}
The run is in {out}: config.json says what it is, curve.png how it learned, confusion.png what it mixes up.
Try next:
  cellwright predict {run} "a text of yours"
  cellwright predict {run} < lines.txt
  cellwright evaluate {run} other.csv"""
