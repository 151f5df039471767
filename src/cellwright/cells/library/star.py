"""Stackable recurrent cell."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="k z", gates="k", state="h")
def star(x: Any, u: Any, s: Any) -> State:
    """Stackable recurrent cell: one gate, and a candidate of the input alone.

    Turkoglu et al. 2021, "Gating revisited: deep multi-layer RNNs that can be trained", equations 9 to 11.

        k_t = σ(x_k + u_k)
        z_t = tanh(x_z)
        h_t = tanh((1 − k_t) · h_{t−1} + k_t · z_t)

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    k = sigmoid(x.k + u.k)
    z = tanh(x.z)
    return State(h=tanh((1 - k) * s.h + k * z))
