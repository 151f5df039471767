"""Where each symbol of an answer came from, as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cellwright.evaluation.fonts import DEFAULT, font_for
from cellwright.files import replace_file

COLUMNS = 3
LONGEST = 40
"""Symbols; the rest of a longer source or answer is not drawn."""


@dataclass(frozen=True)
class Aligned:
    """An answer and what the decoder looked at: `weights` (answer's symbols and its end, source's symbols)."""

    source: Sequence[str]
    answer: Sequence[str]
    weights: Sequence[Sequence[float]]


def draw_alignments(examples: Sequence[Aligned], path: str | Path) -> None:
    """Write them to `path` (.png): a row a symbol of the answer, a column one of the source, dark where it looked.

    Where no installed font has the symbols, they are numbered. Raises InputError where the file cannot be written.
    """
    drawn = [example for example in examples if len(example.source)]
    font = font_for(symbol for each in drawn for symbol in (*each.source, *each.answer))
    rows = max(1, -(-len(drawn) // COLUMNS))
    figure = Figure(figsize=(4 * COLUMNS, 4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, example in enumerate(drawn, start=1):
        axes = figure.add_subplot(rows, COLUMNS, place)
        axes.imshow([row[:LONGEST] for row in example.weights[: LONGEST + 1]], cmap="Blues", vmin=0, vmax=1)
        sides = {"x": list(example.source)[:LONGEST], "y": [*example.answer, "■"][: LONGEST + 1]}
        for side, symbols in sides.items():
            names = symbols if font else [str(number) for number, _ in enumerate(symbols, start=1)]
            # A symbol is text, even a dollar sign.
            set_ticks = axes.set_xticks if side == "x" else axes.set_yticks
            set_ticks(range(len(names)), names, font=font or DEFAULT, parse_math=False)
    content = BytesIO()
    figure.savefig(content, dpi=100, format="png")
    replace_file(Path(path), content.getvalue())
