"""Sets made by a rule, in which what decides lies a chosen number of steps back: one file each.

Each is a function of its sizes and a seed, the same on every machine.
"""

from cellwright.data.synthetic.adding import adding
from cellwright.data.synthetic.agreement import agreement
from cellwright.data.synthetic.reber import embedded_reber
from cellwright.data.synthetic.temporal_order import temporal_order

__all__ = ["adding", "agreement", "embedded_reber", "temporal_order"]
