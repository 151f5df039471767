"""Long short-term memory of a forget gate alone."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="f g", gates="f", state="h")
def janet(x: Any, u: Any, s: Any) -> State:
    """Just another network: a forget gate and no other.

    Van der Westhuizen and Lasenby 2018, "The unreasonable effectiveness of the forget gate", with its β = 1.

        a_t = x_f + u_f
        f_t = σ(a_t)
        i_t = 1 − σ(a_t − 1)
        g_t = tanh(x_g + u_g)
        h_t = f_t · h_{t−1} + i_t · g_t

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    a = x.f + u.f
    f = sigmoid(a)
    i = 1 - sigmoid(a - 1)
    g = tanh(x.g + u.g)
    return State(h=f * s.h + i * g)
