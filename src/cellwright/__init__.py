"""Recurrent layers for PyTorch, each cell written once, as its equations.

import cellwright

layer = cellwright.LSTM(8, 16, bidirectional=True)    # torch.nn.LSTM's arguments, parameters and call
output, (h, c) = layer(input, lengths=[5, 0, 3])      # and lengths in any order
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from cellwright.cells import CELLS, cell
from cellwright.errors import CellwrightError, DefinitionError, InputError

if TYPE_CHECKING:
    from cellwright.functional import use_path
    from cellwright.nn import (
        GRU,
        LSTM,
        RNN,
        GRUCell,
        LSTMCell,
        Padded,
        Recurrent,
        RecurrentCell,
        RNNCell,
        last_valid,
        mask,
        pack,
        pad,
        unpack,
    )

__version__ = "0.1.0"

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "CellwrightError",
    "DefinitionError",
    "GRUCell",
    "InputError",
    "LSTMCell",
    "Padded",
    "RNNCell",
    "Recurrent",
    "RecurrentCell",
    "cell",
    "last_valid",
    "mask",
    "pack",
    "pad",
    "unpack",
    "use_path",
]


def __getattr__(name: str) -> Any:
    # What needs torch is imported when it is first asked for: `cellwright --help` must not wait for torch.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "cellwright.functional" if name == "use_path" else "cellwright.nn"
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
