"""What a recording amounts to: tables of its tokens, gates and memories, for the terminal, the page and JSON."""

from __future__ import annotations

from dataclasses import asdict
from io import BytesIO
from typing import Any

import numpy as np

from cellwright.inspect.memory import half_lives, saturation
from cellwright.inspect.recording import Glance, Letters, Recording

SHARES = {"shortest_tenth": 0.1, "median": 0.5, "longest_tenth": 0.9}
"""The quantiles of the units' half-lives that are told."""

Row = dict[str, Any]


def summary(recording: Recording) -> Row:
    """All of it, as JSON holds it."""
    return {
        "run": recording.run,
        "text": recording.text,
        "label": recording.label,
        "probabilities": dict(zip(recording.labels, recording.probabilities[-1].tolist(), strict=True)),
        "log_odds": recording.contributions.score,
        "baseline_log_odds": recording.contributions.baseline,
        "tokens": tokens(recording),
        "gates": gates(recording),
        "half_lives": memories(recording),
    }


def tokens(recording: Recording) -> list[Row]:
    """Of each token: whether it is known, what it contributed to the answer, and the answer up to it."""
    given = zip(recording.tokens, recording.known, recording.contributions.values, recording.probabilities, strict=True)
    return [
        {
            "token": token,
            "known": bool(known),
            "contribution": float(contribution),
            "label": recording.labels[int(row.argmax())],
            "probability": float(row.max()),
        }
        for token, known, contribution, row in given
    ]


def gates(recording: Glance) -> list[Row]:
    """Of each gate of each layer and direction: the shares of its values that are closed and open, and their mean."""
    return [
        {"gate": gate} | _where(letters) | asdict(saturation(letters.values[gate]))
        for letters in recording.letters
        for gate in recording.cell.gates
    ]


def memories(recording: Glance) -> list[Row]:
    """Of each state that a factor keeps: quantiles over the units of the tokens until half is left, None for ever."""
    return [
        {"state": state} | _where(letters) | _quantiles(lives)
        for letters in recording.letters
        for state, lives in half_lives(recording.cell, letters).items()
    ]


def arrays(recording: Recording) -> bytes:
    """A NumPy `.npz` file of every number: layer0.forward.f (T, H), …, contributions (T,), probabilities (T, K)."""
    content = BytesIO()
    found = {f"layer{e.layer}.{e.direction}.{name}": v for e in recording.letters for name, v in e.values.items()}
    np.savez_compressed(
        content,
        allow_pickle=False,
        tokens=np.array(recording.tokens),
        labels=np.array(recording.labels),
        probabilities=recording.probabilities,
        contributions=recording.contributions.values,
        **found,
    )
    return content.getvalue()


def _where(letters: Letters) -> Row:
    return {"layer": letters.layer, "direction": letters.direction}


def _quantiles(lives: Any) -> Row:
    # A unit's own value, not one between two: the next may be infinite.
    found = np.quantile(lives, list(SHARES.values()), method="lower").tolist()
    return {name: value if np.isfinite(value) else None for name, value in zip(SHARES, found, strict=True)}
