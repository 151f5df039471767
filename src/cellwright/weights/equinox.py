"""Weights of Equinox: LSTMCell and GRUCell.

https://github.com/patrick-kidger/equinox, equinox/nn/_rnn.py: weight_ih (G·H, I), weight_hh (G·H, H), one bias (G·H,),
and of a GRU bias_n (H,), the part of n that the reset gate multiplies.
"""

from __future__ import annotations

from typing import Any

from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.fused import kind_of, with_bias_of_n
from cellwright.weights.sources import field, needed, stacked

WHO = "from_equinox"
TABLE = {4: Convention("lstm", "ifgo"), 3: Convention("gru", "rzn")}
"""By the number of gates."""


def from_equinox(cells: Any, *, batch_first: bool = False, into: Recurrent | None = None) -> Any:
    """Make a layer with the weights of Equinox's LSTMCell or GRUCell.

    Args:
        cells: A cell; a pair (forward, backward) for two directions; or a list of these, a layer each.
        batch_first: Of the layer that is made.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM` or `GRU`.

    Raises:
        InputError: It is another cell, its shapes are wrong, or the layers are no stack.

    """
    found = [[_read(each) for each in layer] for layer in stacked(WHO, cells)]
    return build(WHO, found, batch_first, into)


def _read(cell: Any) -> tuple[Convention, Written]:
    input, recurrent, bias = needed(WHO, cell, "weight_ih"), needed(WHO, cell, "weight_hh"), field(WHO, cell, "bias")
    convention = kind_of(WHO, TABLE, recurrent)
    second = with_bias_of_n(WHO, field(WHO, cell, "bias_n"), recurrent) if convention.cell == "gru" else None
    return convention, Written(input, recurrent, bias, second)
