"""What a claim of the notes consists of here, and how its results are kept: docs/claims/NAME.json and NAME.svg."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Literal

import matplotlib
import torch
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "claims"
Results = dict[str, Any]  # plain JSON


@dataclass(frozen=True)
class Verdict:
    """Whether a claim holds, and by how much, in one or two sentences."""

    word: Literal["holds", "holds partly", "does not hold"]
    by: str


@dataclass(frozen=True)
class Table:
    """Rows of words and figures under their columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Claim:
    """A sentence of the notes and its measurement.

    name      of the script and of its results
    title     a heading
    notes     the notes' sentences, each in English and in the Chinese original
    how       how it is measured, for a reader who wants to judge it
    measure   quick -> results as plain JSON, each figure once a seed; quick runs the same code in seconds, and its
              figures mean nothing
    judge     results -> verdict: arithmetic only
    table     results -> table
    draw      results, an empty figure -> the plot
    """

    name: str
    title: str
    notes: Sequence[tuple[str, str]]
    how: str
    measure: Callable[[bool], Results]
    judge: Callable[[Results], Verdict]
    table: Callable[[Results], Table]
    draw: Callable[[Results, Figure], None]


def seeds(quick: bool) -> range:
    """One a repetition."""
    return range(1 if quick else 3)


def verdict(parts: Sequence[bool], by: str) -> Verdict:
    """A claim holds where all its parts do."""
    return Verdict("holds" if all(parts) else "holds partly" if any(parts) else "does not hold", by)


def spread(values: Sequence[float], digits: int = 2, scale: float = 1) -> str:
    """The mean over seeds and, in brackets, the lowest and the highest."""
    scaled = [scale * value for value in values]
    return f"{mean(scaled):.{digits}f} ({min(scaled):.{digits}f}–{max(scaled):.{digits}f})"


def run(claim: Claim, quick: bool = False, folder: Path = FOLDER) -> None:
    """Measure a claim and write its results and its plot. One thread, so that processor time is the work's own."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    began, clock = time.process_time(), time.perf_counter()
    try:
        results = claim.measure(quick)
    finally:
        torch.set_num_threads(threads)
    cost = {"processor_seconds": round(time.process_time() - began), "seconds": round(time.perf_counter() - clock)}
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"quick": quick, "cost": cost, "machine": machine, "results": results}
    (folder / f"{claim.name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    plot(claim, results, folder)


def plot(claim: Claim, results: Results, folder: Path) -> None:
    """Write NAME.svg: the same bytes for the same results."""
    style = {"svg.hashsalt": claim.name, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(9, 3), layout="constrained")
        claim.draw(results, figure)
        figure.savefig(folder / f"{claim.name}.svg", metadata={"Date": None})


def lines(ax: Any, x: Sequence[Any], values: dict[str, Sequence[Sequence[float]]]) -> None:
    """Draw a line a name through the means of values[name][i] over seeds, the range shaded."""
    for name, points in values.items():
        (drawn,) = ax.plot(x, [mean(point) for point in points], marker=".", label=name)
        ax.fill_between(x, [min(p) for p in points], [max(p) for p in points], alpha=0.15, color=drawn.get_color())
