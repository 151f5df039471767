"""Weights of Keras: LSTM, GRU, SimpleRNN, alone, in Bidirectional and on top of each other.

Keras 2 and 3, https://github.com/keras-team/keras, keras/src/layers/rnn: kernel (I, G·H), recurrent_kernel (H, G·H),
bias (G·H,), of a GRU that resets after the product (2, G·H), whose second row is that of h.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights import keras_file
from cellwright.weights.building import arrays_of, build
from cellwright.weights.convention import Array, Convention, Written
from cellwright.weights.sources import array, chosen

WHO = "from_keras"
TABLE = {
    ("LSTM", "tanh"): Convention("lstm", "ifgo", transposed=True),
    ("LSTM", "relu"): Convention("relu-lstm", "ifgo", transposed=True),
    ("GRU", "tanh"): Convention("gru", "zrn", transposed=True),
    ("SimpleRNN", "tanh"): Convention("rnn", "h", transposed=True),
    ("SimpleRNN", "relu"): Convention("rnn-relu", "h", transposed=True),
}
"""By Keras' class and activation; recurrent_activation is sigmoid."""

RESET_BEFORE = Convention("gru-2014", "zrn", transposed=True)
"""A GRU with reset_after=False: all there was before Keras had the option."""

KINDS = (*dict.fromkeys(kind for kind, _ in TABLE), "Bidirectional")
HELD = 3
"""Arrays of a direction with biases."""


@dataclass(frozen=True)
class KerasLayer:
    """A layer of Keras: its name, class, configuration, and weights in the order of `get_weights`."""

    name: str
    kind: str
    config: Mapping[str, Any]
    weights: Sequence[Any]


def from_keras(
    source: Any, *, layers: Sequence[str] | None = None, batch_first: bool = True, into: Recurrent | None = None
) -> Any:
    """Make a layer with the weights of Keras' LSTM, GRU, SimpleRNN, or several on top of each other.

    Files are read without Keras, by h5py and as data only: nothing in them is run.

    Args:
        source: A layer, a list of layers that stand on each other, a model, or the path of a `.keras` or `.h5` file
            that a model was saved to.
        layers: Names of the layers to take of a model or a file, from the first to the last; None takes all
            recurrent ones.
        batch_first: Of the layer that is made.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, `GRU`, `RNN`, `Recurrent("relu-lstm", …)`, or `Recurrent("gru-2014", …)` of a GRU with
        reset_after=False, with Keras' numbers: a mask of Keras is `lengths=` here. Dropout acts in training only and is
        not carried over.

    Raises:
        InputError: There is no such layer, the layers are no stack, or no cell of ours has their equations.

    """
    taken = chosen(WHO, "layer", KINDS, list(_layers(source)), layers)
    found = [[(_convention(one), _written(one)) for one in _directions(each)] for each in taken]
    return build(WHO, found, batch_first, into)


def to_keras(layer: Recurrent) -> list[list[Array]]:
    """The weights of a layer for Keras: `keras_layer.set_weights(to_keras(layer)[0])`.

    Args:
        layer: LSTM, GRU, RNN, `Recurrent("relu-lstm", …)` or `Recurrent("gru-2014", …)`; one of several layers are as
            many of Keras', and one in both directions is Keras' Bidirectional(…, merge_mode="concat").

    Returns:
        A list a layer, in it what Keras' `get_weights` returns: kernel (I, G·H), recurrent kernel (H, G·H), bias
        (G·H,), of a GRU (2, 3·H) where it resets after the product, and the same of the reverse direction.

    Raises:
        InputError: Keras has no such layer.

    """
    conventions = {each.cell: each for each in (*TABLE.values(), RESET_BEFORE)}
    written = [
        [conventions[layer.cell.name].write(one) for one in directions]
        for directions in arrays_of("to_keras", layer, list(conventions))
    ]
    return [[a for one in directions for a in _arrays(layer.cell.name, one)] for directions in written]


