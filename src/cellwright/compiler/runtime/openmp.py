"""PyTorch's own OpenMP pool, on which kernels run.

A second pool beside it would fight it for the processor: OpenMP's workers spin for milliseconds after each parallel
region.
"""

from __future__ import annotations

import ctypes
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Pool:
    """GOMP_parallel(function, data, threads, flags), and the address of omp_get_num_threads()."""

    parallel: Any
    team: int

    def run(self, function: int, header: int, threads: int) -> None:
        """Call function(header) on up to `threads` threads."""
        self.parallel(function, header, threads, 0)


@functools.cache
def pool() -> Pool | None:
    """The OpenMP pool that this process has loaded (torch's first); None where there is none, and one thread runs."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return None
    found = sorted(set(re.findall(r"/\S*lib[gi]omp\S*", maps)), key=lambda path: "/torch/" not in path)
    for path in found:
        library = ctypes.CDLL(path)
        if hasattr(library, "GOMP_parallel"):
            parallel = library.GOMP_parallel
            parallel.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
            parallel.restype = None
            return Pool(parallel, _address(library.omp_get_num_threads))
    return None


@functools.cache
def rest() -> int:
    """The address of sched_yield(): who waits lets others run."""
    return _address(ctypes.CDLL(None).sched_yield)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
