"""Where the time of a layer's call goes, part by part, and how near each comes to the rate of the tile.

    python benchmarks/breakdown.py

What the parts are stands under the table (`tables.of_breakdown`).
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from unittest.mock import patch

import machine
import tables
from cellwright.backends.kernels.frame import Part
from cellwright.bench.case import Case, Problem
from cellwright.bench.rivals import OURS, RIVALS
from clock import Clock
from results import REST, Breakdown

ROUNDS = 30
CASES = tuple(
    Case(cell, training, ragged, *sizes)
    for cell in ("lstm", "gru")
    for training, ragged, sizes in [
        (True, True, (100, 32, 128)),
        (True, True, (100, 8, 64)),
        (True, False, (100, 32, 128)),
        (True, True, (100, 32, 256)),
        (False, True, (100, 32, 128)),
        (False, False, (100, 1, 64)),
        (False, False, (100, 1, 256)),
    ]
)


def breakdown(extent: str) -> list[Breakdown]:
    """Of the cases above; of the first alone where the extent is "quick"."""
    return [_measure(case) for case in (CASES[:1] if extent == "quick" else CASES)]


def _measure(case: Case) -> Breakdown:
    run = RIVALS[OURS].prepare(Problem(case)).run
    rounds: list[dict[str, float]] = []
    for number in range(ROUNDS + 3):
        clock = Clock()
        with patch.object(Part, "run", _timed(clock)):
            clock.around(REST, run)()
        if number >= 3:  # those before compile, and bring the weights to the caches
            rounds.append(dict(clock.seconds))
    names = list(dict.fromkeys(name for found in rounds for name in found))
    parts = {name: median(found.get(name, 0.0) for found in rounds) for name in names}
    third = case.operations // 3
    operations = {
        "forward loop": third if case.training else case.operations,
        "backward loop": third // 2,
        "gradient of the input": third // 2,
        "gradients of the weights": third,
    }
    return Breakdown(
        case,
        median(sum(found.values()) for found in rounds),
        parts,
        {name: count for name, count in operations.items() if name in parts},
    )


def _timed(clock: Clock) -> Callable[..., None]:
    """The run of a part, charged to its name."""
    run = Part.run

    def timed(part: Part, *where: int) -> None:
        clock.around(part.name, run)(part, *where)

    return timed


if __name__ == "__main__":
    gauge = machine.Gauge()
    gauge.read()
    found = breakdown("default")
    gauge.read()
    tables.show([tables.of_breakdown(found, gauge.rates["tile"])])
