"""Gated recurrent unit as it was first published."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="r z n", gates="r z", state="h")
def gru_2014(x: Any, u: Any, s: Any) -> State:
    """Gated recurrent unit, reset before the product.

    Cho et al. 2014, "Learning phrase representations", equations 5 to 8. Keras has it as GRU(reset_after=False), ONNX
    as linear_before_reset = 0.

        r_t = σ(x_r + u_r)
        z_t = σ(x_z + u_z)
        n_t = tanh(x_n + u_n(r_t · h_{t−1}))
        h_t = (1 − z_t) · n_t + z_t · h_{t−1}

    where x = W x_t + b, u = U h_{t−1} + b', u(a) = U a + b'.
    """
    r = sigmoid(x.r + u.r)
    z = sigmoid(x.z + u.z)
    n = tanh(x.n + u.n(r * s.h))
    return State(h=(1 - z) * n + z * s.h)
