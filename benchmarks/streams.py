"""A step of a stream, in microseconds: layer.stream().step(x) against torch.nn's layer called with its state.

python benchmarks/streams.py

Median and quartiles of 40 times 50 steps each, taken in turn, one thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import cellwright

CASES = [(kind, batch, hidden) for kind in ("LSTM", "GRU") for batch, hidden in ((1, 64), (1, 128), (8, 128), (1, 256))]
ROUNDS, STEPS = 40, 50


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print("| layer | batch | hidden | cellwright, µs | torch.nn, µs |\n|---|---:|---:|---:|---:|")
    for kind, batch, hidden in CASES:
        rivals = [ours(kind, batch, hidden), theirs(kind, batch, hidden)]
        times: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for found, step in zip(times, rivals, strict=True):
                began = time.perf_counter()
                for _ in range(STEPS):
                    step()
                found.append((time.perf_counter() - began) / STEPS * 1e6)
        print(f"| {kind} | {batch} | {hidden} | " + " | ".join(map(spread, times)) + " |")


def ours(kind: str, batch: int, hidden: int) -> Callable[[], Any]:
    """A step of a stream."""
    stream = getattr(cellwright, kind)(hidden, hidden).eval().stream(batch=batch)
    x = torch.randn(batch, hidden)
    return lambda: stream.step(x)


def theirs(kind: str, batch: int, hidden: int) -> Callable[[], Any]:
    """A call of torch.nn's layer on one step, its state handed on."""
    layer = getattr(nn, kind)(hidden, hidden).eval()
    x, state = torch.randn(1, batch, hidden), [None]

    def step() -> None:
        with torch.no_grad():
            _, state[0] = layer(x, state[0])

    return step


def spread(times: list[float]) -> str:
    """Median (quartiles)."""
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:.0f} ({low:.0f}–{high:.0f})"


if __name__ == "__main__":
    main()
