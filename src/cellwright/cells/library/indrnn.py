"""Independently recurrent network."""

from typing import Any

from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.language import State, relu


@cell(projections="h", gates="", state="h", parameters={"v": PER_UNIT}, ones="v")
def indrnn(x: Any, s: Any, p: Any) -> State:
    """Independently recurrent network: U is a diagonal, a weight v for each unit's own past.

    Li et al. 2018, "Independently recurrent neural network (IndRNN): building a longer and deeper RNN", equation 3.

        h_t = relu(x_h + v · h_{t−1})

    where x = W x_t + b.
    """
    return State(h=relu(x.h + p.v * s.h))
