"""A recording as one PNG: a map of each letter of each layer and direction, token by unit."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cellwright.inspect.order import by_likeness
from cellwright.inspect.recording import Recording

MOST_LABELS = 60  # tokens; beyond, the names below a map could not be read


def heatmaps(recording: Recording, font: str | None) -> bytes:
    """The PNG: a row a letter, a column a layer's direction, units in order of likeness.

    font: one that has the characters of the tokens; where None, tokens are numbered.
    """
    cell, columns = recording.cell, recording.letters
    names = [*cell.gates, *(n for n in columns[0].values if n not in cell.gates)]
    figure = Figure(
        figsize=(min(3 + 0.16 * len(recording.tokens), 9) * len(columns), 2 * len(names)), layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(names), len(columns), squeeze=False, sharex=True)
    for column, letters in zip(axes.T, columns, strict=True):
        order = by_likeness(letters.values[cell.states[-1]])
        for place, name in zip(column, names, strict=True):
            _draw(place, name, letters.values[name][:, order].T, gate=name in cell.gates)
        column[0].set_title(letters.name)
    _label(axes[-1], recording.tokens, font)
    content = BytesIO()
    figure.savefig(content, dpi=110, format="png")
    return content.getvalue()


def _draw(place: Any, name: str, values: Any, gate: bool) -> None:
    furthest = 1.0 if gate else float(np.abs(values).max()) or 1.0
    shown = place.imshow(
        values,
        aspect="auto",
        interpolation="nearest",
        cmap="YlOrBr" if gate else "RdBu_r",
        vmin=0 if gate else -furthest,
        vmax=furthest,
    )
    place.figure.colorbar(shown, ax=place, fraction=0.03, pad=0.01)
    place.set_yticks([])
    place.set_ylabel(name, rotation=0, labelpad=12, style="italic")


def _label(places: Any, tokens: list[str], font: str | None) -> None:
    for place in places:
        if font is None or len(tokens) > MOST_LABELS:
            place.set_xlabel("token")
        else:
            upright = all(len(token) == 1 for token in tokens)
            names = [token if token.isprintable() else "" for token in tokens]
            place.set_xticks(range(len(tokens)), names, font=font, parse_math=False, rotation=0 if upright else 90)
