"""torch.nn's recurrent layers made ours, and ours made torch.nn's: the same modules, of another class.

A layer is changed where it stands. It gets the other class and that class' settings; all else that it holds, it goes on
holding: parameters, buffers, hooks, flags, and whatever a user has hung on it. So an optimizer made before goes on, a
module that stands at two places stays one, and a model that is nothing but a layer needs no other name.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from cellwright.cells import CELLS
from cellwright.nn.layers import GRU, LSTM, RNN
from cellwright.nn.recurrent import Recurrent
from cellwright.nn.single_step import GRUCell, LSTMCell, RecurrentCell, RNNCell

# By the cell: torch.nn's class and ours, of a layer and of a single step.
_LAYERS: dict[str, tuple[Any, Any]] = {
    "lstm": (nn.LSTM, LSTM),
    "gru": (nn.GRU, GRU),
    "rnn": (nn.RNN, RNN),
    "rnn-relu": (nn.RNN, RNN),
}
_STEPS: dict[str, tuple[Any, Any]] = {
    "lstm": (nn.LSTMCell, LSTMCell),
    "gru": (nn.GRUCell, GRUCell),
    "rnn": (nn.RNNCell, RNNCell),
    "rnn-relu": (nn.RNNCell, RNNCell),
}
_OURS = dict([*_LAYERS.values(), *_STEPS.values()])  # of each class of torch.nn's
# What torch.nn's layers have no like for. Recomputing changes no number, and a matmul_precision only permits fewer
# bits: both are left out.
_BEYOND_TORCH = ("recurrent_dropout", "zoneout", "learn_initial_state", "state_batch_first", "rank")
_SETTINGS = ("num_layers", "batch_first", "dropout", "bidirectional")
_OF_ANY_MODULE = frozenset(vars(nn.Module()))


@dataclass(frozen=True)
class Conversion:
    """What `convert` or `revert` did; printed it is a line for each layer.

    changed  by the name of each layer that was changed, as `named_modules` gives it, its class now
    left     by the name of each that was not, the reason

    A layer that stands at several places is there under each of its names; the model itself has the name "".
    """

    changed: dict[str, str]
    left: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{_named(name)}: now {now}" for name, now in self.changed.items()]
        lines += [f"{_named(name)}: left, {reason}" for name, reason in self.left.items()]
        return "\n".join(lines) or "there is no recurrent layer to change"


def _named(name: str) -> str:
    return name or "the model itself"


def convert(model: nn.Module) -> Conversion:
    """Make each of torch.nn's recurrent layers and single steps in a model ours, where it stands.

    The class of a module changes, and nothing else of it: parameters, buffers, hooks, training mode and names are the
    same objects as before. Numbers agree up to rounding. What is not exactly torch.nn.LSTM, GRU, RNN or a single step
    of these is left, and so is one that has no parameters of its own under torch's names, or another `forward`.

    Args:
        model: A layer, or a model that has some in it.

    Returns:
        What was changed, and what was left and why.

    Raises:
        TypeError: `model` is no module.

    Examples:
        >>> model = nn.ModuleDict({"rnn": nn.LSTM(8, 16), "head": nn.Linear(16, 2)})
        >>> print(convert(model))
        rnn: now cellwright.LSTM
        >>> model["rnn"]
        LSTM(8, 16)

    """
    return _exchange(model, (nn.RNNBase, nn.RNNCellBase), _to_ours)


def revert(model: nn.Module) -> Conversion:
    """Make each of our layers and single steps in a model torch.nn's, where it stands: `convert` taken back.

    Those that were made as ours are torch.nn's from then on too. One that torch.nn has no like for is left.

    Args:
        model: A layer, or a model that has some in it.

    Returns:
        What was changed, and what was left and why.

    Raises:
        TypeError: `model` is no module.

    Examples:
        >>> model = nn.ModuleDict({"rnn": LSTM(8, 16), "mgu": Recurrent("mgu", 16, 16)})
        >>> print(revert(model))
        rnn: now torch.nn.LSTM
        mgu: left, torch.nn has no layer of the cell mgu; expected lstm, gru, rnn, rnn-relu

    """
    return _exchange(model, (Recurrent, RecurrentCell), _to_theirs)


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
    for one in module.modules():
        if isinstance(one, Recurrent | RecurrentCell) and (reason := _beyond_torch(one)):
            raise ValueError(f"{type(one).__name__}: {reason}")
    copied = copy.deepcopy(module)
    revert(copied)
    return copied


# --- of one module -------------------------------------------------------------------------------------
def _exchange(model: nn.Module, kinds: tuple[type, ...], exchange: Any) -> Conversion:
    """Change what is of these kinds, each once; `exchange` does, or returns why not."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is {type(model).__name__}; expected a torch.nn.Module, whose layers are changed")
    found = Conversion({}, {})
    known: dict[int, str | None] = {}
    for name, module in [*model.named_modules(remove_duplicate=False)]:
        if id(module) not in known:
            if not isinstance(module, kinds):
                continue
            known[id(module)] = exchange(module)
        reason = known[id(module)]
        if reason is None:
            found.changed[name] = _path(type(module))
        else:
            found.left[name] = reason
    return found


