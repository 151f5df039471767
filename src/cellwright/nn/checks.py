"""What a layer accepts: each error of torch.nn's type, saying what, got, expected, fix."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from cellwright.cells.definition import Definition


def dropout(who: str, value: Any) -> None:
    """Check the share of outputs that is dropped between layers, 0 to 1; raises ValueError."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{who}: dropout is {value!r}; expected a number from 0 to 1, the share that is zeroed")


def flag(who: str, name: str, value: Any) -> None:
    """Check that an option is True or False; raises TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{who}: {name} is {value!r}; expected True or False")


def no_masks(who: str, cell: Definition) -> None:
    """Check that the cell takes no masks; raises ValueError."""
    if cell.masks:
        raise ValueError(
            f"{who}: the cell {cell.name} takes the masks {', '.join(cell.masks)}, which no layer "
            "gives; expected a cell of x, u, s and p; for them pass recurrent_dropout= or zoneout= with the cell itself"
        )


def only_products(who: str, cell: Definition) -> None:
    """Check that the cell reads its input through W, and gives its states only; raises ValueError."""
    if cell.outputs or not cell.multiplies_input or cell.streams:
        what = f"the outputs {', '.join(cell.outputs)}" if cell.outputs else "inputs or parameters that a call gives"
        raise ValueError(
            f"{who}: the cell {cell.name} has {what}; expected a cell whose input W multiplies and that gives its "
            "states: for others take cellwright.Recurrent, and its stream for a step at a time"
        )


def noise(who: str, recurrent_dropout: Any, zoneout: Mapping[str, Any], projected: int, hidden: int) -> None:
    """Check the rates of noise in the recurrence, which no layer has with a projection; raises ValueError."""
    rate(who, "recurrent_dropout", recurrent_dropout)
    for letter, one in zoneout.items():
        rate(who, f"zoneout of {letter}", one)
    if projected and (recurrent_dropout or zoneout):
        raise ValueError(
            f"{who}: proj_size is {projected}, and the masks of recurrent_dropout and zoneout are for "
            f"hidden_size = {hidden} units; expected proj_size=0 with either"
        )


def whole(who: str, name: str, given: Any, least: int = 1, error: type[Exception] = ValueError) -> int:
    """A size, of any type that is a whole number, as an int; raises TypeError, and `error` below `least`."""
    try:
        size = operator.index(given)
    except TypeError:
        raise TypeError(f"{who}: {name} is {given!r}; expected a whole number") from None
    if size < least:
        raise error(f"{who}: {name} is {size}; expected at least {least}")
    return size


def rate(who: str, name: str, value: Any) -> None:
    """Check a share of units: a number from 0 to below 1; raises ValueError."""
    if not _is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{who}: {name} is {value!r}; expected a number from 0 to below 1")


def _is_number(given: Any) -> bool:
    return isinstance(given, Real) and not isinstance(given, bool)


def projection(who: str, cell: Definition, size: int, hidden: int) -> None:
    """Check the size of a projection, 0 for none, which not every cell can have; raises ValueError."""
    if size >= hidden:
        raise ValueError(
            f"{who}: proj_size is {size}; expected 0, for no projection, up to hidden_size − 1 = {hidden - 1}"
        )
    h = cell.recurrent_state
    if size and cell.trace.products:
        raise ValueError(
            f"{who}: proj_size is {size}; the cell {cell.name} multiplies values of the step by U, which have "
            "hidden_size units; expected 0"
        )
    if size and (f"s.{h}" in cell.reads or h != cell.states[0] or cell.outputs or not cell.multiplies_input):
        raise ValueError(
            f"{who}: proj_size is {size}; the cell {cell.name} uses {h}_{{t−1}} unit by unit, so it cannot "
            "have fewer units than the rest; expected 0, or a cell that uses it through U only, such as lstm"
        )


def heads(who: str, cell: Definition, number: int, hidden: int, projected: int) -> None:
    """Check that the units of a layer fall into so many heads, each with a U of its own; raises ValueError."""
    if number == 1:
        return
    if not cell.multiplies_state or projected:
        what = "a projection mixes them" if projected else f"the cell {cell.name} has none"
        raise ValueError(f"{who}: heads is {number}; each head has its own U, and {what}: expected heads=1")
    if hidden % number:
        raise ValueError(f"{who}: heads is {number}; expected a divisor of hidden_size = {hidden}")


def rank(who: str, cell: Definition, number: int, columns: int, heads: int) -> None:
    """Check the rank of a U of so many columns, 0 for one that is whole; raises ValueError."""
    if not number:
        return
    if not cell.multiplies_state or heads > 1:
        what = "each head has a U of its own" if heads > 1 else f"the cell {cell.name} has no U"
        raise ValueError(f"{who}: rank is {number}, and {what}; expected rank=0")
    if number >= columns:
        raise ValueError(
            f"{who}: rank is {number}; expected 0, for a whole U, up to one less than its columns, {columns}"
        )


def forget_bias(who: str, cell: Definition, value: Any, bias: bool) -> None:
    """Check that a layer of `cell`, with biases or without, has a forget gate with one; raises ValueError."""
    if not _is_number(value):
        raise ValueError(f"{who}: forget_bias is {value!r}; expected a number")
    if "f" not in cell.projections:
        raise ValueError(
            f"{who}: forget_bias needs a gate f; the cell {cell.name} has the projections {' '.join(cell.projections)}"
        )
    if not (bias and cell.bias):
        raise ValueError(f"{who}: forget_bias needs biases, and this layer has none; leave it out, or set bias=True")


def tensor(who: str, name: str, given: Any) -> None:
    """Check that `given` is a tensor; raises TypeError."""
    if not isinstance(given, Tensor):
        raise TypeError(
            f"{who}: {name} is {type(given).__name__}; expected a tensor: torch.as_tensor({name.split()[-1]})"
        )


def rows(who: str, given: Tensor, size: int | None, weight: Tensor, error: type[Exception] = ValueError) -> None:
    """Check the features (of a size that is known) and the type of the input's rows (S, I) against a weight.

    A wrong type raises `error`: torch.nn's layers and its single steps differ.
    """
    whole_numbers = not (given.is_floating_point() or given.is_complex())
    if given.dtype != weight.dtype and (whole_numbers or not torch.is_autocast_enabled(given.device.type)):
        other = "an embedding before the layer, where they are indices" if whole_numbers else f"layer.to({given.dtype})"
        raise error(
            f"{who}: input is {given.dtype} and the weights are {weight.dtype}; expected the same: "
            f"input.to({weight.dtype}), or {other}"
        )
    if size is not None and given.shape[-1] != size:
        raise RuntimeError(f"{who}: input has {given.shape[-1]} features; expected input_size = {size}")


def state(who: str, given: Any, sizes: Mapping[str, int], shape: tuple[int, ...], axes: str) -> Sequence[Tensor]:
    """`given` as one tensor a letter of `sizes`, each (*shape, size); `axes` says what the dimensions are."""
    letters = ", ".join(f"{letter}_0" for letter in sizes)
    tensors = [given] if isinstance(given, Tensor) else given
    if not isinstance(tensors, Sequence) or not all(isinstance(t, Tensor) for t in tensors):
        raise TypeError(f"{who}: the state is {type(given).__name__}; expected {letters}: a tensor each")
    if len(tensors) != len(sizes):
        raise RuntimeError(f"{who}: the state has {len(tensors)} tensors; expected {len(sizes)}: {letters}")
    for tensor, (letter, size) in zip(tensors, sizes.items(), strict=True):
        if tensor.shape != (*shape, size):
            raise RuntimeError(
                f"{who}: {letter}_0 has shape {tuple(tensor.shape)}; expected ({axes}) = {(*shape, size)}"
            )
    return tensors


def state_type(who: str, given: Sequence[Tensor], like: Tensor) -> None:
    """Check that the states are of the input's type."""
    for tensor in given:
        if tensor.dtype != like.dtype and not torch.is_autocast_enabled(like.device.type):
            raise RuntimeError(
                f"{who}: the state is {tensor.dtype} and the input {like.dtype}; expected the same: "
                f"state.to({like.dtype})"
            )
