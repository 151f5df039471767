"""What a pickled layer of ours names, for torch.load to allow."""

from __future__ import annotations

import sys
from pickle import UnpicklingError
from typing import Any

from cellwright.cells import Definition, definition
from cellwright.nn.layers import GRU, LSTM, RNN
from cellwright.nn.recurrent import Recurrent
from cellwright.nn.single_step import GRUCell, LSTMCell, RecurrentCell, RNNCell


def safe_globals() -> list[Any]:
    """What `torch.load(…, weights_only=True)` has to allow for a module with layers of ours, pickled as a whole.

    torch allows none but its own tensors by itself: a model's other classes, those of torch.nn too, are to be allowed
    beside these. (A state_dict needs none of this, and is the better file.) A cell of your own is found in the module
    that defines it, which has to be imported before: a file is not to say what is imported.

    Returns:
        The classes of the layers and single steps, and what finds a cell, as `torch.serialization.safe_globals` and
        `add_safe_globals` take them.

    Examples:
        >>> import io, torch, cellwright
        >>> model = torch.nn.Sequential(cellwright.LSTM(8, 16))
        >>> file = io.BytesIO()
        >>> torch.save(model, file)
        >>> _ = file.seek(0)
        >>> with torch.serialization.safe_globals([*cellwright.safe_globals(), torch.nn.Sequential]):
        ...     torch.load(file, weights_only=True)
        Sequential(
          (0): LSTM(8, 16)
        )

    """
    finds = definition._find
    layers = [LSTM, GRU, RNN, Recurrent, LSTMCell, GRUCell, RNNCell, RecurrentCell]
    return [*layers, (_find_imported, f"{finds.__module__}.{finds.__qualname__}")]


def _find_imported(module: str, name: str) -> Definition:
    """What stands in for the function that finds a cell."""
    if module not in sys.modules and module.partition(".")[0] != "cellwright":
        raise UnpicklingError(f"the file has a layer of the cell {module}.{name}; import {module} before it is loaded")
    return definition._find(module, name)
