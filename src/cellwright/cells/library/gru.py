"""Gated recurrent unit."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="r z n", gates="r z", state="h")
def gru(x: Any, u: Any, s: Any) -> State:
    """Gated recurrent unit, reset after the product.

    Cho et al. 2014, "Learning phrase representations"; the reset gate after the product as in cuDNN and PyTorch.

        r_t = σ(x_r + u_r)
        z_t = σ(x_z + u_z)
        n_t = tanh(x_n + r_t · u_n)
        h_t = (1 − z_t) · n_t + z_t · h_{t−1}

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    r = sigmoid(x.r + u.r)
    z = sigmoid(x.z + u.z)
    n = tanh(x.n + r * u.n)
    return State(h=(1 - z) * n + z * s.h)
