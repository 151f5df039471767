"""A layer of ours made of weights, or the weights put into one that there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellwright import cells
from cellwright.errors import InputError
from cellwright.nn import GRU, LSTM, RNN, Recurrent
from cellwright.weights.convention import Array, Convention, Parameters, Written

_CLASSES: dict[str, Any] = {"lstm": LSTM, "gru": GRU, "rnn": RNN, "rnn-relu": RNN}


Found = Sequence[Sequence[tuple[Convention, Written]]]
"""What an importer has read: a list a layer, in it one or two directions."""


@dataclass(frozen=True)
class Besides:
    """What a framework says of a layer beside its weights.

    options  arguments of `Recurrent`
    initial  the state before the first step where it is a constant, (L·D, H) by its letter
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class _Stack:
    """The same in torch.nn's names."""

    cell: str
    layers: Sequence[Sequence[Parameters]]
    initial: Mapping[str, Array]


def build(who: str, found: Found, batch_first: bool, into: Recurrent | None, besides: Besides | None = None) -> Any:
    """The layer, new, or `into` with the weights.

    Args:
        who: The importer, for errors.
        found: What was read.
        batch_first: Of a new layer.
        into: The layer to fill; None makes one.
        besides: What else there is to a layer.

    Raises:
        InputError: The shapes are wrong, the layers are no stack, or `into` is another layer than they need.

    """
    besides = besides or Besides()
    kinds = sorted({convention.cell for layer in found for convention, _ in layer})
    if len(kinds) != 1:
        raise InputError(f"{who}: the layers are of the cells {', '.join(kinds)}; expected one: read them one by one")
    read = [[convention.read(who, written) for convention, written in layer] for layer in found]
    return _build(who, _Stack(kinds[0], read, besides.initial), batch_first, into, besides.options)


def _build(who: str, found: _Stack, batch_first: bool, into: Recurrent | None, options: Mapping[str, Any]) -> Any:
    sizes = _sizes(who, found)
    first = found.layers[0][0]["weight_ih"]
    if into is None:
        kind = _CLASSES.get(found.cell, Recurrent)
        arguments = sizes | dict(options) | {"batch_first": batch_first, "dtype": _dtype(first)}
        arguments |= {"learn_initial_state": True} if found.initial else {}
        if found.cell == "rnn-relu":
            arguments["nonlinearity"] = "relu"
        into = kind(**arguments) if kind is not Recurrent else Recurrent(found.cell, **arguments)
    else:
        _check_fits(who, found, sizes, into)
    _fill(into, found)
    return into


def arrays_of(who: str, layer: Recurrent, cells_there: Sequence[str]) -> list[list[Parameters]]:
    """The parameters of each layer's each direction as arrays, for a framework that has these cells.

    Raises InputError for a layer that is none of them, or has what only ours have.
    """
    if layer.cell.name not in cells_there or cells.CELLS[layer.cell.name] is not layer.cell:
        raise InputError(f"{who}: the layer's cell is {layer.cell.name}; expected {' or '.join(cells_there)}")
    ours = ("proj_size", "learn_initial_state", "zoneout")
    if asked := [f"{name}={value}" for name in ours if (value := getattr(layer, name))]:
        raise InputError(f"{who}: there is no layer with {asked[0]} there; expected one without it")
    state = {name: _as_numpy(value) for name, value in layer.state_dict().items()}
    suffixes = ("", "_reverse")[: layer.directions]
    return [
        [
            {name.removesuffix(end): state[name] for name in state if name.endswith(end) and end}
            for end in (f"_l{k}{suffix}" for suffix in suffixes)
        ]
        for k in range(layer.num_layers)
    ]


def _sizes(who: str, found: _Stack) -> dict[str, Any]:
    """The arguments of `Recurrent` that the arrays say; raises InputError where the layers are no stack."""
    directions = len(found.layers[0])
    first = found.layers[0][0]
    rows = len(cells.CELLS[found.cell].projections)
    hidden, outputs = first["weight_ih"].shape[0] // rows, first["weight_hh"].shape[1]
    for k, layer in enumerate(found.layers):
        if len(layer) != directions:
            raise InputError(
                f"{who}: layer {k} has {len(layer)} directions and layer 0 has {directions}; expected layers that are "
                "alike: read each into a layer of its own"
            )
        inputs = first["weight_ih"].shape[1] if k == 0 else outputs * directions
        for one in layer:
            got = (one["weight_ih"].shape[1], one["weight_hh"].shape[0] // rows)
            if got != (inputs, hidden):
                raise InputError(
                    f"{who}: layer {k} takes {got[0]} features and has {got[1]} units; expected {inputs} and {hidden}, "
                    "as one stack has: read the layers one by one"
                )
    return {
        "input_size": first["weight_ih"].shape[1],
        "hidden_size": hidden,
        "num_layers": len(found.layers),
        "bias": any("bias_ih" in one for layer in found.layers for one in layer),
        "bidirectional": directions == 2,
    } | ({"proj_size": outputs} if "weight_hr" in first else {})


def _check_fits(who: str, found: _Stack, sizes: Mapping[str, Any], into: Recurrent) -> None:
    if not isinstance(into, Recurrent):
        raise InputError(f"{who}: into is a {type(into).__name__}; expected a layer of this library, or None")
    needed = {"cell": found.cell, "proj_size": 0, **sizes}
    needed["learn_initial_state"] = bool(found.initial) or into.learn_initial_state
    needed["bias"] = sizes["bias"] or into.bias
    got = {name: getattr(into, name) for name in needed} | {"cell": into.cell.name}
    if differ := [name for name in needed if needed[name] != got[name]]:
        raise InputError(
            f"{who}: the layer to fill has {', '.join(f'{n}={got[n]!r}' for n in differ)}; expected "
            f"{', '.join(f'{n}={needed[n]!r}' for n in differ)}"
        )


@torch.no_grad()
def _fill(layer: Recurrent, found: _Stack) -> None:
    """Copy, so that an optimizer made before holds the same parameters; a bias that is not there is zero."""
    for k, directions in enumerate(found.layers):
        for suffix, arrays in zip(("", "_reverse"), directions, strict=False):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr", *layer.cell.parameters):
                parameter = getattr(layer, f"{name}_l{k}{suffix}", None)
                if name in arrays:
                    assert parameter is not None  # `_sizes` made the layer, or `_check_fits` compared it
                    parameter.copy_(_as_tensor(arrays[name]))
                elif parameter is not None:
                    parameter.zero_()
    if layer.learn_initial_state:
        for letter in layer.cell.states:
            start = getattr(layer, f"initial_{letter}")
            start.copy_(_as_tensor(found.initial[letter])) if letter in found.initial else start.zero_()


def _dtype(array: Array) -> torch.dtype:
    # bfloat16 is no type of NumPy's: others register theirs under this name.
    return torch.bfloat16 if array.dtype.name == "bfloat16" else torch.from_numpy(np.empty(0, array.dtype)).dtype


def _as_tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.astype(np.float32) if array.dtype.name == "bfloat16" else array))


def _as_numpy(value: Tensor) -> Array:
    value = value.detach().cpu()
    found: Array = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    return found
