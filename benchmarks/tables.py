"""Results as tables: on a terminal by rich, elsewhere as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median_high

from cases import STANDARD
from cellwright.bench.case import Case
from cellwright.bench.measure import Measurement
from cellwright.bench.rivals import OURS
from cellwright.bench.timing import Spread
from results import REST, Breakdown, Compilation, Errors, Peak, Results
from rivals import RIVALS
from targets import TARGETS, Verdict


@dataclass(frozen=True)
class Table:
    """A title, columns (the first of names, the others of figures or of words), rows, and what a reader has to know."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: bool = False


def of_results(results: Results, spreads: bool) -> list[Table]:
    """What a user wants to know of a run, all tables that have rows; `spreads` adds the quartiles of every time."""
    tables = [
        _of_rivals(results),
        _of_machine(results),
        *_of_speed(results, spreads),
        of_breakdown(results.breakdown, results.rates["tile"]),
        of_errors(results.errors),
        of_memory(results.memory),
        of_startup(results.imports, results.compilations),
    ]
    return [table for table in tables if table.rows]


def of_errors(errors: Iterable[Errors]) -> Table:
    """Ours and the rival's, in outputs and gradients."""
    rows = [
        [
            f"{e.case.cell} {e.case.sizes}",
            *(f"{one[of]:.1e}" for of in ("output", "gradients") for one in (e.ours, e.theirs, e.rounding)),
            e.rival,
        ]
        for e in errors
    ]
    return Table(
        "Errors",
        [
            "",
            *(f"{of}, {whose}" for of in ("output", "gradients") for whose in ("ours", "PyTorch's", "rounding")),
            "PyTorch's",
        ],
        rows,
        "Largest difference from the reference in float64, as a share of the tensor's largest value; in gradients, the "
        "largest of all weights and the input. Rounding: what the reference makes of a rounding of the input. Ragged "
        "batches, two directions.",
    )


def of_breakdown(found: Iterable[Breakdown], tile: Spread) -> Table:
    """Milliseconds of a layer's parts; of those that multiply, their share of the tile's rate."""
    found = list(found)
    names = [name for name in dict.fromkeys(name for one in found for name in one.parts) if name != REST]

    def part(one: Breakdown, name: str) -> str:
        if name not in one.parts:
            return "–"
        time, count = one.parts[name], one.operations.get(name)
        return f"{1e3 * time:.2f}" + (f" · {count / time / tile.median:.0%}" if count else "")

    rows = [
        [
            str(one.case),
            f"{1e3 * one.whole:.2f}",
            *(part(one, name) for name in [*names, REST]),
            f"{1e3 * one.case.operations / tile.median:.2f}",
        ]
        for one in found
    ]
    return Table(
        "Where the time goes",
        ["ms · share of the tile's rate", "all", *names, REST, "at the tile's rate"],
        rows,
        "A loop is products and the cell: exponentials mostly, and what is saved and read back. The rest is Python, "
        "autograd and copies. The last column is the time of nothing but the products.",
    )


def of_memory(peaks: Iterable[Peak]) -> Table:
    """Peaks of a training step."""
    rows = [
        [
            str(p.case),
            *(f"{p.bytes[name] / 2**20:.1f}" for name in (OURS, p.rival)),
            f"{p.bytes[OURS] / p.bytes[p.rival]:.2f}",
            p.rival,
            f"{p.medium / 2**20:.1f}",
            f"{p.medium / p.bytes[OURS]:.2f}",
        ]
        for p in peaks
    ]
    return Table(
        "Peak memory of a training step",
        ["", "ours, MiB", "torch.nn's, MiB", "ratio", "torch.nn's", "ours in medium, MiB", "of ours"],
        rows,
        "Beyond layer, input and cotangent, each in a process of its own: the peak of resident memory, which Linux is "
        "told to forget right before the step, less the memory before it.",
    )


def of_startup(imports: dict[str, Spread], compilations: Iterable[Compilation]) -> Table:
    """Seconds of the import and of each cell's first step."""
    rows = [[f"import {name}", _milliseconds(spread, True), ""] for name, spread in imports.items()]
    rows += [[c.cell, f"{1e3 * c.first:.0f}", f"{1e3 * c.cached:.0f}"] for c in compilations]
    return Table(
        "Once a process, in milliseconds",
        ["", "first", "from the cache"],
        rows,
        "Of a cell: how much longer its first training step takes than its second, with an empty cache and with the "
        "one that this left; loading LLVM is part of both. The import of cellwright is that of its layers after torch.",
    )


# --- the tables of a whole run -------------------------------------------------------------------------
def _of_machine(results: Results) -> Table:
    sgemm, tile = (results.rates[name] for name in ("sgemm", "tile"))
    rows = [["command", results.command], *([name, line] for name, line in results.machine.items())]
    rows.append(["load average", " at the start, ".join(f"{load:.1f}" for load in results.load) + " at the end"])
    rows.append(["torch.mm, 2048³", _rate(sgemm)])
    rows.append(["cellwright's tile, 2048³", f"{_rate(tile)}, {tile.median / sgemm.median:.0%} of torch.mm"])
    note = "Shares are of the rate of torch.mm. What bounds them is the rate of cellwright's own tile"
    if tile.median > 1.1 * sgemm.median:
        note += (
            ", so that here they may exceed 100 %: the library that torch.mm calls does not reach this processor's "
            "peak, as oneMKL does not on processors that are not Intel's"
        )
    return Table("Machine", ["", ""], rows, note + ".", words=True)


