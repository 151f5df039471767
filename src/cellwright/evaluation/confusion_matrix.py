"""The confusion matrix as a picture."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cellwright.evaluation.fonts import DEFAULT, font_for
from cellwright.evaluation.metrics import Scores
from cellwright.files import replace_file

LONGEST_LABEL = 16  # characters; the rest is cut
MOST_NUMBERS = 20  # classes; beyond, the counts would not be readable
MOST_CLASSES = 40  # beyond, neither would the labels be


@dataclass(frozen=True)
class _Matrix:
    """What is drawn: N names, and (N, N) counts, a row a true label, a column a given one."""

    names: list[str]
    counts: NDArray[np.int64]


def draw_confusion(scores: Scores, path: str | Path) -> None:
    """Write the confusion matrix to `path` (.png): a row a true label, a column a given one, shade = share of the row.

    Of more than MOST_CLASSES those with the most mistakes are drawn, and the rest as one. Where no installed font has
    the labels' characters, classes are numbered in the order of `scores.labels`. Raises InputError where the file
    cannot be written.
    """
    names = [label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…" for label in scores.labels]
    font = font_for([*names, "…"])
    if font is None:
        names = [f"class {number}" for number in range(len(names))]
    matrix = _readable(_Matrix(names, np.array(scores.confusion)))
    title = f"{scores.texts} texts, accuracy {scores.accuracy:.3f}"
    if len(matrix.names) < len(names):
        title += f"; of {len(names)} classes those with the most mistakes"
    names = matrix.names
    side = min(3 + 0.5 * len(names), 16)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    _draw(axes, matrix, font or DEFAULT)
    content = BytesIO()
    figure.savefig(content, dpi=120, format="png")
    replace_file(Path(path), content.getvalue())


def _readable(matrix: _Matrix) -> _Matrix:
    """At most MOST_CLASSES: those with the most mistakes, from them or to them, in their order, and last all others."""
    count = len(matrix.names)
    if count <= MOST_CLASSES:
        return matrix
    right = np.diag(np.diag(matrix.counts))
    mistakes = (matrix.counts - right).sum(0) + (matrix.counts - right).sum(1)
    chosen = np.sort(np.argsort(-mistakes, kind="stable")[: MOST_CLASSES - 1])
    place = np.full(count, len(chosen))
    place[chosen] = np.arange(len(chosen))
    joined = np.zeros((MOST_CLASSES, MOST_CLASSES), np.int64)
    np.add.at(joined, (place[:, None], place), matrix.counts)
    return _Matrix([*(matrix.names[k] for k in chosen), f"{count - len(chosen)} others"], joined)


def _draw(axes: Axes, matrix: _Matrix, font: str) -> None:
    shares = matrix.counts / np.maximum(matrix.counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    positions = range(len(matrix.names))
    # A label is text, even with two dollar signs in it.
    axes.set_xticks(positions, matrix.names, rotation=45, ha="right", font=font, parse_math=False)
    axes.set_yticks(positions, matrix.names, font=font, parse_math=False)
    axes.set(xlabel="given label", ylabel="true label")
    if len(matrix.names) > MOST_NUMBERS:
        return
    for (i, j), count in np.ndenumerate(matrix.counts):
        colour = "white" if shares[i, j] > 0.5 else "black"
        axes.text(j, i, str(count), ha="center", va="center", color=colour)
