"""A font for the labels of a picture: Matplotlib's own has no Chinese, Japanese or Korean characters."""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

DEFAULT = "DejaVu Sans"  # ships with Matplotlib
PLACEHOLDERS = "Last Resort"  # ships too, and draws every character as a box


def font_for(texts: Iterable[str]) -> str | None:
    """Name of an installed font that has every printable character of the texts; None if there is none."""
    needed = frozenset(ord(c) for text in texts for c in text if not c.isspace())
    found = _installed(needed)
    # Matplotlib keeps a list of fonts on disk, which knows none that was installed since.
    return _installed(needed) if found is None and _add_new() else found


def _installed(needed: frozenset[int]) -> str | None:
    names = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist if PLACEHOLDERS not in entry.name}
    candidates = [DEFAULT, *sorted(names.keys() - {DEFAULT})]
    return next((name for name in candidates if needed <= _characters(names[name])), None)


def _add_new() -> bool:
    """Tell Matplotlib of the fonts that it does not know; whether there were any."""
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    new = [path for path in font_manager.findSystemFonts() if path not in known]
    for path in new:
        with suppress(OSError, RuntimeError):  # a file that is no font that can be drawn with
            font_manager.fontManager.addfont(path)
    return bool(new)


@cache
def _characters(path: str) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())