def _of_rivals(results: Results) -> Table:
    """Every rival's ratio to ours over the shapes of a kind: the median, the worst and the best."""
    there = [name for name in RIVALS if name != OURS and any(name in m.times for m in results.speed)]
    kinds: dict[str, list[Measurement]] = {}
    for m in results.speed:
        cell = m.case.cell if m.case.cell in STANDARD else "other cells"
        lengths = "lengths differ" if m.case.ragged else "lengths equal"
        kinds.setdefault(f"{cell}, {'training' if m.case.training else 'inference'}, {lengths}", []).append(m)
    rows = [
        [name, str(len(some)), *(_times([m.ratio(rival) for m in some if rival in m.times]) for rival in there)]
        for name, some in kinds.items()
    ]
    return Table(
        "How many times as fast",
        ["", "shapes", *there],
        rows,
        "A rival's time divided by cellwright's for the same work: the median over the shapes, the lowest and the "
        "highest. torch.nn packed packs its batch in the call, packed before was given it packed, padded computes "
        "the padding too. Below 1 the rival is faster.",
    )


def _times(ratios: Sequence[float]) -> str:
    return f"{median_high(ratios):.2g}× ({min(ratios):.2g}–{max(ratios):.2g})" if ratios else "–"


def of_targets(results: Results) -> Table:
    """What the layers are meant to reach, for those who work on them."""
    judged = [verdict for target in TARGETS if (verdict := target.judge(results))]
    return Table(
        "Targets",
        ["", "wanted", "worst", "median", "met in", "verdict", "worst at", "its bound"],
        [_judged(verdict) for verdict in judged],
        f"{len(judged)} of {len(TARGETS)} targets are measured in this run. One is met where each of its cases meets "
        "it; a ratio is one of medians. The bound of the worst case is the ratio if our time were that of the matrix "
        "products alone, at the tile's rate: where it is below what is wanted, no kernel that computes them gets there "
        "on this machine.",
    )


def _judged(verdict: Verdict) -> list[str]:
    target, sign = verdict.target, "≤" if verdict.target.at_most else "≥"
    worst, middle = verdict.figures[0], verdict.figures[len(verdict.figures) // 2]
    values = [_figure(found.value, target.unit) for found in (worst, middle)]
    return [
        target.claim,
        f"{sign} {_figure(target.wanted, target.unit)}",
        *values,
        f"{verdict.met} of {len(verdict.figures)}",
        verdict.says,
        worst.where,
        "" if worst.bound is None else _figure(worst.bound, target.unit),
    ]


def _of_speed(results: Results, spreads: bool) -> list[Table]:
    def kind(m: Measurement) -> tuple[int, bool]:
        return (STANDARD.index(m.case.cell) if m.case.cell in STANDARD else len(STANDARD)), not m.case.training

    return [_of_kind(results, list(some), spreads) for _, some in groupby(sorted(results.speed, key=kind), kind)]


def _of_kind(results: Results, measurements: Sequence[Measurement], spreads: bool) -> Table:
    first = measurements[0].case
    own = first.cell in STANDARD
    there = [name for name in RIVALS if name != OURS and any(name in m.times for m in measurements)]
    rows = []
    for m in measurements:
        times = [_against(m, name, spreads) for name in there]
        rows.append(
            [
                _sizes(m.case, own),
                _milliseconds(m.times[OURS], spreads),
                *(f"{results.share(m, of):.0%}" for of in ("sgemm", "tile")),
                *times,
            ]
        )
    return Table(
        f"{first.cell if own else 'other cells'}, {'training' if first.training else 'inference'}",
        ["", f"{OURS}, ms", "of sgemm", "of its tile", *there],
        rows,
        "A rival's ratio to ours" + (", and its milliseconds with their quartiles." if spreads else "."),
    )


def _sizes(case: Case, own: bool) -> str:
    return ("" if own else f"{case.cell} ") + ("ragged " if case.ragged else "padded ") + case.sizes


def _against(m: Measurement, rival: str, spreads: bool) -> str:
    if rival not in m.times:
        return "–"
    ratio = f"{m.ratio(rival):.2f}×"
    return f"{ratio} · {_milliseconds(m.times[rival], spreads)}" if spreads else ratio


def _milliseconds(spread: Spread, quartiles: bool) -> str:
    low, median, high = (
        f"{1e3 * s:.3g}" if s < 1 else f"{1e3 * s:.0f}" for s in (spread.low, spread.median, spread.high)
    )
    return f"{median} ({low}–{high})" if quartiles else median


def _rate(spread: Spread) -> str:
    low, median, high = (f"{rate / 1e9:.0f}" for rate in (spread.low, spread.median, spread.high))
    return f"{median} GFLOP/s ({low}–{high})"


def _figure(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.0%}"
    return f"{value:.3g} {unit}" if unit == "s" else f"{value:.3g}{unit}"


# --- output --------------------------------------------------------------------------------------------
def show(tables: Iterable[Table]) -> None:
    """Print tables."""
    for table in tables:
        if sys.stdout.isatty():
            _draw(table)
        else:
            print(markdown(table))


def markdown(table: Table) -> str:
    """A table as Markdown, under its heading."""
    lines = [table.columns, ["---", *["---" if table.words else "---:"] * (len(table.columns) - 1)], *table.rows]
    drawn = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return f"## {table.title}\n\n{drawn}\n" + (f"\n{table.note}\n" if table.note else "")


def _draw(table: Table) -> None:
    import rich
    from rich import box
    from rich.table import Table as Drawn

    caption = table.note or None
    drawn = Drawn(title=table.title, caption=caption, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    drawn.add_column(table.columns[0], no_wrap=True)
    for column in table.columns[1:]:
        drawn.add_column(column, justify="left" if table.words else "right")
    for row in table.rows:
        drawn.add_row(*row)
    rich.print(drawn)
