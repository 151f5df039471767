"""Padded inference in float32 and bfloat16, beside torch.nn, ONNX Runtime and OpenVINO, each in what it has of both.

    python benchmarks/runtimes.py                         the table on two threads
    python benchmarks/runtimes.py --busy                  on one thread, by processor time, while others use the machine
    python benchmarks/runtimes.py --quick                 three shapes
    python benchmarks/runtimes.py --write                 into docs/precision.md

Ours are frozen, since the runtimes pack their weights once too. Outputs are compared before (those of bfloat16 more
loosely); figures are medians, or with --busy the least quarter, taken in turn within one process. A number is how often
it is done while our float32 is done once, so above 1 is faster. `pip install cellwright[benchmarks]` adds OpenVINO.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from cellwright.backends.dispatch import use_backend
from cellwright.bench.case import Case, Problem
from cellwright.bench.measure import BFLOAT16, LARGEST_DIFFERENCE, differences
from cellwright.bench.rival import Work
from cellwright.bench.rivals import RIVALS
from cellwright.bench.timing import interleaved, others_at_work
from cellwright.compiler.units import microkernel
from machine import describe
from page_section import replace_measured
from rivals import onnx_runtime, openvino_node

PAGE = Path(__file__).parents[1] / "docs" / "precision.md"
SIZES = [(100, b, h) for b in (1, 8, 32, 64) for h in (128, 256, 512)] + [(500, 8, 256), (500, 32, 128)]
QUICK = [(100, 8, 256), (100, 32, 128), (100, 32, 256)]
OURS, FEWER = "float32", "bf16"


def ours(precision: str) -> Callable[[Problem], Work]:
    """What prepares our layer, frozen, in a precision."""

    def prepare(problem: Problem) -> Work:
        layer = Problem(replace(problem.case, precision=precision)).layer.eval().freeze()

        def run() -> Any:
            with torch.inference_mode(), use_backend("compiled"):
                return layer(problem.x)[0]

        return Work(run, lambda output: {"output": output})

    return prepare


def torch_in_bfloat16(problem: Problem) -> Work:
    """torch.nn's layer with weights, input and output of bfloat16."""
    layer, x = problem.torch_layer().bfloat16(), problem.x.bfloat16()

    def run() -> Any:
        with torch.inference_mode():
            return layer(x)[0]

    return Work(run, lambda output: {"output": output.float()})


# Name -> what prepares it, and whether it multiplies in bfloat16.
WORKS: dict[str, tuple[Callable[[Problem], Work], bool]] = {
    OURS: (ours("highest"), False),
    FEWER: (ours("medium"), True),
    "torch.nn float32": (RIVALS["torch.nn padded"].prepare, False),
    "torch.nn bfloat16": (torch_in_bfloat16, True),
    "ONNX Runtime": (onnx_runtime.prepare, False),
    "OpenVINO float32": (openvino_node.prepare_in("f32"), False),
    "OpenVINO bfloat16": (openvino_node.prepare_in("bf16"), True),
}


def prepared(case: Case) -> dict[str, Callable[[], Any]]:
    """What is timed, by name; raises ValueError where one computes something else."""
    problem, works = Problem(case), dict[str, Callable[[], Any]]()
    expected = RIVALS["cellwright"].prepare(problem)
    right = expected.read(expected.run())
    for name, (prepare, bfloat16) in WORKS.items():
        if "OpenVINO" in name and (missing := openvino_node.obstacle(case)):
            print(f"without {name}: {missing}")
            continue
        work = prepare(problem)
        error, most = differences(work.read(work.run()), right)["output"], LARGEST_DIFFERENCE["highest"]
        if not error <= (BFLOAT16 if bfloat16 else most):
            raise ValueError(f"{case}: {name} differs by {error:.1e} of the largest value: a time says nothing")
        works[name] = work.run
    return works


def row(case: Case, seconds: float, busy: bool) -> str:
    """A line of the table."""
    clock = time.process_time if busy else None
    spreads = interleaved(prepared(case), 25, seconds, clock=clock)
    times = {name: spread.low if busy else spread.median for name, spread in spreads.items()}
    base = times[OURS]
    gains = [f"{base / times[name]:.2f}" if name in times else "–" for name in WORKS if name != OURS]
    return "| " + " | ".join([f"{case.cell.upper()} {case.sizes}", f"{base * 1e3:.3g} ms", *gains]) + " |"


def main() -> None:
    """Print the table, or write it into the page."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="three shapes")
    arguments.add_argument("--busy", action="store_true", help="one thread, by processor time")
    arguments.add_argument("--seconds", type=float, default=2.0, help="of a row")
    arguments.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    asked = arguments.parse_args()
    torch.set_num_threads(1 if asked.busy else 2)
    if not asked.busy and (doubt := others_at_work()):
        print(doubt)
    lines = [f"| layer | {' | '.join(WORKS)} |", "| --- |" + " ---: |" * len(WORKS)]
    print("\n".join(lines))
    for cell in ("lstm", "gru"):
        for size in QUICK if asked.quick else SIZES:
            lines.append(row(Case(cell, False, False, *size), asked.seconds, asked.busy))
            print(lines[-1], flush=True)
    about = describe()
    clock = "1 thread, processor time, the least quarter" if asked.busy else "2 threads, medians"
    said = f"{about['processor']}; {clock}; {about['versions']}; {about['date']}; bf16 by {microkernel(FEWER).name}."
    print(said)
    if asked.write:
        replace_measured(PAGE, "\n".join([said, "", *lines]) + "\n", "runtimes")


if __name__ == "__main__":
    main()
