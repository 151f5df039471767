"""Weights of Flax: LSTMCell, OptimizedLSTMCell, GRUCell, SimpleCell of linen and nnx.

https://github.com/google/flax, flax/linen/recurrent.py and flax/nnx/nn/recurrent.py. A matrix is a `kernel` (I, H),
one a gate in linen and in nnx's LSTMCell (ii, hi, …), or all gates in one (I, G·H) in nnx's others (dense_i, dense_h).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from cellwright.errors import InputError
from cellwright.nn import Recurrent
from cellwright.weights.building import arrays_of, build
from cellwright.weights.convention import Array, Convention, Written
from cellwright.weights.sources import array, stacked

WHO = "from_flax"
LSTM = Convention("lstm", "ifgo", transposed=True)
GRU = Convention("gru", "rzn", transposed=True)
SIMPLE = {
    "tanh": Convention("rnn", "h", transposed=True),
    "relu": Convention("rnn-relu", "h", transposed=True),
}
TABLE = {4: LSTM, 3: GRU}
"""By the number of gates; a SimpleCell's by its activation."""

_PAIRS = (("forward_rnn", "backward_rnn"), ("forward_layers", "backward_layers"))


def from_flax(
    params: Any,
    *,
    activation: Literal["tanh", "relu"] = "tanh",
    batch_first: bool = True,
    into: Recurrent | None = None,
) -> Any:
    """Make a layer with the weights of Flax's LSTMCell, OptimizedLSTMCell, GRUCell or SimpleCell, of linen or nnx.

    Args:
        params: The parameters of a cell, of an RNN with it or of a Bidirectional, as nested mappings of arrays: linen's
            `variables["params"]`, or `nnx.state(rnn, nnx.Param)`. A pair (forward, backward) is two directions, a list
            a stack, a layer each.
        activation: The activation of a SimpleCell, which its parameters do not say.
        batch_first: Of the layer that is made; Flax's RNN has time_major=False.
        into: A layer to fill; None makes one.

    Returns:
        `LSTM`, `GRU` or `RNN`, with Flax's numbers. The gates of a cell with another gate_fn or activation_fn than
        Flax's own would differ, and its parameters do not say so.

    Raises:
        InputError: The parameters are of no such cell, their shapes are wrong, or the layers are no stack.

    """
    found: list[list[tuple[Convention, Written]]] = []
    for layer in stacked(WHO, params):
        parts = [part for each in layer for part in _directions(each)]
        found.append([_written(part, activation) for part in parts])
    return build(WHO, found, batch_first, into)


def to_flax(layer: Recurrent) -> list[tuple[dict[str, dict[str, Array]], ...]]:
    """The weights of a layer for Flax's linen: `{"params": {"cell": to_flax(layer)[0][0]}}` of an RNN.

    Args:
        layer: LSTM, GRU or RNN. A layer without biases has zeros there, for Flax's cells have some.

    Returns:
        A tuple a layer, in it a mapping a direction: the parameters of linen's OptimizedLSTMCell or LSTMCell, GRUCell
        or SimpleCell, kernels (I, H) and biases (H,).

    Raises:
        InputError: Flax has no such cell.

    """
    conventions = {each.cell: each for each in (*TABLE.values(), *SIMPLE.values())}
    convention = conventions.get(layer.cell.name, LSTM)
    return [
        tuple(_linen(convention, convention.write(one)) for one in directions)
        for directions in arrays_of("to_flax", layer, list(conventions))
    ]


def _linen(convention: Convention, written: Written) -> dict[str, dict[str, Array]]:
    """Linen's mapping; where Flax has one bias and ours are two, it is their sum."""
    gates = convention.gates
    zero = np.zeros(written.input.shape[1], written.input.dtype)
    biases = [zero if each is None else each for each in (written.bias, written.recurrent_bias)]
    input, recurrent = (np.split(each, len(gates), axis=1) for each in (written.input, written.recurrent))
    first, second = (np.split(each, len(gates)) for each in biases)
    tree: dict[str, dict[str, Array]] = {}
    for k, letter in enumerate(gates):
        i, h = (side if len(gates) == 1 else f"{side}{letter}" for side in "ih")
        tree[i], tree[h] = {"kernel": input[k]}, {"kernel": recurrent[k]}
        if convention is LSTM:
            tree[h]["bias"] = first[k] + second[k]
        elif letter == "n":
            tree[i]["bias"], tree[h]["bias"] = first[k], second[k]
        else:
            tree[i]["bias"] = first[k] + second[k]
    return tree


