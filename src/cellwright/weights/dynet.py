"""Weights of DyNet: VanillaLSTMBuilder, CompactVanillaLSTMBuilder, SimpleRNNBuilder.

https://github.com/clab/dynet, dynet/lstm.cc and dynet/rnn.cc: a layer is W_x (G·H, I), W_h (G·H, H), b (G·H,), and an
LSTM's step adds forget_bias to the forget gate. Its GRUBuilder resets before the product, its LSTMBuilder couples the
gates with whole matrices of peepholes: no cell here has their equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.fused import kind_of
from cellwright.weights.sources import array, stacked

WHO = "from_dynet"
TABLE = {4: Convention("lstm", "ifog"), 1: Convention("rnn", "h")}
"""By the number of gates."""
HELD = ("W_x", "W_h", "b")


def from_dynet(
    builders: Any, *, forget_bias: float = 1.0, batch_first: bool = False, into: Recurrent | None = None
) -> Any:
    """Make a layer with the weights of DyNet's VanillaLSTMBuilder, CompactVanillaLSTMBuilder or SimpleRNNBuilder.

    Args:
        builders: A builder of any number of layers, or what its `get_parameters()` returns; or a list of pairs
            (forward, backward) of builders of one layer, as a BiRNNBuilder's `builder_layers`.
        forget_bias: What the LSTM's step adds to the forget gate, as the builder was made.
        batch_first: Of the layer that is made.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, whose forget bias holds `forget_bias` too, or `RNN`.

    Raises:
        InputError: It is another builder, its shapes are wrong, or the layers are no stack.

    """
    whole = _is_layers(builders) or hasattr(builders, "get_parameters")
    if whole:
        found = [[_read(each, forget_bias)] for each in _layers(builders)]
    else:
        found = [[_read(_only(each), forget_bias) for each in layer] for layer in stacked(WHO, builders)]
    return build(WHO, found, batch_first, into)


def _is_layers(given: Any) -> bool:
    """Whether it is a list of lists of parameters, a layer each."""
    return isinstance(given, Sequence) and bool(given) and all(isinstance(each, list) for each in given)


def _layers(builder: Any) -> Sequence[Sequence[Any]]:
    layers: Sequence[Sequence[Any]] = builder.get_parameters() if hasattr(builder, "get_parameters") else builder
    return layers


def _only(builder: Any) -> Sequence[Any]:
    """The parameters of a direction's one layer."""
    layers = _layers(builder)
    if len(layers) != 1 or not isinstance(layers[0], Sequence):
        raise InputError(f"{WHO}: a direction has {len(layers)} layers; expected builders of one layer each")
    return layers[0]


def _read(parameters: Sequence[Any], forget_bias: float) -> tuple[Convention, Written]:
    if len(parameters) != len(HELD):
        raise InputError(
            f"{WHO}: a layer has {len(parameters)} parameters; expected {', '.join(HELD)}, of VanillaLSTMBuilder "
            "without layer "
            "normalisation, CompactVanillaLSTMBuilder or SimpleRNNBuilder"
        )
    input, recurrent, bias = (array(WHO, name, each) for name, each in zip(HELD, parameters, strict=True))
    convention = kind_of(WHO, TABLE, recurrent)
    if convention.cell == "lstm":
        convention = replace(convention, forget=float(forget_bias))
    return convention, Written(input, recurrent, bias)
