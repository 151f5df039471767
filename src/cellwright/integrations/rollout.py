"""A rollout in one call of a layer, however many episodes begin in it."""

from __future__ import annotations

import torch
from torch import Tensor

from cellwright.nn import Recurrent
from cellwright.nn.states import as_tuple


def run(
    layer: Recurrent, rows: Tensor, state: tuple[Tensor, ...] | None, begins: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Output and last state of a layer over rollouts side by side.

    An episode begins from the layer's initial state, learned or zeros, at the first step as well as within.

    Args:
        layer: Batch first, with states (L·D, B, ·); of a cell that reads nothing but its input.
        rows: (B, T, I), what it reads.
        state: What it is in before the first step, one (L·D, B, ·) a state; None is its initial state.
        begins: (B, T) bool, whether an episode begins at a step.

    Returns:
        (B, T, D·P) and one (L·D, B, ·) a state.

    """
    if state is not None:
        fresh = as_tuple(layer.initial_state(len(rows)))
        first = begins[:, 0, None]
        state = tuple(torch.where(first, new.to(old.dtype), old) for new, old in zip(fresh, state, strict=True))
    # A call without resets takes a shorter way, and most have none after the first step: single steps, and the
    # minibatches of trainers that cut at each episode. A compiled program knows no values to go by.
    within = begins.shape[1] > 1 and (torch.compiler.is_compiling() or bool(begins[:, 1:].any()))
    output, after = layer(rows, state, reset=begins if within else None)
    return output, as_tuple(after)


def check_layer(who: str, layer: Recurrent) -> None:
    """Raise ValueError for a layer whose cell needs more with each call than a rollout has."""
    cell = layer.cell
    if cell.given or (cell.inputs and cell.multiplies_input):
        further = ", ".join([*(cell.inputs if cell.multiplies_input else ()), *cell.given])
        raise ValueError(
            f"{who}: the cell {cell.name} reads {further} with each call, which a rollout does not bring; expected a "
            "cell that reads its input only, such as gru"
        )
