"""Entity-aware LSTM."""

from typing import Any

from cellwright.cells.definition import PER_SEQUENCE, cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="f g o", gates="f o i", state="h c", parameters={"entity": PER_SEQUENCE})
def ea_lstm(x: Any, u: Any, s: Any, p: Any) -> State:
    """Entity-aware LSTM: what a sequence is of, and not its steps, says which units let anything in.

    Kratzert et al. 2019, "Towards learning universal, regional, and local hydrological behaviors via machine learning
    applied to large-sample datasets", equations 7 to 12. The entity, one number a unit, comes with the call: there a
    linear layer of a catchment's attributes.

        i = σ(entity)
        f_t = σ(x_f + u_f)
        g_t = tanh(x_g + u_g)
        o_t = σ(x_o + u_o)
        c_t = f_t · c_{t−1} + i · g_t
        h_t = o_t · tanh(c_t)

    where x = W x_t + b, u = U h_{t−1} + b'.
    """
    i = sigmoid(p.entity)
    f = sigmoid(x.f + u.f)
    g = tanh(x.g + u.g)
    o = sigmoid(x.o + u.o)
    c = f * s.c + i * g
    return State(h=o * tanh(c), c=c)
