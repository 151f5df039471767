"""Multiplicative LSTM."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, sigmoid, tanh


@cell(projections="m i f g o", gates="i f o", state="h c")
def multiplicative_lstm(x: Any, u: Any, s: Any) -> State:
    """LSTM whose gates see the last output multiplied by a projection of the input.

    Krause et al. 2016, "Multiplicative LSTM for sequence modelling", equations 8 to 16; there m has no biases.

        m_t = x_m · u_m
        i_t = σ(x_i + u_i(m_t))
        f_t = σ(x_f + u_f(m_t))
        g_t = tanh(x_g + u_g(m_t))
        o_t = σ(x_o + u_o(m_t))
        c_t = f_t · c_{t−1} + i_t · g_t
        h_t = o_t · tanh(c_t)

    where x = W x_t + b, u = U h_{t−1} + b', u(a) = U a + b'.
    """
    m = x.m * u.m
    i = sigmoid(x.i + u.i(m))
    f = sigmoid(x.f + u.f(m))
    g = tanh(x.g + u.g(m))
    o = sigmoid(x.o + u.o(m))
    c = f * s.c + i * g
    return State(h=o * tanh(c), c=c)
