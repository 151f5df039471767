"""A line of mathematics as SVG text: γ_{x,i} with its subscript lower, letters slanted, names of functions upright."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

SIZE, SMALL = 16, 11.5  # px, of a letter and of what stands below it
DROP = 4.5  # px by which the latter stands lower
_WIDTH = 0.55  # of a letter in its size; serif faces differ, boxes leave room

_PIECE = re.compile(
    r"(?P<name>[^\W\d_]+(?:_[^\W\d_]{2,})*)(?=\()|(?P<base>[^\W\d_]+'?)(?:_(?:\{(?P<long>[^}]*)\}|(?P<short>\w)))?"
)
_PRINTED = {"log_sigmoid": "log σ"}
# fmt: off
_UPRIGHT = {
    "if", "else", "then", "exp", "tanh", "max", "min", "norm", "relu", "log", "mean", "σ", "pow", "sin", "cos", "atan",
    "total", "amax", "softmax", "spike",
}
# fmt: on


def typeset(text: str) -> str:
    """The tspans of a line."""
    spans, lowered = [], False
    for piece, slanted, below in _pieces(text):
        shift = DROP if below and not lowered else -DROP if lowered and not below else 0
        lowered = below
        style = (' font-style="italic"' if slanted else "") + (f' font-size="{SMALL}"' if below else "")
        move = f' dy="{shift:g}"' if shift else ""
        spans.append(f"<tspan{move}{style}>{escape(piece)}</tspan>")
    return "".join(spans)


def width(text: str) -> float:
    """About how wide a line is, in px."""
    return sum(_WIDTH * (SMALL if below else SIZE) * len(piece) for piece, _, below in _pieces(text))


def _pieces(text: str) -> Iterator[tuple[str, bool, bool]]:
    """The parts of a line: text, whether it is slanted, whether it stands below."""
    done = 0
    for match in _PIECE.finditer(text):
        if match.start() > done:
            yield text[done : match.start()], False, False
        name, base = match["name"], match["base"]
        yield _PRINTED.get(name, name) or base, not name and base not in _UPRIGHT, False
        if below := match["long"] or match["short"]:
            yield below, False, True
        done = match.end()
    if done < len(text):
        yield text[done:], False, False
