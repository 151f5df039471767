"""Minimal GRU without a recurrence in its gates."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid


@cell(projections="z n", gates="z", state="h")
def mingru(x: Any, s: Any) -> State:
    """Minimal GRU: its gate and its candidate are of the input alone, so that there is no U.

    Feng et al. 2024, "Were RNNs all we needed?", equations of section 3.1.

        z_t = σ(x_z)
        n_t = x_n
        h_t = (1 − z_t) · h_{t−1} + z_t · n_t

    where x = W x_t + b.
    """
    z = sigmoid(x.z)
    n = x.n
    return State(h=(1 - z) * s.h + z * n)
