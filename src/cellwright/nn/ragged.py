"""Batches of sequences of different lengths, for those who hold lists of tensors.

    values, lengths = pad([a, b, c])          # (T, B, …), (B,): zeros beyond each length
    packed = pack([a, b, c])                  # torch's PackedSequence: no padding
    a, b, c = unpack(packed)                  # and back, in the order in which they came
    inside = mask(lengths)                    # (T, B) bool
    ends = last_valid(values, lengths)        # (B, …)

T time, B batch. Lengths are whole numbers of any type, in any order. A layer takes `lengths=` itself: packing is for
code that was written for torch.nn. docs/ragged.md shows what a packed batch is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence, pad_sequence, unpack_sequence, unpad_sequence

from cellwright.packing import Lengths, as_lengths, check_range, ragged

_WITH_PADDED = "pass lengths with a padded tensor"


class Padded(NamedTuple):
    """values (T, B, …), batch first (B, T, …), and lengths (B,) int64 on the CPU."""

    values: Tensor
    lengths: Tensor


def pad(
    sequences: Sequence[Tensor] | Tensor | PackedSequence, *, batch_first: bool = False, value: float = 0
) -> Padded:
    """Sequences side by side, `value` beyond each length: torch's pad_sequence and pad_packed_sequence.

    Args:
        sequences: Tensors (length, …) that differ in nothing but their length, a nested tensor, or a PackedSequence;
            a length may be 0.
        batch_first: Whether the values are (B, T, …) rather than (T, B, …).
        value: What stands beyond a length.

    Returns:
        The values (T, B, …) and the lengths (B,) int64.

    Raises:
        ValueError: There is no sequence at all, or one has no dimension of time.
        RuntimeError: Further sizes differ.

    Examples:
        >>> pad([torch.tensor([1, 2, 3]), torch.tensor([4])]).values
        tensor([[1, 4],
                [2, 0],
                [3, 0]])

    """
    if isinstance(sequences, PackedSequence):
        return Padded(*pad_packed_sequence(sequences, batch_first, value))
    parts = _parts("pad", sequences)
    return Padded(pad_sequence(parts, batch_first, value), torch.tensor([len(p) for p in parts]))


def pack(
    sequences: Sequence[Tensor] | Tensor, lengths: Lengths | None = None, *, batch_first: bool = False
) -> PackedSequence:
    """Sequences without padding, as torch's layers take them: torch's pack_padded_sequence and pack_sequence.

    Args:
        sequences: Tensors (length, …), a nested tensor, or with lengths a padded batch (T, B, …).
        lengths: (B,) 1 … T, in any order, of any integer type, on any device.
        batch_first: Whether the padded batch is (B, T, …).

    Returns:
        A PackedSequence that knows the order in which they came.

    Raises:
        ValueError: A length is 0, which a PackedSequence cannot hold, or out of range.
        TypeError: Lengths are not whole numbers, or are given for sequences that have their own.
        RuntimeError: The number of lengths is not that of the sequences.

    Examples:
        >>> pack([torch.tensor([4]), torch.tensor([1, 2, 3])])[:2]
        (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))

    """
    if lengths is None:
        values, lengths = pad(_packable(sequences), batch_first=batch_first)
    elif isinstance(sequences, Tensor) and not sequences.is_nested:
        values = sequences
    else:
        raise TypeError(f"pack: lengths are given for sequences that have their own; {_WITH_PADDED}")
    _check_axes("pack", values, batch_first)
    batch, time = values.shape[:2] if batch_first else (values.shape[1], values.shape[0])
    lengths = as_lengths("pack", lengths, batch).cpu()
    _refuse_empty(lengths.tolist())
    layout = ragged("pack", lengths, time, batch, values.device, batch_first)
    return PackedSequence(layout.pack(values), torch.tensor(layout.batch_sizes), layout.order, layout.inverse)


def unpack(
    batch: PackedSequence | Tensor, lengths: Lengths | None = None, *, batch_first: bool = False
) -> list[Tensor]:
    """The sequences (length, …) of a batch as they came: torch's unpack_sequence and unpad_sequence.

    Args:
        batch: A PackedSequence, a nested tensor, or with lengths a padded tensor (T, B, …).
        lengths: (B,) 0 … T, of a padded tensor.
        batch_first: Whether the padded tensor is (B, T, …).

    Returns:
        A tensor (length, …) for each sequence.

    Raises:
        TypeError: A padded tensor comes without lengths, or another batch with them.
        ValueError: A length is out of range.

    Examples:
        >>> unpack(torch.tensor([[1, 4], [2, 0], [3, 0]]), [3, 1])
        [tensor([1, 2, 3]), tensor([4])]

    """
    if isinstance(batch, PackedSequence) or _nested(batch):
        if lengths is not None:
            raise TypeError(f"unpack: lengths are given for sequences that have their own; {_WITH_PADDED}")
        return unpack_sequence(batch) if isinstance(batch, PackedSequence) else list(batch.unbind())
    if not isinstance(batch, Tensor):
        raise TypeError(
            f"unpack: got a {type(batch).__name__}; expected a PackedSequence, a nested tensor, or a padded tensor and "
            "its lengths: unpack(values, lengths)"
        )
    if lengths is None:
        raise TypeError("unpack: a padded tensor does not know its lengths; pass them: unpack(values, lengths)")
    _check_axes("unpack", batch, batch_first)
    values = batch if batch_first else batch.transpose(0, 1)
    return unpad_sequence(values, _checked("unpack", lengths, len(values), values.shape[1]), batch_first=True)


def mask(lengths: Lengths, steps: int | None = None, *, batch_first: bool = False) -> Tensor:
    """(T, B) bool, batch first (B, T): True within each length.

    Args:
        lengths: (B,) whole numbers, or a nested tensor: then the mask is of its sequences, as `pad` lays them.
        steps: T; None is the longest length.
        batch_first: Whether the mask is (B, T).

    Returns:
        The mask, on the device of the lengths.

    Raises:
        ValueError: A length is not in 0 … `steps`.

    Examples:
        >>> mask([3, 1]).int()
        tensor([[1, 1],
                [1, 0],
                [1, 0]], dtype=torch.int32)

    """
    if _nested(lengths):
        lengths = torch.tensor([len(part) for part in lengths.unbind()], device=lengths.device)
    found = as_lengths("mask", lengths, torch.as_tensor(lengths).numel()).long()
    time = steps if steps is not None else int(found.max()) if len(found) else 0
    check_range("mask", found.tolist(), time)
    inside = torch.arange(time, device=found.device)[:, None] < found
    return inside.T if batch_first else inside


def last_valid(values: Tensor, lengths: Lengths, *, batch_first: bool = False) -> Tensor:
    """(B, …): of values (T, B, …), batch first (B, T, …), the one at each sequence's last step; zeros for length 0.

    Of a layer in both directions this is what the forward one ends with; the reverse one ends at the first step
    (pytorch 3587). `layer(input, lengths=lengths, return_sequences=False)` gives both.

    Args:
        values: (T, B, …), a layer's output say.
        lengths: (B,) 0 … T.
        batch_first: Whether the values are (B, T, …).

    Returns:
        (B, …).

    Raises:
        ValueError: A length is out of range, or the values have no dimension of time or batch.

    Examples:
        >>> last_valid(torch.tensor([[1, 4], [2, 0], [3, 0]]), [3, 1])
        tensor([3, 4])

    """
    _check_axes("last_valid", values, batch_first)
    values = values.transpose(0, 1) if batch_first else values
    time, batch = values.shape[:2]
    last = _checked("last_valid", lengths, batch, time).to(values.device) - 1
    if time == 0:
        return values.new_zeros(values.shape[1:])
    found = values[last.clamp(min=0), torch.arange(batch, device=values.device)]
    empty = (last < 0).view(-1, *[1] * (found.dim() - 1))
    return found.masked_fill(empty, 0)


def _parts(who: str, sequences: Sequence[Tensor] | Tensor) -> list[Tensor]:
    """The sequences one by one."""
    if isinstance(sequences, Tensor) and not sequences.is_nested:
        raise TypeError(
            f"{who}: got a tensor of shape {tuple(sequences.shape)}; expected sequences of different lengths, "
            "a list of tensors or a nested tensor; with a padded tensor go its lengths"
        )
    parts = list(sequences.unbind() if isinstance(sequences, Tensor) else sequences)
    if not parts:
        raise ValueError(f"{who}: there is no sequence; expected at least one, whose type and sizes the batch takes")
    for b, part in enumerate(parts):
        if not isinstance(part, Tensor):
            raise TypeError(f"{who}: sequence {b} is a {type(part).__name__}; expected tensors (time, …)")
        if part.dim() == 0:
            raise ValueError(f"{who}: sequence {b} is a single number; expected (time, …); a step alone is x[None]")
        if part.shape[1:] != parts[0].shape[1:]:
            raise RuntimeError(
                f"{who}: sequence {b} has shape {tuple(part.shape)} and sequence 0 {tuple(parts[0].shape)}; "
                "expected the same sizes after the first"
            )
    return parts


def _packable(sequences: Sequence[Tensor] | Tensor) -> list[Tensor]:
    parts = _parts("pack", sequences)
    _refuse_empty([len(p) for p in parts])
    return parts


def _refuse_empty(lengths: Sequence[int]) -> None:
    if not lengths:
        raise ValueError("pack: there is no sequence; expected at least one")
    if 0 in lengths:
        raise ValueError(
            f"pack: sequence {lengths.index(0)} has length 0, and a PackedSequence has no place for it; leave it out, "
            "or keep the batch padded and call the layer with lengths=, where 0 is allowed"
        )


def _checked(who: str, lengths: Lengths, batch: int, time: int) -> Tensor:
    """Lengths (B,) int64, each in 0 … time."""
    found = as_lengths(who, lengths, batch).long()
    check_range(who, found.tolist(), time)
    return found


def _nested(given: object) -> TypeGuard[Tensor]:
    return isinstance(given, Tensor) and given.is_nested


def _check_axes(who: str, values: Tensor, batch_first: bool) -> None:
    if values.is_nested or values.dim() < 2:
        shape = "is nested" if values.is_nested else f"has shape {tuple(values.shape)}"
        axes = "(batch, time, …)" if batch_first else "(time, batch, …)"
        raise ValueError(f"{who}: the padded batch {shape}; expected {axes}")
