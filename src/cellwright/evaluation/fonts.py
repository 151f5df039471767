"""A font for the labels of a picture: Matplotlib's own has no Chinese, Japanese or Korean characters."""

from collections.abc import Iterable
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

DEFAULT = "DejaVu Sans"  # ships with Matplotlib
PLACEHOLDERS = "Last Resort"  # ships too, and draws every character as a box


def font_for(texts: Iterable[str]) -> str | None:
    """Name of an installed font that has every printable character of the texts; None if there is none."""
    needed = frozenset(ord(c) for text in texts for c in text if not c.isspace())
    names = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist if PLACEHOLDERS not in entry.name}
    candidates = [DEFAULT, *sorted(names.keys() - {DEFAULT})]
    return next((name for name in candidates if needed <= _characters(names[name])), None)


@cache
def _characters(path: str) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())
