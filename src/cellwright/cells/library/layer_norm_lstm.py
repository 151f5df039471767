"""Long short-term memory with layer normalisation."""

from typing import Any

from cellwright.cells.definition import PER_PROJECTION, PER_UNIT, cell
from cellwright.cells.language import State, sigmoid, standardise, tanh


@cell(
    projections="i f g o",
    gates="i f o",
    state="h c",
    parameters={
        "gamma_x": PER_PROJECTION,
        "gamma_u": PER_PROJECTION,
        "beta": PER_PROJECTION,
        "gamma_c": PER_UNIT,
        "beta_c": PER_UNIT,
    },
    ones="gamma_x gamma_u gamma_c",
    bias=False,
)
def layer_norm_lstm(x: Any, u: Any, s: Any, p: Any) -> State:
    """Long short-term memory with layer normalisation.

    Ba, Kiros and Hinton 2016, "Layer normalization", equations 20 to 22; their offsets of a gate add up to one, β.

        i_t = σ(γ_{x,i} · norm(x_i | x) + γ_{u,i} · norm(u_i | u) + β_i)
        f_t = σ(γ_{x,f} · norm(x_f | x) + γ_{u,f} · norm(u_f | u) + β_f)
        g_t = tanh(γ_{x,g} · norm(x_g | x) + γ_{u,g} · norm(u_g | u) + β_g)
        o_t = σ(γ_{x,o} · norm(x_o | x) + γ_{u,o} · norm(u_o | u) + β_o)
        c_t = f_t · c_{t−1} + i_t · g_t
        h_t = o_t · tanh(γ_c · norm(c_t) + β_c)

    where x = W x_t, u = U h_{t−1}, norm(a | b) = (a − mean b) / √(var b + 10⁻⁵) over b's units, norm(a) = norm(a | a).
    """
    a = standardise(x)
    b = standardise(u)
    i = sigmoid(p.gamma_x.i * a.i + p.gamma_u.i * b.i + p.beta.i)
    f = sigmoid(p.gamma_x.f * a.f + p.gamma_u.f * b.f + p.beta.f)
    g = tanh(p.gamma_x.g * a.g + p.gamma_u.g * b.g + p.beta.g)
    o = sigmoid(p.gamma_x.o * a.o + p.gamma_u.o * b.o + p.beta.o)
    c = f * s.c + i * g
    return State(h=o * tanh(p.gamma_c * standardise(c) + p.beta_c), c=c)
