"""Coupled oscillatory recurrent neural network."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, constant, tanh


@cell(projections="a b", gates="", state="y z")
def cornn(x: Any, u: Any, s: Any) -> State:
    """Coupled oscillators: each unit has a place y and a speed z, and both drive all units.

    Rusch and Mishra 2021, "Coupled oscillatory recurrent neural network (coRNN)", equation 3 with the damping taken
    before the step, and the constants of its experiment on permuted digits. W's rows of b are not read.

        τ = 0.042
        γ = 2.7
        ε = 4.7
        z_t = z_{t−1} + τ · (tanh(x_a + u_a + u_b(z_{t−1})) − γ · y_{t−1} − ε · z_{t−1})
        y_t = y_{t−1} + τ · z_t

    where x = W x_t + b, u = U y_{t−1} + b', u(a) = U a + b'.
    """
    tau, gamma, epsilon = constant(0.042), constant(2.7), constant(4.7)
    z = s.z + tau * (tanh(x.a + u.a + u.b(s.z)) - gamma * s.y - epsilon * s.z)
    return State(y=s.y + tau * z, z=z)
