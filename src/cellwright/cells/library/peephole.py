"""Long short-term memory whose gates see the cell state."""

from typing import Any

from cellwright.cells.definition import PER_UNIT, cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(
    projections="i f g o",
    gates="i f o",
    state="h c",
    parameters={"peephole_i": PER_UNIT, "peephole_f": PER_UNIT, "peephole_o": PER_UNIT},
)
def peephole(x: Any, u: Any, s: Any, p: Any) -> State:
    """Long short-term memory with peepholes.

    Gers and Schmidhuber 2000, "Recurrent nets that time and count"; the output gate sees the new state.

        i_t = σ(x_i + u_i + p_i · c_{t−1})
        f_t = σ(x_f + u_f + p_f · c_{t−1})
        g_t = tanh(x_g + u_g)
        c_t = f_t · c_{t−1} + i_t · g_t
        o_t = σ(x_o + u_o + p_o · c_t)
        h_t = o_t · tanh(c_t)

    where x = W x_t + b, u = U h_{t−1} + b', and p, the peepholes, have one weight a unit.
    """
    i = sigmoid(x.i + u.i + p.peephole_i * s.c)
    f = sigmoid(x.f + u.f + p.peephole_f * s.c)
    g = tanh(x.g + u.g)
    c = f * s.c + i * g
    o = sigmoid(x.o + u.o + p.peephole_o * c)
    return State(h=o * tanh(c), c=c)
