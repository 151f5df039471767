"""A model with torch.nn's own layers in place of ours, for tools that know those by their type."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from cellwright.cells import CELLS
from cellwright.nn.recurrent import Recurrent
from cellwright.nn.single_step import RecurrentCell

_LAYERS: dict[str, Any] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN, "rnn-relu": nn.RNN}
_STEPS: dict[str, Any] = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell, "rnn-relu": nn.RNNCell}
# What torch.nn's layers have no like for. Recomputing changes no number, and a matmul_precision only permits fewer
# bits: both are left out.
_OURS = ("recurrent_dropout", "zoneout", "learn_initial_state", "state_batch_first")


def to_torch(module: nn.Module) -> nn.Module:
    """A copy of `module` in which each of our layers and single steps is torch.nn's, with the same weights and numbers.

    For torch.ao.quantization, Opacus and whatever else looks for torch.nn.LSTM by its type. Calls with `lengths=` and
    what else goes beyond torch.nn fail there as they do with torch.nn's layers.

    Args:
        module: A layer, or a model that has some in it; it stays as it is.

    Returns:
        The copy. Weights are copied, not shared.

    Raises:
        ValueError: A layer that torch.nn has no like for.

    Examples:
        >>> import cellwright
        >>> to_torch(nn.Sequential(cellwright.LSTM(8, 16)))
        Sequential(
          (0): LSTM(8, 16)
        )

    """
    known: dict[int, nn.Module] = {}  # a layer that stands twice in a model is one layer in the copy
    for one in module.modules():
        if isinstance(one, Recurrent | RecurrentCell):
            known[id(one)] = _converted(one)
    return copy.deepcopy(module, dict(known))


def _converted(layer: Recurrent | RecurrentCell) -> nn.Module:
    who, name = type(layer).__name__, layer.cell.name
    if name not in _LAYERS or CELLS[name] is not layer.cell:
        raise ValueError(f"{who}: torch.nn has no layer of the cell {name}; expected {', '.join(_LAYERS)}")
    if asked := [f"{option}={value}" for option in _OURS if (value := getattr(layer, option, None))]:
        raise ValueError(f"{who}: torch.nn's layers have no {asked[0]}; expected a layer without it")
    made: nn.Module = _module(layer, {"nonlinearity": "relu"} if name == "rnn-relu" else {})
    made.load_state_dict(layer.state_dict())
    for weight, mine in zip(made.parameters(), layer.parameters(), strict=True):
        weight.requires_grad_(mine.requires_grad)
    return made.train(layer.training)


def _module(layer: Recurrent | RecurrentCell, options: dict[str, Any]) -> Any:
    weight = next(layer.parameters())
    options |= {"bias": layer.bias, "device": weight.device, "dtype": weight.dtype}
    if isinstance(layer, RecurrentCell):
        return _STEPS[layer.cell.name](layer.input_size, layer.hidden_size, **options)
    if layer.proj_size:
        options["proj_size"] = layer.proj_size
    for name in ("num_layers", "batch_first", "dropout", "bidirectional"):
        options[name] = getattr(layer, name)
    return _LAYERS[layer.cell.name](layer.input_size, layer.hidden_size, **options)
