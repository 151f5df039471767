"""Weights of Haste: haste_pytorch's LSTM and GRU.

https://github.com/lmnt-com/haste, frameworks/pytorch: kernel (I, G·H), recurrent_kernel (H, G·H), bias (G·H,), of a GRU
recurrent_bias too.
"""

from __future__ import annotations

from typing import Any

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.sources import has, needed, optional, stacked

WHO = "from_haste"
TABLE = {
    "LSTM": Convention("lstm", "igfo", transposed=True),
    "GRU": Convention("gru", "zrn", transposed=True),
}


def from_haste(layers: Any, *, batch_first: bool = False, into: Recurrent | None = None) -> Any:
    """Make a layer with the weights of Haste's LSTM or GRU.

    Args:
        layers: A layer of Haste, or its state_dict; a pair (forward, backward) for two directions, where the second was
            given the sequence turned round; or a list of these, a layer each.
        batch_first: Of the layer that is made.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM` or `GRU`. Zoneout and dropout of the recurrent weights are not carried over: they act in training, and
        zoneout in evaluation too, so that a layer with zoneout is refused.

    Raises:
        InputError: It is another layer or has zoneout, its shapes are wrong, or the layers are no stack.

    """
    found = [[_read(each) for each in layer] for layer in stacked(WHO, layers)]
    return build(WHO, found, batch_first, into)


def _read(layer: Any) -> tuple[Convention, Written]:
    if getattr(layer, "zoneout", 0):
        raise InputError(
            f"{WHO}: the layer has zoneout={layer.zoneout}; expected 0, or its state_dict and zoneout= set here"
        )
    if has(layer, "gamma"):
        raise InputError(f"{WHO}: the layer has layer normalisation; expected {' or '.join(TABLE)} without")
    convention = TABLE["GRU" if has(layer, "recurrent_bias") else "LSTM"]
    second = optional(WHO, layer, "recurrent_bias")
    names = ("kernel", "recurrent_kernel", "bias")
    input, recurrent, bias = (needed(WHO, layer, name) for name in names)
    return convention, Written(input, recurrent, bias, second)
