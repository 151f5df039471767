"""What is said of the trials of a search: one row each, as a table, `study.csv`, and `study.png`."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cellwright.data.wording import counted
from cellwright.files import replace_file
from cellwright.tuning.space import Choices, Range, Space, shown

TABLE, PICTURE = "study.csv", "study.png"
State = Literal["done", "pruned", "failed", "unfinished"]
WIDE = 3
"""Panels side by side in the picture."""


@dataclass(frozen=True)
class Trial:
    """One set of options that was tried."""

    number: int
    """From 0; its run folder is `trials/NUMBER` in the study's, with four digits."""
    state: State
    """Whether it trained to its end, was pruned, or failed; unfinished: another process is at it, or was killed."""
    score: float | None
    """The validation score of its best epoch, of a pruned one too; None where there is none."""
    options: Mapping[str, Any]
    """Those that are searched."""
    scores: Mapping[str, float]
    """All validation scores of that epoch."""
    epochs: int | None = None
    """Done."""
    best_epoch: int | None = None
    """From 1, whose weights are kept."""
    seconds: float | None = None
    """Wall time of training."""
    parameters: int | None = None
    """Numbers that the model consists of."""
    error: str | None = None
    """Why it failed, in a sentence."""


def sentence(trial: Trial, metric: str, most: int, *, best: bool) -> str:
    """One line on a trial that has ended; most: trials there are to be."""
    options = ", ".join(f"{name} {shown(value)}" for name, value in trial.options.items())
    head = f"trial {trial.number} of {most}, {options}: "
    if trial.state == "failed":
        return f"{head}failed: {trial.error}"
    score = f"validation {metric.replace('_', ' ')} {trial.score:.4g}"
    ended = f"{'pruned ' if trial.state == 'pruned' else ''}after {counted(trial.epochs or 0, 'epoch')}"
    return f"{head}{score}, {ended} and {trial.seconds:.0f} s{', the best so far' if best else ''}"


def write_table(path: Path, trials: Sequence[Trial], metric: str, space: Space) -> None:
    """Replace `study.csv`: a row a trial, whose options have a column each. Raises InputError for a full disk."""
    names = ["number", "state", metric, "best_epoch", "epochs", "seconds", "parameters", *space.searched, "error"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for each in trials:
        about = [each.best_epoch, each.epochs, each.seconds, each.parameters]
        options = [
            "none" if value is None else value for value in (each.options.get(name, "") for name in space.searched)
        ]
        writer.writerow([each.number, each.state, each.score, *about, *options, each.error])
    replace_file(path, text.getvalue().encode())


def draw(path: Path, trials: Sequence[Trial], best: Trial, metric: str, space: Space) -> None:
    """Replace `study.png`: the score over the trials, and over each option that is searched; the best has a ring."""
    scored = [each for each in trials if each.score is not None]
    panels: list[tuple[str, Range | Choices | None]] = [("trial", None), *space.searched.items()]
    columns = min(len(panels), WIDE)
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.2 * lines), layout="constrained")
    FigureCanvasAgg(figure)  # draws to memory: no display is needed
    axes = figure.subplots(lines, columns, squeeze=False, sharey=True).flat
    for (name, each), place in zip(panels, axes, strict=False):
        _panel(place, name, each, scored, best)
    for place in list(axes)[len(panels) :]:
        place.set_visible(False)
    for row in range(lines):
        figure.axes[row * columns].set_ylabel(metric.replace("_", " "))
    figure.axes[0].legend()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    replace_file(path, picture.getvalue())


def _panel(axes: Any, name: str, each: Range | Choices | None, scored: Sequence[Trial], best: Trial) -> None:
    """Draw the score over one option; each: its range or choices, None: over the trials' numbers."""

    def place(trial: Trial) -> float:
        if each is None:
            return trial.number
        value = trial.options[name]
        return each.values.index(value) if isinstance(each, Choices) else value

    for state, color in (("done", "C0"), ("pruned", "0.7")):
        points = [(place(trial), trial.score) for trial in scored if trial.state == state]
        if points:
            axes.scatter(*zip(*points, strict=True), s=18, color=color, label=state)
    axes.scatter([place(best)], [best.score], s=90, facecolors="none", edgecolors="C3", label="best")
    axes.set_xlabel(name.replace("_", " "))
    if isinstance(each, Choices):
        axes.set_xticks(range(len(each.values)), [shown(value) for value in each.values])
        axes.margins(x=0.2)
    elif each is not None and each.log:
        axes.set_xscale("log")
    elif each is None or isinstance(each.low, int):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="y", useOffset=False)
