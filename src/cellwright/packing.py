"""A padded batch of sequences and the packed rows that all computing is done on: which row lies where.

Steps beyond a sequence's length are never read, so whatever stands there, NaN included, reaches neither results nor
gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

Lengths = Tensor | Sequence[int]


@dataclass(frozen=True)
class RowIndex:
    """Where packed rows stand among `number` others: row k is number index[k], index (S,) int64."""

    index: Tensor
    number: int

    @cached_property
    def free(self) -> Tensor:
        """(number − S,) int64, in order: where no packed row stands."""
        free = torch.ones(self.number, dtype=torch.bool, device=self.index.device)
        free[self.index] = False
        return free.nonzero().flatten()

    def gather(self, rows: Tensor) -> Tensor:
        """(number, *) -> (S, *)."""
        return rows.index_select(0, self.index)

    def scatter(self, rows: Tensor) -> Tensor:
        """(S, *) -> (number, *), zero where none stands."""
        empty = rows.new_zeros(self.number, *rows.shape[1:])
        # In place, which spares a copy, except where vmap maps the rows and would have to map `empty` with them.
        transformed = torch._C._are_functorch_transforms_active()
        return (torch.Tensor.index_copy if transformed else torch.Tensor.index_copy_)(empty, 0, self.index, rows)


@dataclass(frozen=True)
class PackedLayout:
    """Where the steps of a batch lie among packed rows (see `backends.call`), S rows in all.

    time         T, the steps that the padded batch has room for
    batch        B, the sequences, those of length zero included
    batch_sizes  how many sequences are alive at each step
    device       where the rows are
    order        (B,) the sequences in falling length; None where they already stand so
    batch_first  whether padded tensors are (B, T, ·) rather than (T, B, ·)
    single       whether the user's tensors have no batch dimension
    packed       the PackedSequence that came in, if one did
    """

    time: int
    batch: int
    batch_sizes: tuple[int, ...]
    device: torch.device
    order: Tensor | None = None
    batch_first: bool = False
    single: bool = False
    packed: PackedSequence | None = None

    @property
    def full(self) -> bool:
        """Whether every sequence has all T steps, in the order in which they stand."""
        return self.order is None and self.batch_sizes == (self.batch,) * self.time

    @cached_property
    def index(self) -> Tensor:
        """(S,) the place of each row in the padded batch, flattened over time and batch."""
        # Found on the CPU: a GPU would be waited for, and tensors without numbers have none to look at.
        step, sequence = (1, self.time) if self.batch_first else (self.batch, 1)
        t, b = steps_and_sequences(self.batch_sizes)
        t *= step
        if self.order is None:
            return torch.from_numpy(t + b * sequence).to(self.device)
        return (self.order * sequence)[torch.from_numpy(b)] + torch.from_numpy(t).to(self.device)

    @cached_property
    def inverse(self) -> Tensor | None:
        """(B,) the place of each sequence in `order`."""
        return None if self.order is None else self.order.argsort()

    @cached_property
    def row_index(self) -> RowIndex | None:
        """Where the packed rows stand among those of `flatten`; None where they are these, in their order."""
        return None if self.full else RowIndex(self.index, self.time * self.batch)

    @property
    def inner(self) -> RowIndex | None:
        """The same among the rows that a layer is given and gives: those of a PackedSequence are packed."""
        return self.row_index if self.packed is None else None

    @property
    def steps(self) -> tuple[int]:
        """(S,)."""
        return (sum(self.batch_sizes),)

    def flatten(self, padded: Tensor) -> Tensor:
        """(T, B, *) or, batch first, (B, T, *) -> (T·B, *)."""
        # A copy, where a full batch is batch first: kernels take longer to read and write rows T apart.
        return (padded.transpose(0, 1) if self.full and self.batch_first else padded).flatten(0, 1)

    def unflatten(self, rows: Tensor) -> Tensor:
        """The inverse of `flatten`; one sequence alone: (T, *)."""
        if self.single:
            return rows
        if self.full or not self.batch_first:
            padded = rows.view(self.time, self.batch, *rows.shape[1:])
            return padded.transpose(0, 1) if self.batch_first else padded
        return rows.view(self.batch, self.time, *rows.shape[1:])

    def pack(self, padded: Tensor) -> Tensor:
        """(T, B, *) or, batch first, (B, T, *) -> (S, *)."""
        rows = self.flatten(padded)
        return rows if self.row_index is None else self.row_index.gather(rows)

    def pad(self, rows: Tensor) -> Tensor:
        """(S, *) -> (T, B, *) or, batch first, (B, T, *); zero beyond each length. One sequence alone: (T, *)."""
        return self.unflatten(rows if self.row_index is None else self.row_index.scatter(rows))

    def reset_masks(self, reset: Tensor) -> tuple[Tensor, Tensor]:
        """Where each direction begins anew, (S,) bool each, of a mask that lies as the user's input does.

        reset[t] parts step t from step t − 1. Forward, step t begins anew; in reverse, step t − 1 does.
        """
        forward = self.pack(reset[:, None] if self.single else reset)
        within = self.pad(forward)  # False beyond each length, so that nothing there parts a last step from its start
        steps = within.transpose(0, 1) if self.batch_first else within
        later = torch.cat([steps[1:], torch.zeros_like(steps[:1])])
        later = later.transpose(0, 1) if self.batch_first else later
        return forward, self.pack(later[:, None] if self.single else later)

    def leave(self, rows: Tensor) -> Tensor | PackedSequence:
        """Rows as those of `flatten`, or of a PackedSequence -> the kind of sequence that came in."""
        if self.packed is None:
            return self.unflatten(rows)
        return PackedSequence(rows, self.packed.batch_sizes, self.packed.sorted_indices, self.packed.unsorted_indices)

    def sort(self, state: Tensor) -> Tensor:
        """(·, B, *) -> the same, sequences in falling length."""
        return state if self.order is None else state.index_select(1, self.order)

    def unsort(self, state: Tensor) -> Tensor:
        """(·, B, *) in falling length -> the same, sequences as they came."""
        return state if self.inverse is None else state.index_select(1, self.inverse)


@dataclass(frozen=True)
class PaddedLayout:
    """The layout of a batch in a program that torch.compile or torch.export writes down; otherwise as `PackedLayout`.

    Rows stay padded, (T, B, ·), and in the user's order: how many there are is known only when the program runs.
    """

    time: int
    batch: int
    device: torch.device
    lengths: Tensor | None
    batch_first: bool = False
    single: bool = False
    batch_sizes: tuple[int, ...] = ()

    def pack(self, padded: Tensor) -> Tensor:
        """(T, B, *) or, batch first, (B, T, *) -> (T, B, *); of one sequence alone, (T, *) -> (T, 1, *)."""
        if self.single:
            return padded[:, None]
        return padded.transpose(0, 1) if self.batch_first else padded

    def pad(self, rows: Tensor) -> Tensor:
        """The inverse of `pack`."""
        if self.single:
            return rows.squeeze(1)
        return rows.transpose(0, 1) if self.batch_first else rows

    flatten, leave = pack, pad  # no PackedSequence comes in
    inner = None

    @property
    def steps(self) -> tuple[int, int]:
        """(T, B)."""
        return self.time, self.batch

    def reset_masks(self, reset: Tensor) -> tuple[Tensor]:
        """The mask (T, B), of which the operator makes each direction's."""
        return (self.pack(reset),)

    def sort(self, state: Tensor) -> Tensor:
        """(·, B, *) as it is."""
        return state

    unsort = sort


