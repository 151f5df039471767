"""The scalar long short-term memory of xLSTM, with an exponential input gate."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, exp, log_sigmoid, maximum, select, sigmoid, tanh


@cell(projections="i f z o", gates="i f o", normalised="i f", state="h c n m")
def slstm(x: Any, u: Any, s: Any) -> State:
    """Long short-term memory with exponential gating, normaliser and stabiliser.

    Beck et al. 2024, "xLSTM: extended long short-term memory", equations 8 to 17, one head, forget gate σ.

        a_t = x_i + u_i
        b_t = log_sigmoid(x_f + u_f) + m_{t−1} if n_{t−1} > 0 else a_t
        m_t = max(b_t, a_t)
        i_t = exp(a_t − m_t)
        f_t = exp(b_t − m_t)
        z_t = tanh(x_z + u_z)
        o_t = σ(x_o + u_o)
        c_t = f_t · c_{t−1} + i_t · z_t
        n_t = f_t · n_{t−1} + i_t
        h_t = o_t · c_t / n_t

    where x = W x_t + b, u = U h_{t−1} + b', log_sigmoid(a) = log σ(a). The gates are e^{a_t} and σ, both divided by
    e^{m_t}, which cancels in c_t / n_t. While n is 0 nothing is remembered and the stabiliser follows the input alone
    (as in the authors' code): n_t is then never less than 1.
    """
    a = x.i + u.i
    b = select(s.n > 0, log_sigmoid(x.f + u.f) + s.m, a)
    m = maximum(b, a)
    i = exp(a - m)
    f = exp(b - m)
    z = tanh(x.z + u.z)
    o = sigmoid(x.o + u.o)
    c = f * s.c + i * z
    n = f * s.n + i
    return State(h=o * c / n, c=c, n=n, m=m)
