"""All that a run found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from accuracy import Errors
from cellwright.bench.measure import Measurement
from cellwright.bench.timing import Spread
from inside import Inside
from memory import Peak
from startup import Compilation


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
    inside: list[Inside] = field(default_factory=list)
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
