"""All that a run found, one kind of row a section: the scripts beside make the rows, `tables` and `targets` read them.

It loads neither torch nor cellwright, so that `startup` may time an import in a process that has loaded it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellwright.bench.case import Case
    from cellwright.bench.measure import Measurement
    from cellwright.bench.timing import Spread

REST = "the rest"
"""Of `Breakdown.parts`: what no part is named for."""


@dataclass(frozen=True)
class Errors:
    """Largest errors of a cell, each a share of the largest value of its tensor.

    rival      what `theirs` is of: torch.nn on packed rows; for cells that it has not, the Python loop in float32
    rounding   the reference's, of a rounding of the input
    """

    case: Case
    rival: str
    ours: Mapping[str, float]
    theirs: Mapping[str, float]
    rounding: Mapping[str, float]


@dataclass(frozen=True)
class Breakdown:
    """Median seconds of a call, of each of its parts, and the floating-point operations of those that multiply."""

    case: Case
    whole: float
    parts: dict[str, float]
    operations: dict[str, int]


@dataclass(frozen=True)
class Peak:
    """Bytes that a step takes beyond layer, input and cotangent, by the name of who takes it: ours and the rival's.

    medium is ours with products of bfloat16, and so with what is kept in it.
    """

    case: Case
    rival: str
    bytes: dict[str, int]
    medium: int


@dataclass(frozen=True)
class Compilation:
    """Seconds that a cell's first training step takes more than its second, in a new process.

    first    with an empty cache: trace, differentiate, compile
    cached   with the cache that this left
    """

    cell: str
    first: float
    cached: float


@dataclass
class Results:
    """The sections of a run; one that was not measured is empty.

    command    what was typed
    machine    what `machine.describe` says
    load       the load average at the start and at the end
    rates      operations a second of a matrix product: "sgemm", torch's, and "tile", ours
    """

    command: str
    machine: dict[str, str]
    load: list[float] = field(default_factory=list)
    rates: dict[str, Spread] = field(default_factory=dict)
    speed: list[Measurement] = field(default_factory=list)
    breakdown: list[Breakdown] = field(default_factory=list)
    errors: list[Errors] = field(default_factory=list)
    memory: list[Peak] = field(default_factory=list)
    imports: dict[str, Spread] = field(default_factory=dict)
    compilations: list[Compilation] = field(default_factory=list)

    def share(self, measurement: Measurement, of: str = "sgemm") -> float:
        """Our rate as a share of one of `rates`."""
        return measurement.rate / self.rates[of].median

    def as_json(self) -> dict[str, Any]:
        """All fields, by name; times in seconds, rates in operations a second, memory in bytes."""
        return asdict(self)
