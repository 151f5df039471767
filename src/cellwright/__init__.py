"""Recurrent layers for PyTorch, each cell written once, as its equations.

import cellwright

layer = cellwright.LSTM(8, 16, bidirectional=True)    # torch.nn.LSTM's arguments, parameters and call
output, (h, c) = layer(input, lengths=[5, 0, 3])      # and lengths in any order
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from cellwright.cells import CELLS, cell
from cellwright.errors import CellwrightError, DefinitionError, InputError

if TYPE_CHECKING:
    from cellwright.backends.dispatch import use_backend
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
        to_torch,
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
    "to_torch",
    "unpack",
    "use_backend",
]


def __getattr__(name: str) -> Any:
    # What needs torch is imported when it is first asked for: `cellwright --help` must not wait for torch.
    if name in __all__:
        home = "cellwright.backends.dispatch" if name == "use_backend" else "cellwright.nn"
        return getattr(import_module(home), name)
    # So are the modules: cellwright.export.to_onnx is there as it is written, after `import cellwright` alone.
    if not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    modules = (module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return sorted({*globals(), *__all__, *modules})
