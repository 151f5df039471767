"""Linear reservoir."""

from typing import Any

from cellwright.cells.definition import PER_SEQUENCE, cell
from cellwright.cells.language import State


@cell(inputs="inflow", parameters={"rate": PER_SEQUENCE}, state="store", outputs="outflow")
def reservoir(x: Any, s: Any, p: Any) -> State:
    """Linear reservoir: a store that gives a share of what it holds at each step.

    Nash 1957, "The form of the instantaneous unit hydrograph", one of his cascade, in steps of explicit Euler. The rate
    comes with the call, 0 to 1 a step.

        outflow_t = rate · (store_{t−1} + inflow_t)
        store_t = store_{t−1} + inflow_t − outflow_t
    """
    outflow = p.rate * (s.store + x.inflow)
    store = s.store + x.inflow - outflow
    return State(store=store, outflow=outflow)
