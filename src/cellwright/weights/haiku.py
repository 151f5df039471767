"""Weights of Haiku: LSTM, GRU and VanillaRNN.

https://github.com/google-deepmind/dm-haiku, haiku/_src/recurrent.py: an LSTM has one matrix w (I + H, 4·H) for x and
h, a bias b (4·H,), and adds 1 to the forget gate; a GRU has w_i (I, 3·H), w_h (H, 3·H) and b (3·H,), resets before the
product and keeps what its z closes; a VanillaRNN has two Linear modules and relu.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights.building import build
from cellwright.weights.convention import Convention, Written
from cellwright.weights.sources import needed, optional

WHO = "from_haiku"
TABLE = {
    "LSTM": Convention("lstm", "igfo", transposed=True, forget=1.0),
    "GRU": Convention("gru-2014", "zrn", transposed=True, negated="z"),
    "VanillaRNN": Convention("rnn-relu", "h", transposed=True),
}
NAMES = ("lstm", "vanilla_rnn", "gru")
"""What Haiku calls a module that was given no name: only these are found without `layers`."""


def from_haiku(
    params: Mapping[str, Any],
    *,
    layers: Sequence[str | tuple[str, str]] | None = None,
    batch_first: bool = False,
    into: Recurrent | None = None,
) -> Any:
    """Make a layer with the weights of Haiku's LSTM, GRU or VanillaRNN.

    Args:
        params: What `init` returns: mappings of arrays by the modules' paths.
        layers: The modules to take, such as `["lstm", "lstm_1"]`, a layer each; a pair is the two directions of a
            layer. None takes the one that is there.
        batch_first: Of the layer that is made; Haiku's dynamic_unroll has time first.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, whose forget bias holds Haiku's 1, `Recurrent("gru-2014", …)`, or `RNN(…, nonlinearity="relu")`.

    Raises:
        InputError: There is no such module, its shapes are wrong, or the layers are no stack.

    """
    modules = dict.fromkeys(path.removesuffix("/linear") for path in params)
    there = [path for path in modules if path.rpartition("/")[2].startswith(NAMES) and _kind(params, path)]
    if layers is None and len(there) != 1:
        raise InputError(
            f"{WHO}: the recurrent modules are {', '.join(there) or 'none'}; expected one, or layers= with their order"
        )
    found = [
        [_read(params, path, there) for path in ((each,) if isinstance(each, str) else each)]
        for each in (there if layers is None else layers)
    ]
    if not found:
        raise InputError(f"{WHO}: layers is empty; expected one of {', '.join(there)} or more")
    return build(WHO, found, batch_first, into)


def _kind(params: Mapping[str, Any], path: str) -> str:
    """Haiku's class, by what the module holds; empty for one that is not recurrent."""
    if {"w_i", "w_h"} <= set(params.get(path, ())):
        return "GRU"
    if f"{path}/linear" not in params:
        return ""
    return "VanillaRNN" if f"{path}/linear_1" in params else "LSTM"


def _read(params: Mapping[str, Any], path: str, there: Sequence[str]) -> tuple[Convention, Written]:
    kind = _kind(params, path)
    if not kind:
        raise InputError(
            f"{WHO}: there is no recurrent module {path}; expected one of {', '.join(there) or 'none there'}"
        )
    convention = TABLE[kind]
    if kind == "GRU":
        return convention, Written(
            needed(WHO, params[path], "w_i"), needed(WHO, params[path], "w_h"), needed(WHO, params[path], "b")
        )
    if kind == "VanillaRNN":
        input, recurrent = (params[f"{path}/{side}"] for side in ("linear", "linear_1"))
        second = optional(WHO, recurrent, "b")  # double_bias=False has none
        return convention, Written(
            needed(WHO, input, "w"), needed(WHO, recurrent, "w"), needed(WHO, input, "b"), second
        )
    both, bias = (needed(WHO, params[f"{path}/linear"], name) for name in "wb")
    hidden = both.shape[-1] // len(convention.gates)
    return convention, Written(both[:-hidden], both[-hidden:], bias)
