"""A layer of any cell whose numbers are all different."""

from __future__ import annotations

from typing import Any

import torch

from cellwright import Recurrent


def random_layer(cell: str, input_size: int, hidden_size: int, *, std: float = 0.5, **options: Any) -> Recurrent:
    """A layer of that cell and those sizes, in float64 unless options have a dtype; the same whenever it is made."""
    torch.manual_seed(0)
    layer = Recurrent(cell, input_size, hidden_size, **{"dtype": torch.float64} | options)
    for weight in layer.parameters():
        weight.data.normal_(std=std)
    return layer
