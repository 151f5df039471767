"""The README's figure: a review with its gates, as the reviews' classifier reads it.

python tools/figure.py

The run is the one that `make demo` makes; where it is not there, it is trained first (some minutes).
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from cellwright.errors import InputError
from cellwright.evaluation.fonts import DEFAULT, font_for
from cellwright.files import replace_file
from cellwright.inspect.recorders import record
from cellwright.inspect.recording import Recording
from cellwright.inspect.report import page_file
from cellwright.inspect.unit_order import by_peak
from cellwright.tasks.run import load_run

ROOT = Path(__file__).parents[1]
RUN = ROOT / "runs" / "reviews-zh"
PICTURE = ROOT / "docs" / "figures" / "gates.png"
WORDS = [
    ("房间", "room"), ("很", "very"), ("干净", "clean"), ("，", ""), ("但是", "but"), ("服务", "service"),
    ("太", "too"), ("差", "bad"), ("，", ""), ("等", "waited"), ("了", ""), ("半", "half"), ("天", "a day"), ("，", ""),
    ("再", "again"), ("也", ""), ("不", "not"), ("来", "come"), ("了", ""),
]  # fmt: skip
"""The review, word by word, and in English."""
UNITS = 16
WIDTH, HEIGHT, DPI = 16, 8.6, 100  # inches, dots an inch


def make() -> None:
    """Write the picture, and train the run before if need be. Raises InputError where no font has the characters."""
    if not (RUN / "model.safetensors").exists():
        from cellwright.tasks.classify import ClassifyConfig
        from cellwright.training import fit

        fit(ClassifyConfig(data="reviews-zh", out=RUN))
    PICTURE.parent.mkdir(exist_ok=True)
    replace_file(PICTURE, draw(record(load_run(RUN), "".join(word for word, _ in WORDS))))
    print(f"written: {PICTURE.relative_to(ROOT)}")


def draw(recording: Recording) -> bytes:
    """The PNG: the text with what each character contributed, the answer, and gate and state of the same units."""
    font = font_for(recording.tokens)
    if font is None:
        raise InputError(
            f"no font has the characters of {recording.text!r}; expected one, such as that of Debian's "
            "fonts-wqy-microhei: install it"
        )
    figure = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
    FigureCanvasAgg(figure)
    places = figure.subplots(
        4, 1, sharex=True, gridspec_kw={"height_ratios": [1.5, 1.5, 2.6, 2.6], "hspace": 0.22,
        "left": 0.2, "right": 0.99, "top": 0.985, "bottom": 0.025},
    )  # fmt: skip
    letters = recording.letters[0]
    units = _telling(letters.values["c"])
    gate, state = letters.values["f"][:, units], letters.values["c"][:, units]
    _draw_text(places[0], recording, font)
    _draw_answer(places[1], recording)
    _draw_map(places[2], gate.T, "gate", "forget gate  $f$", "dark: 1, keeps its cell\nwhite: 0, forgets it")
    meaning = "red above 0, blue below,\neach unit on its own scale"
    _draw_map(places[3], (state / np.abs(state).max(0)).T, "value", "cell  $c$", meaning)
    content = BytesIO()
    figure.savefig(content, dpi=DPI, format="png")
    return content.getvalue()


def _telling(state: Any) -> Any:
    """Half the units that move most in the first half of the text, half in the second; by peak. (T, H) -> (UNITS)."""
    found: list[int] = []
    for half in np.array_split(state, 2):
        most = np.argsort(-np.ptp(half, axis=0), kind="stable")
        found += [unit for unit in most.tolist() if unit not in found][: UNITS // 2]
    return np.array(found)[by_peak(state[:, found])]


def _draw_text(place: Any, recording: Recording, font: str) -> None:
    values = recording.attributions.values  # type: ignore[union-attr]
    for t, (token, value) in enumerate(zip(recording.tokens, values / np.abs(values).max(), strict=True)):
        box = FancyBboxPatch(
            (t - 0.43, 0.36), 0.86, 0.54, boxstyle="round,pad=0,rounding_size=0.07", mutation_aspect=0.6
        )
        box.set(facecolor=_colour("for" if value > 0 else "against"), alpha=0.7 * abs(float(value)), linewidth=0)
        place.add_patch(box)
        place.text(t, 0.62, token, font=font, size=26, ha="center", va="center", color=_colour("ink"))
    begin = 0
    for word, english in WORDS:
        middle = begin + (len(word) - 1) / 2
        place.text(middle, 0.16, english, size=13, ha="center", va="center", color=_colour("quiet"))
        begin += len(word)
    _name(place, "what each character\ncontributed", "green for the answer,\norange against it")
    place.set(xlim=(-0.5, len(recording.tokens) - 0.5), ylim=(0, 1))


def _draw_answer(place: Any, recording: Recording) -> None:
    names = recording.answers.names
    share = recording.answers.values[:, names.index("positive")]
    steps = np.arange(len(share))
    for name, beyond in (("for", share > 0.5), ("against", share < 0.5)):
        place.fill_between(
            steps, share, 0.5, where=beyond, interpolate=True, color=_colour(name), alpha=0.25, linewidth=0
        )
    place.plot(steps, share, color=_colour("ink"), linewidth=2, marker="o", markersize=4.5)
    place.axhline(0.5, color=_colour("edge"), linewidth=0.8)
    place.set_ylim(-0.06, 1.06)
    last = f"{recording.answer}, {recording.share:.0%} sure at the end"
    _name(place, "probability of\na good review", last)
    for level in (0, 0.5, 1):
        place.text(-0.58, level, f"{level:.0%}", size=11, ha="right", va="center", color=_colour("quiet"))


def _draw_map(place: Any, values: Any, kind: str, name: str, meaning: str) -> None:
    furthest = np.abs(values).max()
    low, high = (0, 1) if kind == "gate" else (-furthest, furthest)
    shades = LinearSegmentedColormap.from_list(kind, _colours(kind))
    place.imshow(values, aspect="auto", interpolation="nearest", cmap=shades, vmin=low, vmax=high)
    chosen = f"the {len(values)} units whose cells move\nmost in one half of the text,\nreading from the left"
    _name(place, name, f"{chosen}\n\n{meaning}")


def _name(place: Any, name: str, meaning: str) -> None:
    """What a row is, at its left."""
    place.set_axis_off()
    lines = 1 + name.count("\n")
    place.annotate(
        name, (0, 1), (-218, -2), "axes fraction", textcoords="offset points", size=15, va="top",
        weight="bold", color=_colour("ink"), linespacing=1.25,
    )  # fmt: skip
    place.annotate(
        meaning, (0, 1), (-218, -8 - 20 * lines), "axes fraction", textcoords="offset points", size=11.5,
        va="top", color=_colour("quiet"), linespacing=1.35, family=DEFAULT,
    )  # fmt: skip


def _colours(name: str) -> list[str]:
    """The light colours of that name in the report's style sheet."""
    found = re.search(rf"--{name}: ([^;]+);", page_file("look.css"))
    assert found is not None
    return found[1].split()


def _colour(name: str) -> str:
    return _colours(name)[0]


if __name__ == "__main__":
    make()
