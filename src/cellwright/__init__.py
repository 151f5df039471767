"""Recurrent layers for PyTorch, each cell written once, as its equations.

import cellwright

layer = cellwright.LSTM(8, 16, bidirectional=True)    # torch.nn.LSTM's arguments, parameters and call
output, (h, c) = layer(input, lengths=[5, 0, 3])      # and lengths in any order

cellwright.fit("reviews.csv", "runs/reviews")         # a model of a file; load, evaluate, export put it to use
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from cellwright.cells import CELLS, cell
from cellwright.errors import CellwrightError, DefinitionError, InputError

if TYPE_CHECKING:
    from cellwright.backends.dispatch import use_backend
    from cellwright.backends.precision import use_matmul_precision
    from cellwright.data.readers.series import read_series
    from cellwright.evaluation.report import Report
    from cellwright.nn import (
        GRU,
        LSTM,
        RNN,
        Acceleration,
        Conversion,
        GRUCell,
        LSTMCell,
        Padded,
        Recurrent,
        RecurrentCell,
        RNNCell,
        accelerate,
        convert,
        freeze,
        last_valid,
        mask,
        pack,
        pad,
        revert,
        safe_globals,
        to_torch,
        unpack,
    )
    from cellwright.onnx import to_onnx
    from cellwright.runs import evaluate, export, fit, load
    from cellwright.tasks.predictor import Predictor
    from cellwright.training import FitResult
    from cellwright.tuning.comparing import Comparison, compare
    from cellwright.tuning.searching import SearchResult, search

__version__ = "0.1.0"

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "RNN",
    "Acceleration",
    "CellwrightError",
    "Comparison",
    "Conversion",
    "DefinitionError",
    "FitResult",
    "GRUCell",
    "InputError",
    "LSTMCell",
    "Padded",
    "Predictor",
    "RNNCell",
    "Recurrent",
    "RecurrentCell",
    "Report",
    "SearchResult",
    "accelerate",
    "cell",
    "compare",
    "convert",
    "evaluate",
    "export",
    "fit",
    "freeze",
    "last_valid",
    "load",
    "mask",
    "pack",
    "pad",
    "read_series",
    "revert",
    "safe_globals",
    "search",
    "to_onnx",
    "to_torch",
    "unpack",
    "use_backend",
    "use_matmul_precision",
]

_HOMES = {
    "Comparison": "tuning.comparing",
    "FitResult": "training",
    "Predictor": "tasks.predictor",
    "Report": "evaluation.report",
    "SearchResult": "tuning.searching",
    "compare": "tuning.comparing",
    "evaluate": "runs",
    "export": "runs",
    "fit": "runs",
    "load": "runs",
    "read_series": "data.readers.series",
    "search": "tuning.searching",
    "to_onnx": "onnx",
    "use_backend": "backends.dispatch",
    "use_matmul_precision": "backends.precision",
}
"""Where a public name comes from, unless from `nn`."""


def __getattr__(name: str) -> Any:
    # What needs torch is imported when it is first asked for: `cellwright --help` must not wait for torch.
    if name in __all__:
        return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'nn')}"), name)
    # So are the modules: cellwright.nn.tbptt is there as it is written, after `import cellwright` alone.
    if not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    modules = (module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return sorted({*globals(), *__all__, *modules})
