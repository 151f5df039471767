"""snnTorch's Leaky neurons, step by step as its tutorials call them, on a projection of all steps made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import cellwright
from cellwright.cells.language import State, constant, detach, spike
from rivals.missing import missing

NAME = "snntorch"


@cellwright.cell(inputs="current", state="v", outputs="z")
def leaky(x: Any, s: Any) -> State:
    """The neurons of our `lif` alone, on currents that a layer before them makes, as snnTorch has it."""
    beta = constant(0.9)
    v = beta * s.v + x.current - detach(spike(s.v - 1))
    return State(v=v, z=spike(v - 1))


def obstacle() -> str | None:
    """Why this cannot run, or None."""
    return missing(NAME)


def prepare() -> Callable[[Tensor], Tensor]:
    """From currents (T, B, H) to spikes (T, B, H), with the leak, the reset and the surrogate of our `lif`."""
    import snntorch  # type: ignore[import-not-found, unused-ignore]

    neurons = snntorch.Leaky(beta=0.9, spike_grad=snntorch.surrogate.atan(alpha=2.0), reset_mechanism="subtract")

    def spikes(currents: Tensor) -> Tensor:
        potential, found = neurons.reset_mem(), []
        for current in currents:
            spike, potential = neurons(current, potential)
            found.append(spike)
        return torch.stack(found)

    return spikes
