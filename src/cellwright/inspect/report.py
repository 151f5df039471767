"""A recording as one HTML file that opens without a network: maps of every gate and state, answers, contributions.

The values of a map are rounded to bytes: with 200 tokens, 128 units and two directions, an LSTM's six letters take
300 kB, in base64 400 kB. The page is plain JavaScript, in `page/`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.cells import Definition
from cellwright.inspect.contributions import Contributions
from cellwright.inspect.memory import half_lives
from cellwright.inspect.order import by_likeness, by_peak
from cellwright.inspect.recording import Glance, Letters, Recording
from cellwright.inspect.summary import SHARES, gates, memories

Array = NDArray[np.float32]
LEVELS = 255
DRAWING = ("theme.js", "view.js")
"""The scripts that draw a recording, in the order in which they are loaded."""


def report(recording: Recording) -> str:
    """The text of the HTML file."""
    made = page_file("report.html")
    parts = {
        "style": page_file("look.css"),
        "view": page_file("view.html"),
        "notes": page_file("notes.html"),
        "script": "".join(page_file(name) for name in (*DRAWING, "report.js")),
        "recording": _json(described(recording)),
    }
    for name, part in parts.items():
        made = made.replace("{{" + name + "}}", part, 1)
    return made


def page_file(name: str) -> str:
    """The text of a file of `page/`, of which the live page of `cellwright serve` is made as well."""
    return (files("cellwright.inspect") / "page" / name).read_text("utf-8")


def described(recording: Glance) -> dict[str, Any]:
    """What the page is drawn from; of a glance, without contributions."""
    cell = recording.cell
    parts = [_part(cell, each) for each in recording.letters]
    widest = max(each["high"] - each["low"] for part in parts for each in part["letters"])
    return {
        "about": _about(recording),
        "tokens": recording.tokens,
        "between": recording.between,
        "known": recording.known.tolist(),
        "labels": recording.labels,
        "label": recording.label,
        "meaning": recording.meaning,
        "probabilities": np.round(recording.probabilities.astype(float), 4).tolist(),
        **(_explained(recording.contributions) if isinstance(recording, Recording) else {}),
        "rounding": f"The largest error is {widest / LEVELS / 2:.4f}.",
        "saturation": [
            [_name(row, "gate"), _percent(row["closed"]), _percent(row["open"]), f"{row['mean']:.2f}"]
            for row in gates(recording)
        ],
        "memory": [[_name(row, "state"), *(_tokens(row[share]) for share in SHARES)] for row in memories(recording)],
        "forgetful": f"No state of {cell.name} is kept by a factor: each step makes it anew through a function.",
        "first": (cell.gates or cell.states)[0],
        "parts": parts,
    }


def _explained(found: Contributions) -> dict[str, Any]:
    return {
        "contributions": np.round(found.values.astype(float), 4).tolist(),
        "completeness": _completeness(found),
    }


def _completeness(found: Contributions) -> str:
    return (
        f"They sum to {found.values.sum():+.3f}; the log odds go from {found.baseline:+.3f} to {found.score:+.3f} "
        f"(in {found.steps} steps; {found.remainder:+.3f} is left over)."
    )


def _name(row: dict[str, Any], key: str) -> str:
    return f"{row[key]}, layer {row['layer']}, {row['direction']}"


def _about(recording: Glance) -> str:
    letters = recording.letters
    layers = 1 + letters[-1].layer
    directions = "both directions" if len(letters) > layers else "one direction"
    hidden = next(iter(letters[0].values.values())).shape[1]
    return (
        f"{recording.run}: {recording.cell.name}, {layers} layer{'s' * (layers > 1)}, {directions}, {hidden} units; "
        f"a text of {len(recording.tokens)} tokens"
    )


def _part(cell: Definition, letters: Letters) -> dict[str, Any]:
    lives = half_lives(cell, letters)
    remembered = next((state for state in cell.states if state in lives), cell.states[0])
    state = letters.values[remembered]
    hidden = state.shape[1]
    orders = {"by likeness": by_likeness(state), "by peak": by_peak(state)}
    if lives:
        orders["by memory"] = np.argsort(-lives[remembered], kind="stable")
    names = [*cell.gates, *(n for n in letters.values if n not in cell.gates and n not in cell.states), *cell.states]
    return {
        "layer": letters.layer,
        "direction": letters.direction,
        "hidden": hidden,
        "orders": {name: order.tolist() for name, order in orders.items()} | {"as trained": list(range(hidden))},
        "memory": [
            f": half of {remembered} is left after {_tokens(life)} tokens" for life in lives.get(remembered, ())
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


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _tokens(count: float | None) -> str:
    return "∞" if count is None or np.isinf(count) else f"{count:.1f}"
