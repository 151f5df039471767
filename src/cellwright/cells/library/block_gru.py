"""The gated recurrent unit of world models: normalised, its weights in blocks."""

from typing import Any

from cellwright.cells.definition import PER_PROJECTION, cell
from cellwright.cells.language import State, sigmoid, standardise, tanh


@cell(
    projections="r z n",
    gates="r z",
    state="h",
    parameters={"gamma": PER_PROJECTION, "beta": PER_PROJECTION},
    ones="gamma",
    bias=False,
)
def block_gru(x: Any, u: Any, s: Any, p: Any) -> State:
    """Gated recurrent unit with one layer normalisation over all gates, reset after the product, slow to update.

    Hafner et al. 2021, "Mastering Atari with discrete world models", the recurrence of its world model: the reset is
    inside the candidate, and the update begins at σ(−1), as in the authors' code, where 10⁻⁵ below is 10⁻³. That of
    2023, "Mastering diverse domains through world models", has its recurrent weights in eight blocks, `heads=8` of the
    layer, but hidden layers within the step, which are normalised in place of the gates.

        r_t = σ(γ_r · norm(x_r + u_r | x + u) + β_r)
        z_t = σ(γ_z · norm(x_z + u_z | x + u) + β_z − 1)
        n_t = tanh(r_t · (γ_n · norm(x_n + u_n | x + u) + β_n))
        h_t = (1 − z_t) · h_{t−1} + z_t · n_t

    where x = W x_t, u = U h_{t−1}, norm(a | b) = (a − mean b) / √(var b + 10⁻⁵) over b's units.
    """
    a = standardise(u._replace(r=x.r + u.r, z=x.z + u.z, n=x.n + u.n))
    r = sigmoid(p.gamma.r * a.r + p.beta.r)
    z = sigmoid(p.gamma.z * a.z + p.beta.z - 1)
    n = tanh(r * (p.gamma.n * a.n + p.beta.n))
    return State(h=(1 - z) * s.h + z * n)