def _arrays(cell: str, written: Written) -> Iterator[Array]:
    yield written.input
    yield written.recurrent
    if written.bias is not None:
        assert written.recurrent_bias is not None
        both = (written.bias, written.recurrent_bias)
        yield np.stack(both) if cell == "gru" else both[0] + both[1]


def _layers(source: Any) -> Iterator[KerasLayer]:
    """The layers of whatever was given."""
    if isinstance(source, str | Path):
        yield from (KerasLayer(*each) for each in keras_file.layers(Path(source), KINDS))
    elif isinstance(source, Sequence):
        for each in source:
            yield from _layers(each)
    elif hasattr(source, "get_weights") and hasattr(source, "get_config"):
        kind = type(source).__name__
        if kind not in KINDS and hasattr(source, "layers"):
            yield from (each for one in source.layers if type(one).__name__ in KINDS for each in _layers(one))
        else:
            yield KerasLayer(source.name, kind, source.get_config(), source.get_weights())
    else:
        raise InputError(f"{WHO}: got {type(source).__name__}; expected a layer of Keras, a model, or a file's path")


def _directions(layer: KerasLayer) -> list[KerasLayer]:
    """The layer itself, or the two of a Bidirectional."""
    if layer.kind != "Bidirectional":
        if layer.config.get("go_backwards"):
            raise InputError(
                f"{WHO}: {layer.name} has go_backwards=True; expected a layer that reads forward: turn the input "
                "round, or make it the second direction of a Bidirectional"
            )
        return [layer]
    if layer.config.get("merge_mode", "concat") != "concat":
        raise InputError(f"{WHO}: {layer.name} has merge_mode={layer.config['merge_mode']!r}; expected 'concat'")
    inner = layer.config["layer"]
    half = len(layer.weights) // 2
    parts = ((inner, layer.weights[:half]), (layer.config.get("backward_layer", inner), layer.weights[half:]))
    return [KerasLayer(layer.name, each["class_name"], each["config"], arrays) for each, arrays in parts]


def _convention(layer: KerasLayer) -> Convention:
    config = layer.config
    gates, activation = config.get("recurrent_activation", "sigmoid"), config.get("activation", "tanh")
    known = isinstance(activation, str) and (layer.kind, activation) in TABLE
    if not known or gates != "sigmoid":
        can = ", ".join(f"{kind} with {name}" for kind, name in TABLE)
        raise InputError(
            f"{WHO}: {layer.name} is {layer.kind} with activation {activation!r} and recurrent_activation {gates!r}; "
            f"expected {can}, and sigmoid gates"
        )
    return RESET_BEFORE if _resets_before(layer) else TABLE[layer.kind, activation]


def _resets_before(layer: KerasLayer) -> bool:
    return layer.kind == "GRU" and not layer.config.get("reset_after", False)


def _written(layer: KerasLayer) -> Written:
    with_bias = layer.config.get("use_bias", True)
    expected = HELD if with_bias else HELD - 1
    if len(layer.weights) != expected:
        raise InputError(
            f"{WHO}: {layer.name} has {len(layer.weights)} weights; expected {expected} a direction: kernel, "
            "recurrent_kernel"
            f"{', bias' if with_bias else ''}, of a layer that was built"
        )
    names = ("kernel", "recurrent_kernel", "bias")
    kernel, recurrent, *bias = (array(WHO, name, each) for name, each in zip(names, layer.weights, strict=False))
    if not bias:
        return Written(kernel, recurrent)
    if layer.kind != "GRU" or _resets_before(layer):
        return Written(kernel, recurrent, bias[0])
    if bias[0].ndim != 2 or len(bias[0]) != 2:
        raise InputError(f"{WHO}: {layer.name} has a bias of shape {bias[0].shape}; expected (2, 3·H)")
    return Written(kernel, recurrent, bias[0][0], bias[0][1])
