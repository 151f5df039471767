"""Leaky integrate-and-fire neurons, by themselves and connected."""

from typing import Any

from cellwright.cells.definition import cell
from cellwright.cells.language import State, constant, detach, spike


@cell(projections="i", gates="", state="v", outputs="z")
def lif(x: Any, s: Any) -> State:
    """Leaky integrate-and-fire neurons: a potential that leaks, and a spike where it passes 1.

    Neftci, Mostafa and Zenke 2019, "Surrogate gradient learning in spiking neural networks", equations 1 to 5; set back
    by subtraction, a step later and without a gradient, as snnTorch's Leaky is.

        β = 0.9
        v_t = β · v_{t−1} + x_i − detach(spike(v_{t−1} − 1))
        z_t = spike(v_t − 1)

    where x = W x_t + b.
    """
    beta = constant(0.9)
    v = beta * s.v + x.i - detach(spike(s.v - 1))
    return State(v=v, z=spike(v - 1))


@cell(projections="i", gates="", state="z v")
def recurrent_lif(x: Any, u: Any, s: Any) -> State:
    """Leaky integrate-and-fire neurons, each of which the spikes of all reach a step later.

    Neftci, Mostafa and Zenke 2019, "Surrogate gradient learning in spiking neural networks", equations 1 to 5; set back
    by subtraction, a step later and without a gradient.

        β = 0.9
        v_t = β · v_{t−1} + x_i + u_i − detach(z_{t−1})
        z_t = spike(v_t − 1)

    where x = W x_t + b, u = U z_{t−1} + b'.
    """
    beta = constant(0.9)
    v = beta * s.v + x.i + u.i - detach(s.z)
    return State(z=spike(v - 1), v=v)
