"""Sets made by a rule, in which what decides lies a chosen number of steps back: one file each.

Each is a function of its sizes and a seed, the same on every machine.
"""

from cellwright.data.generated.adding import adding
from cellwright.data.generated.agreement import agreement
from cellwright.data.generated.reber import embedded_reber
from cellwright.data.generated.temporal_order import temporal_order

__all__ = ["adding", "agreement", "embedded_reber", "temporal_order"]
