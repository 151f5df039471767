"""Peak memory of a training step, each rival in a process of its own.

python benchmarks/memory.py

Layer, input and cotangent are made first, and a step of two time steps is run, so that code and libraries are loaded.
Then Linux is told to forget the process's peak (`/proc/self/clear_refs`), the step is run, and the figure is the new
peak of resident memory less the memory before. malloc hands freed memory back at once, so that none is hidden there.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import child_process
import tables
from cases import STANDARD
from cellwright.bench.case import Case, Problem
from cellwright.bench.rivals import OURS
from results import Peak
from rivals import RIVALS

RETURN_AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}


def peaks(extent: str) -> list[Peak]:
    """Of each of torch.nn's cells, ragged against packed and padded against padded; none where there is no Linux."""
    if not Path("/proc/self/clear_refs").exists():
        return []
    cells = STANDARD[:1] if extent == "quick" else STANDARD
    found = [Case(cell, True, ragged, 500, 32, 256) for cell in cells for ragged in (True, False)]
    return [
        Peak(
            case,
            _torch(case),
            {name: ask(case, name) for name in (OURS, _torch(case))},
            ask(replace(case, precision="medium"), OURS),
        )
        for case in found
    ]


def _torch(case: Case) -> str:
    """torch.nn's name among the rivals."""
    return "torch.nn packed" if case.ragged else "torch.nn padded"


def ask(case: Case, rival: str) -> int:
    """Bytes of the step, measured in a process of its own."""
    return int(child_process.ask(Path(__file__), asdict(case), rival, environment=RETURN_AT_ONCE))


def _peak(case: Case, rival: str) -> int:
    """Bytes of the step, measured in this process."""
    short = RIVALS[rival].prepare(Problem(replace(case, time=2)))
    short.run()
    work = RIVALS[rival].prepare(Problem(case))
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    result = work.run()  # held: a training step's gradients live until the optimiser has used them
    peak = status("VmHWM")
    del result
    return peak - before


def status(name: str) -> int:
    """Bytes, as Linux counts them."""
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


if __name__ == "__main__":
    if given := child_process.asked():
        print(json.dumps(_peak(Case(**given[0]), given[1])))
    else:
        tables.show([tables.of_memory(peaks("default"))])