Layout = PackedLayout | PaddedLayout


def steps_and_sequences(batch_sizes: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each packed row (S,) its step, and which of the sequences, in falling length, it is of."""
    sizes = np.array(batch_sizes, np.int64)
    steps = np.repeat(np.arange(len(sizes)), sizes)
    return steps, np.arange(len(steps)) - np.repeat(sizes.cumsum() - sizes, sizes)


def as_lengths(who: str, lengths: Lengths, batch: int) -> Tensor:
    """`lengths` as a tensor (B,), where they are; `who` names the layer in errors.

    Raises TypeError for what is not whole numbers, RuntimeError for a wrong shape.
    """
    try:
        given = lengths if isinstance(lengths, Tensor) else torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError):  # torch's words for what is no array of numbers
        raise TypeError(f"{who}: lengths are {lengths!r:.60}; expected whole numbers, one a sequence") from None
    if not isinstance(lengths, Tensor) and given.numel() == 0:
        given = given.long()  # an empty list has no type of its own
    if given.dtype.is_floating_point or given.dtype.is_complex or given.dtype == torch.bool:
        advice = "of a mask, pass mask.sum over time" if given.dtype == torch.bool else "convert them: lengths.long()"
        raise TypeError(f"{who}: lengths are {given.dtype}; expected whole numbers, one a sequence; {advice}")
    if given.shape != (batch,):
        raise RuntimeError(
            f"{who}: lengths have shape {tuple(given.shape)}; expected (batch,) = ({batch},), one a sequence"
        )
    return given


def check_range(who: str, lengths: Sequence[int], time: int) -> None:
    """Raise ValueError for a length that is not in 0 … `time`."""
    if lengths and not 0 <= min(lengths) <= max(lengths) <= time:
        row, wrong = next((k, n) for k, n in enumerate(lengths) if not 0 <= n <= time)
        raise ValueError(f"{who}: lengths[{row}] is {wrong}; expected 0 … {time}, the steps that input has room for")


def ragged(
    who: str, lengths: Tensor, time: int, batch: int, device: torch.device, batch_first: bool = False
) -> PackedLayout:
    """The layout of sequences of these lengths, (B,) whole numbers.

    Raises ValueError for a length that is not in 0 … `time`.
    """
    if torch._C._functorch.is_batchedtensor(lengths):
        raise RuntimeError(
            f"{who}: lengths differ from sample to sample of torch.vmap, where no step may depend on them; expected "
            "lengths that all samples share (in_dims None), or a call for each sample"
        )
    given = lengths.tolist()
    check_range(who, given, time)
    if time and min(given, default=time) == time:
        return PackedLayout(time, batch, (batch,) * time, device, batch_first=batch_first)
    # In numpy, which takes a third of torch's time for so few numbers; torch.func's tensors have no memory to share.
    rising = -np.array(given, np.int64)
    order = rising.argsort(kind="stable")
    rising = rising[order]
    steps = np.arange(-rising[0] if batch else 0)
    alive = np.searchsorted(rising, -steps)  # how many lengths exceed t
    return PackedLayout(time, batch, tuple(alive.tolist()), device, torch.from_numpy(order).to(device), batch_first)
