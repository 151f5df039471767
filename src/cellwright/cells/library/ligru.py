"""Light gated recurrent unit."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, relu, sigmoid


@cell(projections="z n", gates="z", state="h")
def ligru(x: Any, u: Any, s: Any) -> State:
    """Light gated recurrent unit: no reset gate, rectified candidate.

    Ravanelli et al. 2018, "Light gated recurrent units for speech recognition". The batch normalisation of W x_t that
    the paper adds is no part of the step.

        z_t = σ(x_z + u_z)
        n_t = relu(x_n + u_n)
        h_t = z_t · h_{t−1} + (1 − z_t) · n_t

    where x = W x_t + b, u = U h_{t−1} + b', relu(a) = max(a, 0). Its state has no bound: clip the gradients.
    """
    z = sigmoid(x.z + u.z)
    n = relu(x.n + u.n)
    return State(h=z * s.h + (1 - z) * n)
