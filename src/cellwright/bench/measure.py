"""A case, computed by every rival that can: compared, then timed in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from cellwright.bench.case import Case, Problem
from cellwright.bench.rival import Rival
from cellwright.bench.rivals import OURS
from cellwright.bench.timing import Spread, interleaved
from cellwright.errors import CellwrightError

# Over 500 steps; a rival that leaves something out differs by about 1.
LARGEST_DIFFERENCE = {"highest": 1e-4, "bf16x6": 1e-4, "high": 1e-3, "medium": 0.2}
BFLOAT16 = LARGEST_DIFFERENCE["medium"]  # of a rival that multiplies in it, whatever ours does


class Disagreement(CellwrightError):
    """A rival computed something else: its time says nothing."""


@dataclass(frozen=True)
class Measurement:
    """Seconds of each rival; the largest difference of each from ours; why the others are not there."""

    case: Case
    times: dict[str, Spread]
    differences: dict[str, float]
    absent: dict[str, str]

    def ratio(self, rival: str) -> float:
        """How often ours is done while the rival is done once."""
        return self.times[rival].median / self.times[OURS].median

    def as_json(self) -> dict[str, Any]:
        """The fields by name, with the ratios and the rate; times in seconds."""
        return asdict(self) | {"ratios": {name: self.ratio(name) for name in self.times}, "rate": self.rate}

    @property
    def rate(self) -> float:
        """Our floating-point operations a second; those of the matrix products alone are counted."""
        return self.case.operations / self.times[OURS].median


def measure(case: Case, rivals: Mapping[str, Rival], rounds: int, seconds: float) -> Measurement:
    """Compare and time a case, ours among the rivals; raises Disagreement where results differ."""
    problem = Problem(case)
    obstacles = {name: rival.obstacle(case) for name, rival in rivals.items()}
    works = {name: rivals[name].prepare(problem) for name, why in obstacles.items() if why is None}
    expected = works[OURS].read(works[OURS].run())
    found = {name: max(differences(work.read(work.run()), expected).values()) for name, work in works.items()}
    for name, difference in found.items():
        bound = BFLOAT16 if rivals[name].bfloat16 else LARGEST_DIFFERENCE[case.precision]
        if not difference <= bound:
            raise Disagreement(
                f"{case}: {name} differs from {OURS} by {difference:.1e} of the largest value; expected at most "
                f"{bound:.0e}, above which a time says nothing"
            )
    return Measurement(
        case,
        interleaved({name: work.run for name, work in works.items()}, rounds, seconds),
        found,
        {name: why for name, why in obstacles.items() if why is not None},
    )


def differences(got: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, float]:
    """Of each tensor the largest difference, as a share of its largest value."""
    if got.keys() != expected.keys():
        raise Disagreement(f"got {', '.join(got)}; expected {', '.join(expected)}")
    return {name: _difference(got[name].detach(), value.detach()) for name, value in expected.items()}


def _difference(got: Tensor, expected: Tensor) -> float:
    if got.shape != expected.shape:
        raise Disagreement(f"got shape {tuple(got.shape)}; expected {tuple(expected.shape)}")
    return float((got - expected).abs().max() / expected.abs().max())
