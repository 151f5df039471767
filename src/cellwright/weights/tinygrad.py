"""Weights of tinygrad: nn.LSTMCell.

https://github.com/tinygrad/tinygrad, tinygrad/nn/__init__.py: weight_ih (4·H, I), weight_hh (4·H, H), bias_ih and
bias_hh (4·H,), all in torch.nn's order.
"""

from __future__ import annotations

from typing import Any

from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.sources import needed, optional, stacked

WHO = "from_tinygrad"
CONVENTION = Convention("lstm", "ifgo")


def from_tinygrad(cells: Any, *, batch_first: bool = False, into: Recurrent | None = None) -> Any:
    """Make a layer with the weights of tinygrad's LSTMCell.

    Args:
        cells: A cell, or a mapping of its four arrays by their names; a pair (forward, backward) for two directions;
            or a list of these, a layer each.
        batch_first: Of the layer that is made.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`.

    Raises:
        InputError: It is no such cell, its shapes are wrong, or the layers are no stack.

    """
    found = [[(CONVENTION, _read(each)) for each in layer] for layer in stacked(WHO, cells)]
    return build(WHO, found, batch_first, into)


def _read(cell: Any) -> Written:
    first, second = (optional(WHO, cell, name) for name in ("bias_ih", "bias_hh"))
    return Written(needed(WHO, cell, "weight_ih"), needed(WHO, cell, "weight_hh"), first, second)