def _directions(tree: Any) -> list[Mapping[str, Any]]:
    """The parameters of the cell, or of the two cells, that a module's parameters hold."""
    if not isinstance(tree, Mapping):
        raise InputError(f"{WHO}: got {type(tree).__name__}; expected the parameters of a cell as nested mappings")
    if {"ii", "ir", "i", "dense_i"} & set(tree):
        return [tree]
    for forward, backward in _PAIRS:
        if forward in tree and backward in tree:
            return [*_directions(tree[forward]), *_directions(tree[backward])]
    inside = [each for each in tree.values() if isinstance(each, Mapping) and _has_cell(each)]
    if len(inside) != 1:
        raise InputError(
            f"{WHO}: the parameters {', '.join(map(str, tree)) or 'of nothing'} hold {len(inside)} recurrent modules; "
            "expected those of one cell, RNN or Bidirectional: pass one, or a list of them"
        )
    return _directions(inside[0])


def _has_cell(tree: Mapping[str, Any]) -> bool:
    if {"ii", "ir", "i", "dense_i"} & set(tree):
        return True
    return any(isinstance(each, Mapping) and _has_cell(each) for each in tree.values())


def _written(tree: Mapping[str, Any], activation: str) -> tuple[Convention, Written]:
    if "dense_i" in tree:
        input, recurrent = (_kernel(tree, [name]) for name in ("dense_i", "dense_h"))
        gates = input.shape[-1] // max(recurrent.shape[0], 1)
        names: list[tuple[str, str]] = [("dense_i", "dense_h")]
    else:
        letters = "ifgo" if "ii" in tree else "rzn" if "ir" in tree else ""
        names = [(_name(tree, f"i{letter}"), f"h{letter}") for letter in letters or [""]]
        input, recurrent = _kernel(tree, [i for i, _ in names]), _kernel(tree, [h for _, h in names])
        gates = len(names)
    convention = TABLE.get(gates) if gates != 1 else SIMPLE.get(activation)
    if convention is None:
        raise InputError(
            f"{WHO}: a cell of {gates} gates with activation {activation!r}; expected LSTMCell, OptimizedLSTMCell, "
            f"GRUCell, or SimpleCell with {' or '.join(SIMPLE)}"
        )
    return convention, Written(input, recurrent, _bias(tree, [i for i, _ in names]), _bias(tree, [h for _, h in names]))


def _name(tree: Mapping[str, Any], name: str) -> str:
    """`if` is a word of Python, which nnx writes `if_`."""
    return f"{name}_" if f"{name}_" in tree else name


def _kernel(tree: Mapping[str, Any], names: Sequence[str]) -> Array:
    """The matrices of these modules side by side, (I, G·H)."""
    for name in names:
        if "kernel" not in tree.get(name, {}):
            raise InputError(
                f"{WHO}: there is no {name}/kernel; expected {', '.join(names)}, each with a kernel, got "
                f"{', '.join(tree)}"
            )
    return np.concatenate([array(WHO, f"{name}/kernel", tree[name]["kernel"]) for name in names], axis=-1)


def _bias(tree: Mapping[str, Any], names: Sequence[str]) -> Array | None:
    """The biases of these modules, (G·H,); None where none has any.

    A GRUCell's recurrent side has that of n alone: the others are zero. Raises InputError where another lacks its own.
    """
    given = [tree[name].get("bias") for name in names]
    if all(each is None for each in given):
        return None
    lacking = [name for name, each in zip(names, given, strict=True) if each is None]
    if lacking and lacking != ["hr", "hz"]:
        raise InputError(
            f"{WHO}: there is no {lacking[0]}/bias; expected one of each of {', '.join(names)}, or none of them"
        )
    kernels = [array(WHO, f"{name}/kernel", tree[name]["kernel"]) for name in names]
    return np.concatenate(
        [
            np.zeros(kernel.shape[-1], kernel.dtype) if each is None else array(WHO, f"{name}/bias", each)
            for name, kernel, each in zip(names, kernels, given, strict=True)
        ]
    )
