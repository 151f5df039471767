"""Weights of DyNet: VanillaLSTMBuilder, CompactVanillaLSTMBuilder, GRUBuilder, SimpleRNNBuilder.

https://github.com/clab/dynet, dynet/lstm.cc, dynet/gru.cc and dynet/rnn.cc: a layer is W_x (G·H, I), W_h (G·H, H),
b (G·H,), of a GRU three such of one gate each, and an LSTM's step adds forget_bias to the forget gate. The GRU resets
before the product and keeps what its z closes. A CoupledLSTMBuilder couples the gates with whole matrices of peepholes:
no cell here has its equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.fused import kind_of
from cellwright.weights.sources import array, stacked

WHO = "from_dynet"
TABLE = {4: Convention("lstm", "ifog"), 1: Convention("rnn", "h")}
"""By the number of gates."""
GRU = Convention("gru-2014", "zrn", negated="z")
HELD = ("W_x", "W_h", "b")
USUAL_FORGET = 1.0


def from_dynet(
    builders: Any, *, forget_bias: float | None = None, batch_first: bool = False, into: Recurrent | None = None
) -> Any:
    """Make a layer with the weights of DyNet's LSTM, GRU or SimpleRNN builders.

    Args:
        builders: A builder of any number of layers, or what its `get_parameters()` returns; or a list of pairs
            (forward, backward) of builders of one layer, as a BiRNNBuilder's `builder_layers`.
        forget_bias: What the LSTM's step adds to the forget gate; None is what the builder was made with, and DyNet's
            own 1 of parameters alone.
        batch_first: Of the layer that is made.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, whose forget bias holds what the step adds, `Recurrent("gru-2014", …)`, or `RNN`.

    Raises:
        InputError: It is another builder, its shapes are wrong, or the layers are no stack.

    """
    if _is_layers(builders) or hasattr(builders, "get_parameters"):
        found = [[_read(each, _forget(builders, forget_bias))] for each in _layers(builders)]
    else:
        found = [[_read(_only(each), _forget(each, forget_bias)) for each in layer] for layer in stacked(WHO, builders)]
    return build(WHO, found, batch_first, into)


def _forget(builder: Any, given: float | None) -> float:
    """What the step adds. Raises InputError for a builder that normalises, whose parameters do not show it."""
    normalises, own = getattr(builder, "spec", ())[3:] or (False, USUAL_FORGET)
    if normalises:
        raise InputError(f"{WHO}: the builder has ln_lstm=True; expected one without layer normalisation")
    return float(own if given is None else given)


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
    if len(parameters) not in (len(HELD), len(HELD) * len(GRU.gates)):
        raise InputError(
            f"{WHO}: a layer has {len(parameters)} parameters; expected {', '.join(HELD)}, of VanillaLSTMBuilder, "
            "CompactVanillaLSTMBuilder or SimpleRNNBuilder, or these of three gates, of GRUBuilder"
        )
    # DyNet computes in float32 and hands its numbers out as float64.
    gates = [
        [array(WHO, name, each).astype(np.float32) for name, each in zip(HELD, parameters[k:], strict=False)]
        for k in range(0, len(parameters), len(HELD))
    ]
    if len(gates) == len(GRU.gates):
        if len({tuple(each.shape for each in gate) for gate in gates}) > 1:
            raise InputError(f"{WHO}: the gates of a GRU have parameters of several shapes; expected three alike")
        input, recurrent, bias = (np.concatenate(each) for each in zip(*gates, strict=True))
        return GRU, Written(input, recurrent, bias)
    ((input, recurrent, bias),) = gates
    convention = kind_of(WHO, TABLE, recurrent)
    if convention.cell == "lstm":
        convention = replace(convention, forget=float(forget_bias))
    return convention, Written(input, recurrent, bias)