def _path(kind: type) -> str:
    return f"{'torch.nn' if kind in _OURS else 'cellwright'}.{kind.__name__}"


def _to_ours(module: Any) -> str | None:
    """Make one of torch.nn's modules ours, or say why not."""
    if parametrize.is_parametrized(module):
        return "it is parametrised, which made its class another one"
    theirs = type(module)
    if theirs not in _OURS:
        base = next(base for base in theirs.__mro__ if base.__module__ == nn.LSTM.__module__)
        return f"a subclass of torch.nn.{base.__name__}, whose code may be its own"
    if "forward" in vars(module):
        return "its forward has been replaced"
    new = _like(module, _OURS[theirs])
    for name, weight in new._parameters.items():
        if weight is not None and module._parameters.get(name) is None:
            return f"its {name} is no parameter but computed, as weight_norm, spectral_norm and pruning do by hooks"
    _become(module, new, _like(module, theirs))
    return None


def _to_theirs(module: Any) -> str | None:
    """Make one of our modules torch.nn's, or say why not."""
    reason = _beyond_torch(module)
    if reason is None:
        theirs, ours = (_STEPS if isinstance(module, RecurrentCell) else _LAYERS)[module.cell.name]
        vars(module).pop("_frozen", None)
        _become(module, _like(module, theirs), _like(module, ours))
        if isinstance(module, nn.RNNBase):
            module._init_flat_weights()
    return reason


def _beyond_torch(layer: Recurrent | RecurrentCell) -> str | None:
    """Why torch.nn has no like for a layer of ours, or None."""
    if parametrize.is_parametrized(layer):
        return (
            "it is parametrised, which made its class another one; expected a layer without "
            "(torch.nn.utils.parametrize.remove_parametrizations)"
        )
    name = layer.cell.name
    if name not in _LAYERS or CELLS[name] is not layer.cell:
        return f"torch.nn has no layer of the cell {name}; expected {', '.join(_LAYERS)}"
    if type(layer) not in (Recurrent, RecurrentCell, *_OURS.values()):
        return "a subclass, whose code torch.nn's layers have not; expected the class itself"
    asked = [f"{option}={value}" for option in _BEYOND_TORCH if (value := getattr(layer, option, None))]
    if getattr(layer, "heads", 1) > 1:
        asked.append(f"heads={layer.heads}")
    if asked:
        return f"torch.nn's layers have no {asked[0]}; expected a layer without it"
    if getattr(layer, "proj_size", 0) and name != "lstm":
        return f"torch.nn projects the LSTM only, and this layer of {name} has proj_size={layer.proj_size}"
    return None


def _like(module: Any, kind: Any) -> Any:
    """A new module of `kind` with the settings of `module`, ours or torch.nn's, and no numbers."""
    options = {"bias": module.bias, "device": "meta"}
    relu = getattr(module, "nonlinearity", None) == "relu" or (
        isinstance(module, Recurrent | RecurrentCell) and module.cell.name == "rnn-relu"
    )
    if relu:
        options["nonlinearity"] = "relu"
    if isinstance(module, nn.RNNBase | Recurrent):
        options |= {name: getattr(module, name) for name in _SETTINGS}
        if module.proj_size:
            options["proj_size"] = module.proj_size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # dropout without a next layer: said when `module` was made
        return kind(module.input_size, module.hidden_size, **options)


def _become(module: nn.Module, new: nn.Module, old: nn.Module) -> None:
    """Give `module` the class and the settings of `new` in place of those that `old` has, as it does."""
    own = vars(module)
    for name in vars(old).keys() - _OF_ANY_MODULE:
        own.pop(name, None)
    own.update({name: value for name, value in vars(new).items() if name not in _OF_ANY_MODULE})
    object.__setattr__(module, "__class__", type(new))  # ours would note that an attribute has been set
