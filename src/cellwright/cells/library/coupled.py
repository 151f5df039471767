"""Long short-term memory that forgets as much as it lets in."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="i g o", gates="i o", state="h c")
def coupled(x: Any, u: Any, s: Any) -> State:
    """Long short-term memory with coupled input and forget gate.

    Greff et al. 2015, "LSTM: a search space odyssey", the variant CIFG, without peepholes.

        i_t = σ(x_i + u_i)
        f_t = 1 − i_t
        g_t = tanh(x_g + u_g)
        o_t = σ(x_o + u_o)
        c_t = f_t · c_{t−1} + i_t · g_t
        h_t = o_t · tanh(c_t)

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    i = sigmoid(x.i + u.i)
    f = 1 - i
    g = tanh(x.g + u.g)
    o = sigmoid(x.o + u.o)
    c = f * s.c + i * g
    return State(h=o * tanh(c), c=c)
