"""How far results in float32 lie from the reference in float64: ours and PyTorch's.

python benchmarks/accuracy.py

Some cells make much of little: lstm-1997 adds up its c for ever, and the gradient of a relu jumps where its operand is
within rounding of 0, which on large batches happens somewhere. So beside the errors stands what the reference itself,
in float64, makes of a change of the input as large as one rounding: far less than that float32 cannot promise.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

import tables
from cases import STANDARD
from cellwright.bench.case import Case, Problem
from cellwright.bench.measure import differences
from cellwright.bench.rivals import OURS
from cellwright.cells import CELLS
from results import Errors
from rivals import RIVALS

ROUNDING = 2.0**-24  # of float32, to nearest


def sizes(extent: str) -> list[tuple[int, int, int]]:
    """T, B, H that errors are taken at."""
    return [(100, 8, 64)] if extent == "quick" else [(100, 8, 128), (500, 4, 100)]


def errors(extent: str) -> list[Errors]:
    """The errors of every cell, on ragged batches in two directions."""
    return [of(Case(cell, True, True, t, b, h, 2)) for cell in CELLS for t, b, h in sizes(extent)]


def of(case: Case) -> Errors:
    """The errors of one case in outputs and in gradients."""
    problem = Problem(case)
    expected = _compute("Python loop", problem.double())
    rival = "torch.nn packed" if case.cell in STANDARD else "Python loop"
    found = [_compute(OURS, problem), _compute(rival, problem), _compute("Python loop", problem.double(ROUNDING))]
    return Errors(case, rival, *(_largest(one, expected) for one in found))


def _compute(rival: str, problem: Problem) -> Mapping[str, Tensor]:
    work = RIVALS[rival].prepare(problem)
    return work.read(work.run())


def _largest(got: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, float]:
    found = differences({name: value.double() for name, value in got.items()}, expected)
    return {"output": found.pop("output"), "gradients": max(found.values())}


if __name__ == "__main__":
    tables.show([tables.of_errors(errors("default"))])
