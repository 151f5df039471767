"""A recording as one PNG: maps of each letter of each layer and direction; attention and channels stand above them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cellwright.evaluation.fonts import DEFAULT
from cellwright.inspect.recording import Channels, Recording
from cellwright.inspect.unit_order import by_likeness

MOST_LABELS = 60  # tokens; beyond, the names below a map could not be read
HEIGHT = 2  # inches of a map
MOST_CHANNELS = 8  # beyond, their names would hide them


def heatmaps(recording: Recording, font: str | None) -> bytes:
    """The PNG: a row a letter, a column a layer's direction, units in order of likeness.

    font: one that has the characters of the tokens; where None, tokens are numbered.
    """
    cell, columns = recording.cell, recording.letters
    names = [*cell.gates, *(n for n in columns[0].values if n not in cell.gates)]
    above = _height_above(recording)
    width = min(3 + 0.16 * max(len(recording.tokens), len(recording.written)), 9) * len(columns)
    figure = Figure(figsize=(width, above + HEIGHT * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    below: Any = figure
    if above:
        top, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[above, HEIGHT * len(names)])[:, 0]
        _draw_above(top.subplots(), recording, font)
    axes = below.subplots(len(names), len(columns), squeeze=False, sharex="col")
    for column, letters in zip(axes.T, columns, strict=True):
        order = by_likeness(letters.values[cell.states[-1]])
        for place, name in zip(column, names, strict=True):
            _draw(place, name, letters.values[name][:, order].T, gate=name in cell.gates)
        column[0].set_title(letters.name)
        _label(column[-1].xaxis, recording.steps_of(letters), font, recording.step)
    content = BytesIO()
    figure.savefig(content, dpi=110, format="png")
    return content.getvalue()


def _height_above(recording: Recording) -> float:
    """Inches of what stands above the maps."""
    if recording.attention is not None:
        return min(1.2 + 0.22 * len(recording.written), 9)
    return HEIGHT if recording.channels is not None else 0


def _draw_above(place: Any, recording: Recording, font: str | None) -> None:
    if recording.attention is not None:
        shown = place.imshow(recording.attention, aspect="auto", interpolation="nearest", cmap="Blues", vmin=0, vmax=1)
        place.figure.colorbar(shown, ax=place, fraction=0.03, pad=0.01)
        _label(place.xaxis, recording.tokens, font, recording.step)
        _label(place.yaxis, recording.written, font, "symbol written")
        place.set_title("attention: where each symbol written looked")
    elif recording.channels is not None:
        _draw_channels(place, recording.channels, font)


def _draw_channels(place: Any, channels: Channels, font: str | None) -> None:
    for name, values in list(zip(channels.names, channels.values.T, strict=True))[:MOST_CHANNELS]:
        place.plot(values, marker=".", linewidth=1, label=name.replace("_", " ").strip())
    more = len(channels.names) - MOST_CHANNELS
    place.set_title("channels, in standard deviations" + (f", the first {MOST_CHANNELS}" if more > 0 else ""))
    place.margins(x=0.01)
    for text in place.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8).get_texts():
        text.set(font=font or DEFAULT, parse_math=False, size=8)


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


def _label(axis: Any, tokens: Sequence[str], font: str | None, step: str) -> None:
    """Name the steps along an axis, as far as they can be read."""
    if font is None or len(tokens) > MOST_LABELS:
        axis.set_label_text(step)
        return
    upright = axis.axis_name == "y" or all(len(token) == 1 for token in tokens)
    names = [token if token.isprintable() else "" for token in tokens]
    axis.set_ticks(range(len(tokens)), names, font=font, parse_math=False, rotation=0 if upright else 90)
