"""The machine and the versions, and how fast it multiplies matrices: the measure that shares are taken of.

python benchmarks/machine.py
"""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from cellwright.backends.kernels.products import Factor, sums_of_products
from cellwright.bench.timing import Spread
from cellwright.cells import CELLS
from cellwright.compiler.kernel import kernel
from cellwright.compiler.target import host

SIZE = 2048
PACKAGES = ("torch", "numpy", "llvmlite", "onnxruntime", "openvino", "jax", "tensorflow", "keras")


class Gauge:
    """Rates of a matrix product of 2048³, in operations a second, read now and then in the course of a run.

    sgemm   torch.mm
    tile    the kernel of cellwright's weight gradients, which is its register tile and little else
    """

    def __init__(self) -> None:
        self._a, self._b = torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)
        self._readings: dict[str, list[float]] = {"sgemm": [], "tile": []}
        self._works: dict[str, Callable[[], Any]] = {
            "sgemm": lambda: torch.mm(self._a, self._b),
            "tile": lambda: _product(Factor(self._a, self._b, SIZE, torch.arange(SIZE))),
        }
        for work in self._works.values():
            work()

    def read(self) -> None:
        """Take one reading of each."""
        for name, work in self._works.items():
            begin = time.perf_counter()
            work()
            self._readings[name].append(2 * SIZE**3 / (time.perf_counter() - begin))

    @property
    def rates(self) -> dict[str, Spread]:
        """The spread of the readings."""
        return {name: Spread.of(found) for name, found in self._readings.items()}


def _product(factor: Factor) -> Any:
    """Of any cell: the product knows its tile only."""
    return sums_of_products(kernel(CELLS["rnn"], "float32"), torch.get_num_threads(), factor)


def describe() -> dict[str, str]:
    """The lines that a figure is worth nothing without."""
    cpu, cores = _processor()
    target = host()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cellwright": _revision(),
        "processor": f"{cpu} ({target.cpu} to LLVM), {cores} cores, registers of {8 * target.register_bytes} bits",
        "threads": f"{torch.get_num_threads()}, of PyTorch's pool; ONNX Runtime's own pool has as many",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version}" for name in PACKAGES if (version := _version(name))),
        "sgemm": library(),
    }


def library() -> str:
    """What torch.mm calls."""
    shown = torch.__config__.show()
    found = re.search(r"oneAPI Math Kernel Library Version [\d.]+", shown) or re.search(r"BLAS_INFO=\w+", shown)
    return found[0] if found else "unknown"


def _processor() -> tuple[str, int]:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    named = re.search(r"model name\s*: (.+)", text)
    return (named[1] if named else platform.processor()), os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _revision() -> str:
    def git(*arguments: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=False).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--", "../src") else ""
    return f"{_version('cellwright')}, commit {git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


if __name__ == "__main__":
    gauge = Gauge()
    for _ in range(9):
        gauge.read()
    for name, line in describe().items():
        print(f"{name}: {line}")
    for name, rate in gauge.rates.items():
        print(f"{name}: {rate.median / 1e9:.0f} GFLOP/s ({rate.low / 1e9:.0f} to {rate.high / 1e9:.0f})")
