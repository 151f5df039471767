"""The confusion matrix as a picture."""

from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cellwright.evaluation.fonts import DEFAULT, font_for
from cellwright.evaluation.metrics import Scores
from cellwright.models.files import replace_file

LONGEST_LABEL = 16  # characters; the rest is cut
MOST_NUMBERS = 20  # classes; beyond, the counts would not be readable


def draw_confusion(scores: Scores, path: str | Path) -> None:
    """Write the confusion matrix to `path` (.png): a row a true label, a column a given one, shade = share of the row.

    Where no installed font has the labels' characters, classes are numbered in the order of `scores.labels`.
    Raises InputError where the file cannot be written.
    """
    names = [label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…" for label in scores.labels]
    font = font_for([*names, "…"])
    if font is None:
        names = [f"class {number}" for number in range(len(names))]
    side = min(3 + 0.5 * len(names), 16)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    FigureCanvasAgg(figure)
    _draw(figure.add_subplot(), scores, names, font or DEFAULT)
    content = BytesIO()
    figure.savefig(content, dpi=120, format="png")
    replace_file(Path(path), content.getvalue())


def _draw(axes: Axes, scores: Scores, names: list[str], font: str) -> None:
    shares = [[count / max(sum(row), 1) for count in row] for row in scores.confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    positions = range(len(names))
    # A label is text, even with two dollar signs in it.
    axes.set_xticks(positions, names, rotation=45, ha="right", font=font, parse_math=False)
    axes.set_yticks(positions, names, font=font, parse_math=False)
    axes.set(xlabel="given label", ylabel="true label")
    axes.set_title(f"{scores.texts} texts, accuracy {scores.accuracy:.3f}")
    if len(names) > MOST_NUMBERS:
        return
    for i, row in enumerate(scores.confusion):
        for j, count in enumerate(row):
            colour = "white" if shares[i][j] > 0.5 else "black"
            axes.text(j, i, str(count), ha="center", va="center", color=colour)
