"""Long short-term memory."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="i f g o", gates="i f o", state="h c")
def lstm(x: Any, u: Any, s: Any) -> State:
    """Long short-term memory with forget gate.

    Gers, Schmidhuber and Cummins 2000, "Learning to forget"; PyTorch's letters.

        i_t = σ(x_i + u_i)
        f_t = σ(x_f + u_f)
        g_t = tanh(x_g + u_g)
        o_t = σ(x_o + u_o)
        c_t = f_t · c_{t−1} + i_t · g_t
        h_t = o_t · tanh(c_t)

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    i = sigmoid(x.i + u.i)
    f = sigmoid(x.f + u.f)
    g = tanh(x.g + u.g)
    o = sigmoid(x.o + u.o)
    c = f * s.c + i * g
    return State(h=o * tanh(c), c=c)
