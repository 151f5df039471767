"""Weights of PaddlePaddle: paddle.nn's LSTM, GRU and SimpleRNN, stacked, in both directions, with a projection.

https://github.com/PaddlePaddle/Paddle, python/paddle/nn/layer/rnn.py: weight_ih (G·H, I), weight_hh (G·H, P), bias_ih
and bias_hh (G·H,), and weight_ho (H, P), which is the transpose of torch.nn's weight_hr. Read by the names of the cells
(0.cell.weight_ih): the others (weight_ih_l0) stand for one another where there is a projection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.sources import needed, optional

WHO = "from_paddle"
TABLE = {4: Convention("lstm", "ifgo"), 3: Convention("gru", "rzn")}
"""By the number of gates."""
SIMPLE = {"tanh": Convention("rnn", "h"), "relu": Convention("rnn-relu", "h")}

WAYS = ("cell", "cell_fw", "cell_bw")
_NAME = re.compile(r"(?:(.*)\.)?(\d+)\.(cell|cell_fw|cell_bw)\.(weight_ih|weight_hh|bias_ih|bias_hh|weight_ho)")


def from_paddle(
    layer: Any,
    *,
    activation: Literal["tanh", "relu"] = "tanh",
    batch_first: bool = True,
    into: Recurrent | None = None,
) -> Any:
    """Make a layer with the weights of paddle.nn's LSTM, GRU or SimpleRNN.

    Args:
        layer: The layer, or its state_dict as a mapping of arrays, with the names 0.cell.weight_ih, ….
        activation: That of a SimpleRNN, which its weights do not say.
        batch_first: Of the layer that is made; Paddle's have time_major=False.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, `GRU` or `RNN`. Dropout between layers acts in training only and is not carried over.

    Raises:
        InputError: There are no such weights, their shapes are wrong, or they are of several layers.

    """
    if activation not in SIMPLE:
        raise InputError(f"{WHO}: activation is {activation!r}; expected {' or '.join(SIMPLE)}")
    state = layer if isinstance(layer, Mapping) else layer.state_dict()
    matched = [match for name in state if (match := _NAME.fullmatch(name))]
    modules = sorted({match[1] or "" for match in matched})
    if len(modules) != 1:
        raise InputError(
            f"{WHO}: the weights are of {len(modules)} layers{': ' if modules else ''}{', '.join(modules)}; expected "
            "those of one, by names such as 0.cell.weight_ih"
        )
    by_place: dict[int, dict[str, dict[str, Any]]] = {}
    for match in matched:
        by_place.setdefault(int(match[2]), {}).setdefault(match[3], {})[match[4]] = state[match[0]]
    if sorted(by_place) != list(range(len(by_place))):
        raise InputError(
            f"{WHO}: the layers are {', '.join(map(str, sorted(by_place)))}; expected 0 to {len(by_place) - 1}, none "
            "missing: pass the whole state_dict of one paddle.nn layer"
        )
    layers = [[by_place[place][way] for way in WAYS if way in by_place[place]] for place in sorted(by_place)]
    return build(WHO, [[_read(each, activation) for each in layer] for layer in layers], batch_first, into)


def _read(cell: Mapping[str, Any], activation: str) -> tuple[Convention, Written]:
    input, recurrent = needed(WHO, cell, "weight_ih"), needed(WHO, cell, "weight_hh")
    projection = optional(WHO, cell, "weight_ho")
    hidden = recurrent.shape[-1] if projection is None else projection.shape[0]
    gates = recurrent.shape[0] / hidden
    convention = SIMPLE[activation] if gates == 1 else TABLE.get(int(gates))
    if convention is None or gates != len(convention.gates):
        raise InputError(f"{WHO}: weight_hh has shape {recurrent.shape}; expected (4·H, P), (3·H, H) or (H, H)")
    first, second = (optional(WHO, cell, name) for name in ("bias_ih", "bias_hh"))
    return convention, Written(input, recurrent, first, second, None if projection is None else projection.T)
