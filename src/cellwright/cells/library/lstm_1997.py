"""The first long short-term memory, without forget gate."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="i g o", gates="i o", state="h c")
def lstm_1997(x: Any, u: Any, s: Any) -> State:
    """Long short-term memory without forget gate.

    Hochreiter and Schmidhuber 1997, "Long short-term memory"; tanh for both of its squashing functions.

        i_t = σ(x_i + u_i)
        g_t = tanh(x_g + u_g)
        o_t = σ(x_o + u_o)
        c_t = c_{t−1} + i_t · g_t
        h_t = o_t · tanh(c_t)

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    i = sigmoid(x.i + u.i)
    g = tanh(x.g + u.g)
    o = sigmoid(x.o + u.o)
    c = s.c + i * g
    return State(h=o * tanh(c), c=c)
