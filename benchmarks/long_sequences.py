"""Training on sequences of 1,000 to 1,000,000 steps: memory and time, whole, recomputed and truncated.

python benchmarks/long_sequences.py [STEPS …]

A character model (embedding, LSTM of 64 units, linear) takes one optimiser's step a window over a file of random
bytes that is mapped, not loaded. Each figure comes from a process of its own and is the peak of resident memory during
the epoch, less what was resident before, the part of the file that is mapped included. checkpoint_every is a hundredth
of the steps, at least 100. A million steps at once are left out.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, nn

import cellwright
import child_process
from cellwright.nn.tbptt import Carry, lanes, windows
from memory import RETURN_AT_ONCE, status

STEPS = (1_000, 10_000, 100_000, 1_000_000)
WINDOW = 1_000
WAYS = ("whole", "checkpoint_every", "truncated")


class Model(nn.Module):
    """Bytes to the next byte's scores, a step after the other."""

    def __init__(self, checkpoint_every: int | None) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, 16)
        self.layer = cellwright.LSTM(16, 64, checkpoint_every=checkpoint_every)
        self.scores = nn.Linear(64, 256)

    def forward(self, tokens: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, object]:
        output, state = self.layer(self.embed(tokens.int()), state)
        return self.scores(output[-WINDOW:]), state  # the scores of the last window alone: the layer is measured


def epoch(model: Model, file: str, steps: int, window: int) -> None:
    """One optimiser's step a window."""
    corpus = torch.from_file(file, size=steps + 1, dtype=torch.uint8)
    carry, optimiser = Carry(model), torch.optim.SGD(model.parameters(), 0.1)
    for w in windows(lanes(corpus, 1), window=window):
        scores = carry(w)
        assert w.targets is not None
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), w.targets[-WINDOW:].flatten().long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def measure(way: str, steps: int) -> tuple[int, float]:
    """Bytes and seconds of an epoch, in this process."""
    torch.manual_seed(0)
    torch.set_num_threads(1)  # one sequence is one thread's work
    every = max(100, steps // 100)
    model = Model(every if way == "checkpoint_every" else None)
    with tempfile.NamedTemporaryFile() as file:
        file.write(torch.randint(256, (steps + 1,), dtype=torch.uint8).numpy().tobytes())
        file.flush()
        epoch(model, file.name, 2 * every, 2 * every)  # load and compile
        Path("/proc/self/clear_refs").write_text("5")
        before, began = status("VmRSS"), time.perf_counter()
        epoch(model, file.name, steps, WINDOW if way == "truncated" else steps)
        return status("VmHWM") - before, time.perf_counter() - began


def main() -> None:
    """Print the table."""
    print("| steps | " + " | ".join(f"{way}: MB | s" for way in WAYS) + " |\n" + "|---:" * 7 + "|")
    for steps in map(int, sys.argv[1:] or STEPS):
        cells = []
        for way in WAYS:
            if steps > STEPS[-2] and way != "truncated":
                cells.append("– | –")
                continue
            size, seconds = child_process.ask(Path(__file__), way, steps, environment=RETURN_AT_ONCE)
            cells.append(f"{size / 1e6:,.1f} | {seconds:.2f}")
        print(f"| {steps:,} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    if given := child_process.asked():
        print(json.dumps(measure(*given)))
    else:
        main()
