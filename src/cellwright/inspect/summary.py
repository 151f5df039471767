"""What a recording amounts to: tables of its tokens, gates and memories, for the terminal, the page and JSON."""

from __future__ import annotations

from dataclasses import asdict
from io import BytesIO
from typing import Any

import numpy as np

from cellwright.inspect.recording import Letters, Recording
from cellwright.inspect.timescales import half_lives, saturation

SHARES = {"shortest_tenth": 0.1, "median": 0.5, "longest_tenth": 0.9}
"""The quantiles of the units' half-lives that are told."""

Row = dict[str, Any]


def summary(recording: Recording) -> Row:
    """All of it, as JSON holds it; what the run's task does not tell is left out."""
    answers, found = recording.answers, recording.attributions
    told: Row = {
        "run": recording.run,
        "text": recording.text,
        "prediction": dict(recording.prediction),
        "tokens": tokens(recording),
        "answers": {"names": answers.names, "values": answers.values.tolist(), "said": answers.said},
        "gates": gates(recording),
        "half_lives": memories(recording),
    }
    if found is not None:
        told |= {"log_odds": found.score, "baseline_log_odds": found.baseline}
    if recording.written:
        told["written"] = recording.written
    if recording.attention is not None:
        told["attention"] = recording.attention.tolist()
    return told


def tokens(recording: Recording) -> list[Row]:
    """Of each token: whether it is known, its tag, its bits, and what it contributed to the answer."""
    columns: dict[str, list[Any]] = {"token": recording.tokens, "known": recording.known.tolist()}
    if recording.tags:
        columns["tag"] = recording.tags
    if recording.bits is not None:
        columns["bits"] = recording.bits.tolist()
    if recording.attributions is not None:
        columns["attribution"] = recording.attributions.values.tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def gates(recording: Recording) -> list[Row]:
    """Of each gate of each layer and direction: the shares of its values that are closed and open, and their mean."""
    return [
        {"gate": gate} | _where(letters) | asdict(saturation(letters.values[gate]))
        for letters in recording.letters
        for gate in recording.cell.gates
    ]


def memories(recording: Recording) -> list[Row]:
    """Of each state that a factor keeps: quantiles over the units of the steps until half is left, None for ever."""
    return [
        {"state": state} | _where(letters) | _quantiles(lives)
        for letters in recording.letters
        for state, lives in half_lives(recording.cell, letters).items()
    ]


def arrays(recording: Recording) -> bytes:
    """A NumPy `.npz` file of every number, under the names of `Recording`; letters as layer0.forward.f (T, H).

    Of a model with two stacks they are encoder.layer0.forward.f and decoder.layer0.forward.f.
    """
    held = {f"{each.key}.{name}": values for each in recording.letters for name, values in each.values.items()}
    held |= {"tokens": np.array(recording.tokens), "names": np.array(recording.answers.names)}
    held |= {"answers": recording.answers.values}
    if recording.tags:
        held["tags"] = np.array(recording.tags)
    if recording.bits is not None:
        held["bits"] = recording.bits
    if recording.written:
        held["written"] = np.array(recording.written)
    if recording.attention is not None:
        held["attention"] = recording.attention
    if recording.channels is not None:
        held |= {"channels": recording.channels.values, "channel_names": np.array(recording.channels.names)}
    if recording.attributions is not None:
        held["attributions"] = recording.attributions.values
    content = BytesIO()
    np.savez_compressed(content, allow_pickle=False, **held)
    return content.getvalue()


def _where(letters: Letters) -> Row:
    stack = {"stack": letters.stack} if letters.stack else {}
    return stack | {"layer": letters.layer, "direction": letters.direction}


def _quantiles(lives: Any) -> Row:
    # A unit's own value, not one between two: the next may be infinite.
    found = np.quantile(lives, list(SHARES.values()), method="lower").tolist()
    return {name: value if np.isfinite(value) else None for name, value in zip(SHARES, found, strict=True)}
