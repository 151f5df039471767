"""TorchRL's GRU over whole rollouts by its backend `scan`: nn.GRU's equations, which is what TorchRL has."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from rivals.missing import missing

NAME = "torchrl"


def obstacle() -> str | None:
    """Why this cannot run, or None."""
    return missing(NAME, "hoptorch")


def prepare(x: Tensor, units: int) -> tuple[Callable[[], Tensor], list[Tensor]]:
    """The output (B, T, H) for x (B, T, I) of rollouts that end nowhere on the way, and what is learned."""
    from tensordict import TensorDict
    from torchrl.modules import GRUModule, set_recurrent_mode

    batch, steps, inputs = x.shape
    module = GRUModule(inputs, units, in_key="seen", out_key="features")
    module.recurrent_backend = "scan"
    data = TensorDict({"seen": x}, [batch, steps])
    data["is_init"] = torch.zeros(batch, steps, 1, dtype=torch.bool)
    data["recurrent_state"] = torch.zeros(batch, steps, 1, units)

    def run() -> Tensor:
        with set_recurrent_mode(True):
            features: Tensor = module(data.copy())["features"]
        return features

    return run, [*module.parameters()]
