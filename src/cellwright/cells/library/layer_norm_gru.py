"""Gated recurrent unit with layer normalisation."""

from typing import Any

from cellwright.cells.definition import PER_PROJECTION, PER_UNIT, cell
from cellwright.cells.language import State, sigmoid, standardise, tanh


@cell(
    projections="r z n",
    gates="r z",
    state="h",
    parameters={
        "gamma_x": PER_PROJECTION,
        "gamma_u": PER_PROJECTION,
        "beta": PER_PROJECTION,
        "beta_u": PER_UNIT,
    },
    ones="gamma_x gamma_u",
    bias=False,
)
def layer_norm_gru(x: Any, u: Any, s: Any, p: Any) -> State:
    """Gated recurrent unit with layer normalisation, reset after the product.

    Ba, Kiros and Hinton 2016, "Layer normalization", section 6.3; normalised over all three projections together.

        r_t = σ(γ_{x,r} · norm(x_r | x) + γ_{u,r} · norm(u_r | u) + β_r)
        z_t = σ(γ_{x,z} · norm(x_z | x) + γ_{u,z} · norm(u_z | u) + β_z)
        n_t = tanh(γ_{x,n} · norm(x_n | x) + β_n + r_t · (γ_{u,n} · norm(u_n | u) + β_u))
        h_t = (1 − z_t) · n_t + z_t · h_{t−1}

    where x = W x_t, u = U h_{t−1}, norm(a | b) = (a − mean b) / √(var b + 10⁻⁵) over b's units.
    """
    a = standardise(x)
    b = standardise(u)
    r = sigmoid(p.gamma_x.r * a.r + p.gamma_u.r * b.r + p.beta.r)
    z = sigmoid(p.gamma_x.z * a.z + p.gamma_u.z * b.z + p.beta.z)
    n = tanh(p.gamma_x.n * a.n + p.beta.n + r * (p.gamma_u.n * b.n + p.beta_u))
    return State(h=(1 - z) * n + z * s.h)
