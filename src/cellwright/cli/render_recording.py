"""A recording in the terminal: the answer, the coloured text, tables of gates, memories and units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cellwright.inspect.probes import Probe
from cellwright.inspect.recording import Recording, percent
from cellwright.inspect.summary import gates, memories
from cellwright.inspect.timescales import Array

STRONGEST = 5  # tokens that are named
FULL = 8.0  # bits of surprisal that are shown by the full colour
MOST_ROWS = 30  # of a table that has one a token; --json and --npz hold all


def print_recording(recording: Recording, follow: Sequence[Probe]) -> None:
    """Print what a recording shows; `follow`: the units that follow features of a text, where they were looked for."""
    console = Console(highlight=False)
    share = "" if recording.share is None else f" {recording.share:.1%}"
    console.print(Text(f"{recording.answer}{share}", style="bold"))
    _print_text(console, recording)
    if recording.tags or recording.written or recording.channels:
        _print_steps(console, recording)
    _print_gates(console, recording)
    if follow:
        _print_units(console, follow)


def _print_text(console: Console, recording: Recording) -> None:
    """The text, each token on the ground of what is known of it, and in words the strongest."""
    if recording.channels is not None:
        return
    if recording.attributions is not None:
        values = recording.attributions.values
        console.print(_coloured(recording, values / (abs(values).max() or 1.0)), soft_wrap=True)
        said = f"contributed most, green for it and red against it: {_strongest(recording, values)}"
    elif recording.bits is not None:
        console.print(_coloured(recording, -np.minimum(recording.bits / FULL, 1)), soft_wrap=True)
        mean = f"{recording.bits.mean():.2f} bits a {recording.step}"
        said = f"{mean}; most surprising, the redder the more bits: {_strongest(recording, recording.bits)}"
    else:
        console.print(_coloured(recording, np.zeros(len(recording.tokens))), soft_wrap=True)
        return
    console.print(Text(f"{said}\n"), soft_wrap=True)


def _coloured(recording: Recording, strengths: Array) -> Text:
    """The text on green ground at 1, red at −1. (T,)"""
    coloured = Text()
    for before, token, value in zip(recording.between, recording.tokens, strengths.tolist(), strict=True):
        light = round(255 - 130 * abs(value))
        ground = f"rgb({light},255,{light})" if value > 0 else f"rgb(255,{light},{light})"
        coloured.append(before)
        coloured.append(token, style=f"black on {ground}" if value else "")
    return coloured


def _strongest(recording: Recording, values: Array) -> str:
    """The tokens of the greatest values: lovely +1.40, boring −0.20."""
    signed = "+.2f" if recording.attributions is not None else ".1f"
    order = abs(values).argsort()[::-1][:STRONGEST]
    said = (f"{' '.join(recording.tokens[t].split()) or repr(recording.tokens[t])} {values[t]:{signed}}" for t in order)
    return ", ".join(said).replace("-", "−")


def _print_steps(console: Console, recording: Recording) -> None:
    """The answer step by step."""
    steps = recording.written or recording.tokens
    table = Table(recording.step, "", box=box.SIMPLE_HEAD)
    for step, said in list(zip(steps, recording.answers.said, strict=True))[:MOST_ROWS]:
        table.add_row(Text(step), Text(said))
    console.print(table)
    if len(steps) > MOST_ROWS:
        print(f"and {len(steps) - MOST_ROWS} more, which --json, --npz and --out hold")


def _print_gates(console: Console, recording: Recording) -> None:
    if rows := gates(recording):
        table = Table("gate", "layer", "direction", "closed", "open", "mean", box=box.SIMPLE_HEAD)
        for row in rows:
            shares = (percent(row["closed"]), percent(row["open"]), f"{row['mean']:.2f}")
            table.add_row(row["gate"], f"{row.get('stack', '')} {row['layer']}".lstrip(), row["direction"], *shares)
        console.print(table)
    for row in memories(recording):
        half = "∞" if row["median"] is None else f"{row['median']:.1f}"
        where = f"{row.get('stack', '')} layer {row['layer']}, {row['direction']}".lstrip()
        print(f"{where}: half of {row['state']} is left after {half} {recording.step}s in the median unit")


def _print_units(console: Console, follow: Sequence[Probe]) -> None:
    table = Table("follows", "unit", "correlation", "when chosen", box=box.SIMPLE_HEAD)
    for each in follow:
        table.add_row(each.feature, f"{each.unit} of {each.letter}", f"{each.held_out:+.2f}", f"{each.chosen:+.2f}")
    console.print(table)
    print("Units were chosen on one half of the run's validation text; the correlation is that on the other half.")
