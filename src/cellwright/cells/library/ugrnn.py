"""Update gate network."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="c g", gates="g", state="h")
def ugrnn(x: Any, u: Any, s: Any) -> State:
    """Update gate network: one gate between the old state and a candidate.

    Collins, Sohl-Dickstein and Sussillo 2017, "Capacity and trainability in recurrent neural networks", section 2.

        c_t = tanh(x_c + u_c)
        g_t = σ(x_g + u_g)
        h_t = g_t · h_{t−1} + (1 − g_t) · c_t

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    c = tanh(x.c + u.c)
    g = sigmoid(x.g + u.g)
    return State(h=g * s.h + (1 - g) * c)
