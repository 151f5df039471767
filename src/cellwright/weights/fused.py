"""What Equinox, MLX and others share: the matrices of all gates in one, (G·H, I) and (G·H, H)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cellwright.errors import InputError
from cellwright.weights.convention import Array, Convention


def kind_of(who: str, table: Mapping[int, Convention], recurrent: Array) -> Convention:
    """The cell of a matrix (G·H, H), by its number of gates. Raises InputError where the table has none."""
    gates = recurrent.shape[0] / recurrent.shape[1] if recurrent.ndim == 2 and recurrent.shape[1] else 0
    if gates not in table:
        expected = " or ".join(f"({count}·H, H) of the cell {each.cell}" for count, each in table.items())
        raise InputError(f"{who}: the weights of h have shape {recurrent.shape}; expected {expected}")
    return table[int(gates)]


def with_bias_of_n(who: str, bias: Array | None, recurrent: Array) -> Array | None:
    """A GRU's bias of n alone, (H,), as that of r, z and n, (3·H,). Raises InputError for another shape."""
    hidden = recurrent.shape[1]
    if bias is None:
        return None
    if bias.shape != (hidden,):
        raise InputError(f"{who}: the bias of n has shape {bias.shape}; expected (H,) = {(hidden,)}")
    return np.concatenate([np.zeros(2 * hidden, bias.dtype), bias])
