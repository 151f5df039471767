"""minGRU-pytorch: minGRU by a scan over logarithms, batch first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import cellwright
from cellwright.cells.language import State, select, sigmoid
from rivals.missing import missing

NAME = "minGRU-pytorch"


@cellwright.cell(projections="n z", gates="z", state="h")
def positive_mingru(x: Any, s: Any) -> State:
    """minGRU with a candidate above 0, without which there were no logarithm: Feng et al. 2024, appendix B.2."""
    n = select(x.n < 0, sigmoid(x.n), x.n + 0.5)
    z = sigmoid(x.z)
    return State(h=(1 - z) * s.h + z * n)


def obstacle() -> str | None:
    """Why this cannot run, or None."""
    return missing("minGRU_pytorch")


def prepare(weight: Tensor, x: Tensor) -> tuple[Callable[[], Tensor], list[Tensor]]:
    """The output (B, T, H) of x (B, T, H) by a weight (2·H, H), the candidate's rows first; and what is learned."""
    from minGRU_pytorch import minGRU  # type: ignore[import-not-found, unused-ignore]

    module = minGRU(x.shape[-1])
    with torch.no_grad():
        module.to_hidden_and_gate.weight.copy_(weight)
    return lambda: module(x), [*module.parameters()]
