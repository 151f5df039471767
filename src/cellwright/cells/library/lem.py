"""Long expressive memory."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="a b v w", gates="a b", state="y z")
def lem(x: Any, u: Any, s: Any) -> State:
    """Long expressive memory: two states of different pace, the second driving the first within a step.

    Rusch et al. 2022, "Long expressive memory for sequence modeling", equation 3, with a step Δt of 1.

        a_t = σ(x_a + u_a)
        b_t = σ(x_b + u_b)
        z_t = (1 − a_t) · z_{t−1} + a_t · tanh(x_v + u_v)
        y_t = (1 − b_t) · y_{t−1} + b_t · tanh(x_w + u_w(z_t))

    where x = W x_t + b, u = U y_{t−1} + b', u(a) = U a + b'.
    """
    a = sigmoid(x.a + u.a)
    b = sigmoid(x.b + u.b)
    z = (1 - a) * s.z + a * tanh(x.v + u.v)
    y = (1 - b) * s.y + b * tanh(x.w + u.w(z))
    return State(y=y, z=z)
