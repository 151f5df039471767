"""The training curve as a picture."""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cellwright.files import replace_file


def draw_curve(rows: list[dict[str, float]], metric: str, best_epoch: int, path: Path) -> None:
    """Write losses (left) and the validation score `metric` (right), if there are any, over the epochs to a PNG.

    rows: the history's, one an epoch. best_epoch: marked by a line, 0 for none. Both axes begin at 0, so that what
    looks like half is half, unless a value lies below.
    """
    validated = "validation_loss" in rows[0]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)  # draws to memory: no display is needed
    left, *others = figure.subplots(1, 1 + validated, squeeze=False)[0]
    epochs = [row["epoch"] for row in rows]
    left.plot(epochs, [row["train_loss"] for row in rows], marker="o", label="training, dropout on")
    left.set(xlabel="epoch", ylabel="loss")
    for right in others:
        left.plot(epochs, [row["validation_loss"] for row in rows], marker="o", label="validation")
        right.plot(epochs, [row[f"validation_{metric}"] for row in rows], marker="o", color="C1", label="validation")
        right.set(xlabel="epoch", ylabel=metric)
    for axes in (left, *others):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.ticklabel_format(axis="y", useOffset=False)
        if axes.dataLim.ymin >= 0:
            axes.update_datalim([(epochs[0], 0)])
            axes.autoscale_view()  # with room above
            axes.set_ylim(bottom=0)
        if best_epoch and validated:
            axes.axvline(best_epoch, color="grey", linestyle=":", label="best")
        axes.legend()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    replace_file(path, picture.getvalue())
