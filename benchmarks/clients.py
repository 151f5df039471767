"""Other people's packages under `cellwright.accelerate`: the same losses, in what share of the time.

python benchmarks/clients.py                  every package that is installed
python benchmarks/clients.py darts skorch     some of them

Each package trains a small model on data made here (`trainings.py`), unchanged, in a process of its own, on one thread:
by torch.nn's kernels and under `accelerate` in turn, the first time of each apart, which compiles and warms up. Losses
are to agree to 1e-5 of the largest. Times are processor time, of the whole training; how many times as fast it is, is
the median over the turns, and so are its quartiles.

Packages that are not installed are named and skipped. They go into an environment of their own:

    python -m venv clients && clients/bin/pip install torch==2.13.0 cellwright
    clients/bin/pip install darts neuralforecast pytorch-forecasting "gluonts[torch]" neuralhydrology skorch pytorch-crf
    clients/bin/pip install flair stanza fastai speechbrain encodec sb3-contrib torchrl torch_geometric
    clients/bin/pip uninstall torchvision torchaudio       where torch is the build for CPUs, and these are not

prints a line of Markdown for each, as docs/in-place-of-torch-nn.md has it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import torch

import cellwright
from cellwright.bench.timing import Spread, others_at_work
from child_process import ask, asked
from trainings import TRAININGS, trained

TURNS, AGREE = 9, 1e-5


class Measured(NamedTuple):
    """What a training came to."""

    gain: list[float]  # times as fast: lower quartile, median, upper quartile
    last: float  # loss of torch.nn's
    error: float  # the largest difference of two losses, of the largest loss
    taken: int  # calls a training
    left: int
    reasons: list[str]  # of those that were left


def measured(package: str) -> Measured:
    """Train by both in turn."""
    torch.set_num_threads(1)
    losses: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {"theirs": [], "ours": []}
    used: dict[str, Any] = {}
    for turn in range(TURNS + 1):
        for name in sorted(times, reverse=turn % 2 == 0):  # each side first in turn: a clock that drifts favours none
            kernels = used[name] = cellwright.accelerate()
            if name == "theirs":
                kernels.off()
            begin = time.process_time()
            losses[name] = trained(package)
            if turn:
                times[name].append(time.process_time() - begin)
            kernels.off()
    theirs, ours = (torch.tensor(losses[name], dtype=torch.float64) for name in times)
    gains = Spread.of([before / after for before, after in zip(times["theirs"], times["ours"], strict=True)])
    return Measured(
        [gains.low, gains.median, gains.high],
        losses["theirs"][-1],
        float((theirs - ours).abs().max() / theirs.abs().max()),
        sum(used["ours"].taken.values()),
        sum(used["ours"].left.values()),
        list(used["ours"].left),
    )


def line(package: str, found: Measured) -> str:
    """A row of the table."""
    single = " (single steps)" if any("single steps" in reason for reason in found.reasons) else ""
    calls = f"{found.taken} of {found.taken + found.left}{single}"
    low, gain, high = found.gain
    return (
        f"| {package} {version(package)} | {found.last:.4g} | {found.error:.1g} | {calls} | "
        f"{gain:.2f} ({low:.2f} … {high:.2f}) |"
    )


def main(packages: list[str]) -> int:
    """Print the table; 1 where a loss differs."""
    if doubt := others_at_work():
        print(doubt)
    print("| package | last loss | losses differ by | calls taken | times as fast (quartiles) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    wrong = []
    for package in packages:
        try:
            version(package)
            found = Measured(*ask(Path(__file__), package, environment={"OMP_NUM_THREADS": "1"}))
        except PackageNotFoundError:
            print(f"| {package} | not installed | | | |", flush=True)
            continue
        except subprocess.CalledProcessError as error:
            print(f"| {package} {version(package)} | fails (status {error.returncode}) | | | |", flush=True)
            wrong.append(package)
            continue
        print(line(package, found), flush=True)
        for reason in found.reasons:
            print(f"    {package}: {reason}", file=sys.stderr)
        wrong += [package] if not found.error <= AGREE else []
    print(f"losses differ: {', '.join(wrong)}" if wrong else f"all losses agree to {AGREE:g}")
    return bool(wrong)


if __name__ == "__main__":
    arguments: Any = asked()
    if arguments:
        print("\n" + json.dumps(measured(*arguments)))
    else:
        sys.exit(main(sys.argv[1:] or list(TRAININGS)))
