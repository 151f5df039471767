"""What a look at a call costs under `cellwright.accelerate`: calls of torch.nn that are left to torch's own kernels.

python benchmarks/small_calls.py

One thread, 8 inputs and 16 units, forward alone; processor time of torch.nn and of torch.nn under `accelerate` in turn,
medians, in microseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import torch
from torch import nn

import cellwright
from cellwright.bench.timing import interleaved

INPUTS, UNITS = 8, 16
SIZES = ((1, 1), (2, 1), (4, 8))  # steps, sequences


def cases() -> Iterator[tuple[str, nn.Module, torch.Tensor, bool]]:
    """What is called: its name, the layer, the input, whether gradients are recorded."""
    for kind, (steps, batch), trains in product(("LSTM", "GRU", "RNN"), SIZES, (False, True)):
        name = f"{kind} | {steps} | {batch} | {'yes' if trains else 'no'}"
        yield name, getattr(nn, kind)(INPUTS, UNITS), torch.randn(steps, batch, INPUTS), trains


def works(layer: nn.Module, x: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """The call as it is, and under the switch, which is turned for a thousand calls at once."""

    def plain() -> None:
        for _ in range(1000):
            layer(x)

    def accelerated() -> None:
        with cellwright.accelerate():
            plain()

    return {"torch.nn": plain, "accelerate": accelerated}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("| layer | steps | sequences | gradients | torch.nn, µs | under accelerate, µs | |")
    print("| --- | ---: | ---: | --- | ---: | ---: | ---: |")
    for name, layer, x, trains in cases():
        with torch.set_grad_enabled(trains):
            functions = works(layer, x)
            for function in functions.values():
                function()
            found = interleaved(functions, 15, 10.0, clock=time.thread_time)
        theirs, ours = (found[each].median * 1e3 for each in functions)
        print(f"| {name} | {theirs:.1f} | {ours:.1f} | {ours - theirs:+.1f} |", flush=True)
