"""What fewer bits gain: layers in each arithmetic, beside float32 and beside torch.nn in float32 and in bfloat16.

    python benchmarks/fewer_bits.py                       the table on two threads
    python benchmarks/fewer_bits.py --quick               three shapes
    python benchmarks/fewer_bits.py --write               into docs/precision.md

A training step is the forward pass, and the gradients of the input and of every weight. Figures are medians, taken in
turn within one process; a number is how often the layer is done while our float32 is done once, so above 1 is faster.
torch.nn of lengths that differ is the faster of packing in the call and computing the padding too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import cellwright
from cellwright.bench.timing import interleaved, others_at_work
from cellwright.compiler.units import microkernel
from machine import describe
from page_section import replace_measured

PAGE = Path(__file__).parents[1] / "docs" / "precision.md"
ARITHMETICS = ("bf16", "bf16x3", "bf16x6")
SIZES = [(100, b, h) for b in (8, 32, 64) for h in (128, 256, 512)] + [(500, 8, 256), (500, 32, 128)]
QUICK = [(100, 8, 256), (100, 32, 128), (100, 32, 256)]


@dataclass(frozen=True)
class Case:
    """A layer's call: as many inputs as units."""

    cell: str
    trains: bool
    ragged: bool
    time: int
    batch: int
    hidden: int

    def __str__(self) -> str:
        what = f"{'training' if self.trains else 'inference'}, {'lengths differ' if self.ragged else 'equal'}"
        return f"{self.cell}, {what}, T{self.time} B{self.batch} H{self.hidden}"

    @cached_property
    def lengths(self) -> Tensor | None:
        """Uniform from a fifth of the time on."""
        if not self.ragged:
            return None
        generator = torch.Generator().manual_seed(1)
        return torch.randint(self.time // 5, self.time + 1, (self.batch,), generator=generator).sort(descending=True)[0]


def cases(sizes: list[tuple[int, int, int]]) -> Iterator[Case]:
    """The table, row by row."""
    for cell in ("LSTM", "GRU"):
        for trains, ragged in ((True, False), (True, True), (False, False)):
            yield from (Case(cell, trains, ragged, *size) for size in sizes)


def works(case: Case) -> dict[str, Callable[[], Any]]:
    """What is timed, by name."""
    torch.manual_seed(0)
    x = torch.randn(case.time, case.batch, case.hidden)
    made: dict[str, Callable[[], Any]] = {}
    for arithmetic in ("float32", *ARITHMETICS):
        layer = getattr(cellwright, case.cell)(case.hidden, case.hidden, matmul_precision=arithmetic)
        made[arithmetic] = _work(case, layer, x, lambda layer, x: layer(x, lengths=case.lengths)[0])
    for name, dtype in (("torch float32", torch.float32), ("torch bf16", torch.bfloat16)):
        layer = getattr(nn, case.cell)(case.hidden, case.hidden, dtype=dtype)
        made[name] = _work(case, layer, x.to(dtype), lambda layer, x: layer(x)[0])
        if case.ragged:
            made[f"{name} packed"] = _work(case, layer, x.to(dtype), lambda layer, x: _packed(layer, x, case))
    return made


def _packed(layer: nn.Module, x: Tensor, case: Case) -> Tensor:
    return layer(pack_padded_sequence(x, case.lengths))[0].data


def _work(case: Case, layer: nn.Module, x: Tensor, call: Callable[[nn.Module, Tensor], Tensor]) -> Callable[[], Any]:
    if not case.trains:

        def infer() -> None:
            with torch.inference_mode():
                call(layer, x)

        return infer
    x = x.requires_grad_()
    wanted = [x, *layer.parameters()]

    def train() -> None:
        output = call(layer, x)
        torch.autograd.grad(output, wanted, torch.ones_like(output))

    return train


def row(case: Case, seconds: float) -> str:
    """A line of the table."""
    functions = works(case)
    for function in functions.values():
        function()
    times = {name: spread.median for name, spread in interleaved(functions, 15, seconds).items()}
    base = times["float32"]
    gains = [f"{base / times[name]:.2f}" for name in ARITHMETICS]
    rivals = []
    for name in ("torch float32", "torch bf16"):
        rivals.append(f"{base / min(t for other, t in times.items() if other.startswith(name)):.2f}")
    return "| " + " | ".join([str(case), f"{base * 1e3:.3g} ms", *gains, *rivals]) + " |"


def main() -> None:
    """Print the table, or write it into the page."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="three shapes")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seconds", type=float, default=2.0, help="of a row")
    arguments.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    asked = arguments.parse_args()
    torch.set_num_threads(asked.threads)
    if doubt := others_at_work():
        print(doubt)
    lines = [
        "| layer | float32 | " + " | ".join(ARITHMETICS) + " | torch.nn float32 | torch.nn bfloat16 |",
        "| --- |" + " ---: |" * (3 + len(ARITHMETICS)),
    ]
    print("\n".join(lines))
    with cellwright.use_backend("compiled"):
        for case in cases(QUICK if asked.quick else SIZES):
            lines.append(row(case, asked.seconds))
            print(lines[-1], flush=True)
    about = describe()
    units = ", ".join(f"{name} by {microkernel(name).name}" for name in ARITHMETICS)
    said = [f"{about['processor']}; {asked.threads} threads; {about['versions']}; {about['date']}; {units}."]
    if asked.write:
        replace_measured(PAGE, "\n".join([*said, "", *lines]) + "\n")
    print(said[0])


if __name__ == "__main__":
    main()
