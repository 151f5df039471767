"""A recording as one HTML file that opens without a network: maps of every gate and state, answers, attributions.

The values of a map are rounded to bytes: with 200 tokens, 128 units and two directions, an LSTM's six letters take
300 kB, in base64 400 kB. The page is plain JavaScript, in `page/`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.cells import Definition
from cellwright.inspect.attribution import Attributions
from cellwright.inspect.probes import Probe
from cellwright.inspect.recording import Array, Channels, Letters, Recording
from cellwright.inspect.summary import SHARES, gates, memories
from cellwright.inspect.timescales import half_lives
from cellwright.inspect.unit_order import by_likeness, by_peak
from cellwright.pauses import pause

LEVELS = 255
SINGLE = 7
"""Digits of a probability: it is rounded where it is shown, once, so that it is the same percentage everywhere."""
DRAWING = ("theme.js", "charts.js", "annotated_text.js", "view.js")
"""The scripts that draw a recording, in the order in which they are loaded."""


def report(recording: Recording, follow: Sequence[Probe] = ()) -> str:
    """The text of the HTML file; `follow`: the units that follow features of a text, where they were looked for."""
    made = page_file("report.html")
    parts = {
        "style": page_file("look.css"),
        "view": page_file("view.html"),
        "notes": page_file("notes.html"),
        "script": "".join(page_file(name) for name in (*DRAWING, "report.js")),
        "recording": _json(described(recording, follow)),
    }
    for name, part in parts.items():
        made = made.replace("{{" + name + "}}", part, 1)
    return made


def page_file(name: str) -> str:
    """The text of a file of `page/`, of which the live page of `cellwright serve` is made as well."""
    return (files("cellwright.inspect") / "page" / name).read_text("utf-8")


def described(recording: Recording, follow: Sequence[Probe] = ()) -> dict[str, Any]:
    """What the page is drawn from."""
    cell = recording.cell
    parts = [_part(recording, each) for each in recording.letters]
    widest = max(each["high"] - each["low"] for part in parts for each in part["letters"])
    return {
        "about": _about(recording),
        "step": recording.step,
        "tokens": recording.tokens,
        "between": recording.between,
        "known": recording.known.tolist(),
        "tags": recording.tags,
        "lead": recording.lead,
        "answer": recording.answer,
        "share": recording.share,
        "answers": _answers(recording),
        "heading": _heading(recording),
        **_shades(recording),
        "written": recording.written,
        "attention": None if recording.attention is None else _rounded(recording.attention, SINGLE),
        "channels": None if recording.channels is None else _channels(recording.channels),
        "rounding": f"The largest error is {widest / LEVELS / 2:.4f}.",
        "saturation": [
            [_name(row, "gate"), _percent(row["closed"]), _percent(row["open"]), f"{row['mean']:.2f}"]
            for row in gates(recording)
        ],
        "memory": [[_name(row, "state"), *(_steps(row[share]) for share in SHARES)] for row in memories(recording)],
        "forgetful": f"No state of {cell.name} is kept by a factor: each step makes it anew through a function.",
        "follow": [[each.feature, f"{each.unit} of {each.letter}", f"{each.held_out:+.2f}"] for each in follow],
        "first": (cell.gates or cell.states)[0],
        "parts": parts,
    }


def _answers(recording: Recording) -> dict[str, Any]:
    answers = recording.answers
    return {
        "names": answers.names,
        "values": _rounded(answers.values, SINGLE),
        "said": answers.said,
        "meaning": answers.meaning,
        "shares": answers.shares,
        "exclude": answers.exclude,
        "written": bool(recording.written),
    }


def _heading(recording: Recording) -> str:
    """What the text is shown for."""
    if recording.channels is not None:
        return "The series"
    if recording.bits is not None:
        return "How surprising each token was"
    return "The words and their tags" if recording.tags else "The text"


def _shades(recording: Recording) -> dict[str, Any]:
    """The number of each token that it is tinted by: what it contributed, or its bits."""
    found = recording.attributions
    if found is not None:
        return {"attributions": _rounded(found.values), "completeness": _completeness(found)}
    return {} if recording.bits is None else {"bits": _rounded(recording.bits)}


def _channels(channels: Channels) -> dict[str, Any]:
    # JSON knows no NaN.
    values = [[value if np.isfinite(value) else None for value in row] for row in _rounded(channels.values)]
    return {"names": channels.names, "values": values, "unit": channels.unit}


def _completeness(found: Attributions) -> str:
    return (
        f"They sum to {found.values.sum():+.3f}; {found.of} goes from {found.baseline:+.3f} to {found.score:+.3f} "
        f"(in {found.steps} steps; {found.remainder:+.3f} is left over)."
    )


def _name(row: dict[str, Any], key: str) -> str:
    stack = f"{row['stack']} " if "stack" in row else ""
    return f"{row[key]}, {stack}layer {row['layer']}, {row['direction']}"


def _about(recording: Recording) -> str:
    """RUN: lstm, 2 layers, both directions, 128 units; a text of 12 tokens."""
    letters = recording.letters
    layers = len({(each.stack, each.layer) for each in letters})
    both = any(each.direction == "reverse" for each in letters)
    directions = "" if letters[0].stack else ", both directions" if both else ", one direction"
    hidden = next(iter(letters[0].values.values())).shape[1]
    count = len(recording.tokens)
    what = "a series" if recording.channels is not None else "a text"
    return (
        f"{recording.run}: {recording.cell.name}, {layers} layer{'s' * (layers > 1)}{directions}, {hidden} units; "
        f"{what} of {count} {recording.step}{'s' * (count != 1)}"
    )


def _part(recording: Recording, letters: Letters) -> dict[str, Any]:
    pause()
    cell = recording.cell
    lives = half_lives(cell, letters)
    remembered = next((state for state in cell.states if state in lives), cell.states[0])
    state = letters.values[remembered]
    hidden, unit = state.shape[1], recording.step
    orders = {"by likeness": by_likeness(state), "by peak": by_peak(state)}
    if lives:
        orders["by memory"] = np.argsort(-lives[remembered], kind="stable")
    names = [*cell.gates, *(n for n in letters.values if n not in cell.gates and n not in cell.states), *cell.states]
    return {
        "layer": f"{letters.stack} {letters.layer}".lstrip(),
        "direction": letters.direction,
        "written": letters.written,
        "hidden": hidden,
        "orders": {name: order.tolist() for name, order in orders.items()} | {"as trained": list(range(hidden))},
        "memory": [
            f": half of {remembered} is left after {_steps(life)} {unit}s" for life in lives.get(remembered, ())
        ],
        "letters": [_map(cell, name, letters.values[name]) for name in names],
    }


def _map(cell: Definition, name: str, values: Array) -> dict[str, Any]:
    gate = name in cell.gates and values.min() >= 0 and values.max() <= 1
    furthest = float(np.abs(values).max()) or 1.0
    low, high = (0.0, 1.0) if gate else (-furthest, furthest)
    return {
        "name": name,
        "role": _role(cell, name),
        "kind": "gate" if gate else "value",
        "low": low,
        "high": high,
        "data": b64encode(_bytes(values, low, high).T.tobytes()).decode(),
    }


def _role(cell: Definition, name: str) -> str:
    roles = {"gate": cell.gates, "state": cell.states, "candidate": cell.projections}
    return next((role for role, names in roles.items() if name in names), "value")


def _bytes(values: Array, low: float, high: float) -> NDArray[np.uint8]:
    return np.round((values - low) / (high - low) * LEVELS).astype(np.uint8)


def _json(content: dict[str, Any]) -> str:
    """JSON that no text can break out of: no <, no character beyond ASCII, half a surrogate pair least of all."""
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def _rounded(values: Array, digits: int = 4) -> list[Any]:
    """To four digits after the point: a text of 200 tokens has tens of thousands of them."""
    found: list[Any] = np.round(values.astype(float), digits).tolist()
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _steps(count: float | None) -> str:
    return "∞" if count is None or np.isinf(count) else f"{count:.1f}"
