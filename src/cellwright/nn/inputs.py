"""A batch of sequences at a layer's edge: what a user may give, and the rows and layout that layers compute with.

The layers of a stack share one layout (see `cellwright.packing`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from cellwright.backends import custom_op
from cellwright.nn import checks
from cellwright.packing import Layout, Lengths, PackedLayout, PaddedLayout, as_lengths, ragged


def enter(
    who: str, input: Tensor | PackedSequence, lengths: Lengths | None, batch_first: bool
) -> tuple[Tensor, Layout]:
    """The rows of what a user gave a layer, and their layout; `who` names the layer in errors.

    (N, I), packed or those of `PackedLayout.flatten`, or in a program that is being traced (T, B, I).
    """
    if isinstance(input, PackedSequence):
        return _enter_packed(who, input, lengths, batch_first)
    checks.tensor(who, "input", input)
    if input.is_nested:
        raise TypeError(
            f"{who}: input is a nested tensor; expected a padded one and its lengths: values, lengths = "
            f"cellwright.pad(input{', batch_first=True' if batch_first else ''}), then {who}(values, lengths=lengths)"
        )
    if input.dim() not in (2, 3):
        raise ValueError(
            f"{who}: input has {input.dim()} dimensions; expected 3, {_axes(batch_first)}, "
            "or 2, (time, features), of one sequence alone"
        )
    if input.dim() == 2:
        return _enter_single(who, input, lengths)
    batch, time = input.shape[:2] if batch_first else (input.shape[1], input.shape[0])
    if lengths is not None:
        lengths = as_lengths(who, lengths, batch)
    elif not custom_op.by_jit() and time == 0:  # to torch.jit a size is a tensor, and the question a warning
        raise RuntimeError(
            f"{who}: input has no step, shape {tuple(input.shape)}; expected {_axes(batch_first)} with time at least "
            "1. Where empty sequences are meant, say so with lengths="
        )
    layout: Layout
    if custom_op.applies():
        layout = PaddedLayout(time, batch, input.device, lengths, batch_first)
    elif lengths is not None:
        layout = ragged(who, lengths, time, batch, input.device, batch_first)
    else:
        layout = PackedLayout(time, batch, (batch,) * time, input.device, batch_first=batch_first)
    return layout.flatten(input), layout


def reset_rows(who: str, layout: Layout, reset: Tensor) -> tuple[Tensor, ...]:
    """The rows at which each direction begins anew, of a user's mask: `layout.reset_masks`."""
    shape: tuple[int, ...] = (layout.batch, layout.time) if layout.batch_first else (layout.time, layout.batch)
    if layout.single:
        shape = (layout.time,)
    checks.tensor(who, "reset", reset)
    if reset.dtype != torch.bool:
        raise TypeError(f"{who}: reset is {reset.dtype}; expected torch.bool; write reset.bool() or reset != 0")
    if reset.shape != shape:
        axes = "(time,)" if layout.single else _axes(layout.batch_first, "")
        raise RuntimeError(f"{who}: reset has shape {tuple(reset.shape)}; expected {axes} = {shape}")
    return layout.reset_masks(reset.to(layout.device))


def _enter_packed(
    who: str, packed: PackedSequence, lengths: Lengths | None, batch_first: bool
) -> tuple[Tensor, PackedLayout]:
    if lengths is not None:
        raise ValueError(f"{who}: a PackedSequence holds its own lengths; pass lengths= with a padded tensor only")
    if custom_op.applies():
        raise RuntimeError(
            f"{who}: a PackedSequence has as many rows as its lengths add up to, which no traced program can know; "
            "expected a padded tensor with lengths="
        )
    if packed.data.dim() != 2:
        raise RuntimeError(f"{who}: the packed data have {packed.data.dim()} dimensions; expected 2, (rows, features)")
    sizes = tuple(packed.batch_sizes.tolist())
    return packed.data, PackedLayout(
        len(sizes), max(sizes, default=0), sizes, packed.data.device, packed.sorted_indices, batch_first, packed=packed
    )


def _enter_single(who: str, input: Tensor, lengths: Lengths | None) -> tuple[Tensor, Layout]:
    if lengths is not None:
        raise ValueError(
            f"{who}: input has shape {tuple(input.shape)}, one sequence alone; expected a batch with lengths=. "
            "Cut the sequence at its length, or add a batch dimension"
        )
    if input.shape[0] == 0:
        raise RuntimeError(f"{who}: input has no step, shape {tuple(input.shape)}; expected (time, features), time ≥ 1")
    time = input.shape[0]
    if custom_op.applies():
        return input[:, None], PaddedLayout(time, 1, input.device, None, single=True)
    return input, PackedLayout(time, 1, (1,) * time, input.device, single=True)


def _axes(batch_first: bool, features: str = ", features") -> str:
    return f"(batch, time{features})" if batch_first else f"(time, batch{features})"
