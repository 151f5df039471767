"""Weights of MLX: mlx.nn's LSTM, GRU and RNN.

https://github.com/ml-explore/mlx, python/mlx/nn/layers/recurrent.py: Wx (G·H, I), Wh (G·H, H), one bias (G·H,), called
b in the GRU, and there bhn (H,), the part of n that the reset gate multiplies; of an RNN Wxh and Whh.
"""

from __future__ import annotations

from typing import Any, Literal

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.fused import kind_of, with_bias_of_n
from cellwright.weights.sources import has, needed, optional, stacked

WHO = "from_mlx"
TABLE = {4: Convention("lstm", "ifgo"), 3: Convention("gru", "rzn")}
"""By the number of gates."""
RNN = {"tanh": Convention("rnn", "h"), "relu": Convention("rnn-relu", "h")}


def from_mlx(
    layers: Any,
    *,
    nonlinearity: Literal["tanh", "relu"] | None = None,
    batch_first: bool = True,
    into: Recurrent | None = None,
) -> Any:
    """Make a layer with the weights of mlx.nn's LSTM, GRU or RNN.

    Args:
        layers: A layer of MLX, or what its `parameters()` returns; a pair (forward, backward) for two directions, where
            the second was given the sequence turned round; or a list of these, a layer each.
        nonlinearity: That of an RNN; None is the layer's own, and tanh where only its parameters are given.
        batch_first: Of the layer that is made.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, `GRU` or `RNN`.

    Raises:
        InputError: It is another layer, its shapes are wrong, or the layers are no stack.

    """
    found = [[_read(each, nonlinearity) for each in layer] for layer in stacked(WHO, layers)]
    return build(WHO, found, batch_first, into)


def _read(layer: Any, nonlinearity: str | None) -> tuple[Convention, Written]:
    if has(layer, "Wxh"):
        function = getattr(layer, "nonlinearity", None)
        name = nonlinearity or ("tanh" if function is None else getattr(function, "__name__", repr(function)))
        if name not in RNN:
            raise InputError(f"{WHO}: nonlinearity is {name!r}; expected {' or '.join(RNN)}")
        return RNN[name], Written(needed(WHO, layer, "Wxh"), needed(WHO, layer, "Whh"), optional(WHO, layer, "bias"))
    input, recurrent = needed(WHO, layer, "Wx"), needed(WHO, layer, "Wh")
    convention = kind_of(WHO, TABLE, recurrent)
    # parameters() leaves out what is None.
    name = "b" if convention.cell == "gru" else "bias"
    bias = optional(WHO, layer, name)
    if convention.cell != "gru" or bias is None:
        return convention, Written(input, recurrent, bias)
    return convention, Written(input, recurrent, bias, with_bias_of_n(WHO, needed(WHO, layer, "bhn"), recurrent))
