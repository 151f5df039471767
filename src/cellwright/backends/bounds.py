"""Below which size of a call the kernels do not pay: the one place that holds these bounds.

A call of the kernels packs the weights and runs some 0.1 ms of Python, with gradients 0.3. torch's own kernel of a
standard cell packs nothing, nor does the reference, a loop of torch's operations: small calls are theirs.

The bounds were read off the processor time of both, one thread, at T 1 to 100, B 1 to 64 and H 16 to 512, on an Intel
Xeon with AVX-512 and AMX; those of the padded LSTM by the clock, too, with two threads. `python benchmarks/floor.py`
shows what they come to on a machine. Where both take about as long, the bound is on the side of torch's kernel, so that
nothing is slower than torch.nn.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from cellwright.backends.precision import Arithmetic


class Size(NamedTuple):
    """How large a call is.

    steps     T, of the longest sequence
    batch     B, the sequences that have a step
    rows      S, the steps of all sequences together
    hidden    H
    trains    whether gradients are wanted
    """

    steps: int
    batch: int
    rows: int
    hidden: int
    trains: bool

    @classmethod
    def of(cls, batch_sizes: Sequence[int], hidden: int, trains: bool) -> Size:
        """The size of a call whose steps have so many sequences each, falling."""
        return cls(len(batch_sizes), batch_sizes[0], sum(batch_sizes), hidden, trains)

    def __str__(self) -> str:
        return f"T = {self.steps}, B = {self.batch}, H = {self.hidden}"

    @property
    def ragged(self) -> bool:
        """Whether some sequence has fewer steps than the longest."""
        return self.rows < self.steps * self.batch


_SIZES = 4096  # that are remembered: no Python is run for what was met before, which the shortest calls feel

size = functools.lru_cache(_SIZES)(Size)

# torch computes a step at a time, each of several operations: ours is faster from so many on, (inference, training,
# inference of FEW sequences of many units, for which packing the weights is much of the work).
_PADDED = {"gru": (14, 6, 22), "rnn": (40, 20, 46), "rnn-relu": (40, 20, 46)}
_RAGGED = {"lstm": (18, 5, 24), "gru": (14, 5, 24), "rnn": (36, 14, 42), "rnn-relu": (36, 14, 42)}

# The padded LSTM is oneDNN's, fused over time as ours is, and lasts longer: up to so many S · H² (inference, training),
# by what our kernels multiply in, oneDNN's in float32 anyway.
# Tiles of three products are no faster for few.
_FUSED_WORK = {
    "float32": (1 << 26, 1 << 25),
    "bf16x6": (1 << 26, 1 << 25),
    "bf16x3": (1 << 23, 1 << 24),
    "bf16": (1 << 22, 1 << 22),
}
# But of large weights it reads and packs more: few sequences of LARGE units are ours after so many steps, and of twice
# as many units all that trains. Of those units, which no second cache holds, more than few sequences are never ours in
# inference: two threads of oneDNN's stay at 1.05 to 1.2 times the speed of two of ours, one at 1.0.
_LARGE, _FEW = 256, 4
_LARGE_STEPS, _TWICE_AS_LARGE_STEPS = (64, 16), (12, 4)
_DOZEN = 12  # steps, of few sequences of LARGE units in fewer bits
_LEAST_WORK = min(min(each) for each in _FUSED_WORK.values())

# torch's kernel of padded rows, on packed ones of which none is ragged, gains a step's operations on all sequences at
# once where gradients are wanted; a view of the rows before it and one after cost some 10 µs of their own.
_VIEWED_BATCH, _VIEWED_ROWS = 4, 64

# The reference's one step of so many sequences takes as long as to pack the weights and to run the kernels.
_REFERENCE_BATCH = 128


_lifted: ContextVar[bool] = ContextVar("cellwright_bounds_lifted", default=False)


@contextmanager
def kernels_of_any_size() -> Iterator[None]:
    """Within the block no call is too small for the kernels, where `use_backend` asks for no backend."""
    token = _lifted.set(True)
    try:
        yield
    finally:
        _lifted.reset(token)


lifted = _lifted.get  # whether no call is too small


@functools.lru_cache(_SIZES)
def fewer_bits_matter(cell: str, size: Size) -> bool:
    """Whether kernels that multiply in less than float32 may be the faster, where those in float32 are not."""
    if cell != "lstm" or size.steps == 1 or size.ragged:  # of which no bound goes by the arithmetic
        return False
    return size.hidden >= _LARGE or size.rows * size.hidden**2 >= _LEAST_WORK


@functools.lru_cache(_SIZES)
def torch_is_faster(cell: str, size: Size, arithmetic: Arithmetic = "float32") -> bool:
    """Whether torch's own kernel of the standard cell takes less time than ours that multiply so, or about as much."""
    if size.steps == 1:
        return True
    if size.ragged or cell != "lstm":
        return size.steps < _least_steps(cell, size)
    few, full = size.batch <= _FEW, arithmetic in ("float32", "bf16x6")
    if size.hidden >= 2 * _LARGE:
        return full and (size.steps < _TWICE_AS_LARGE_STEPS[size.trains] or not (few or size.trains))
    if size.hidden >= _LARGE and few and arithmetic != "bf16x3":
        return size.steps < (_LARGE_STEPS[size.trains] if full else _DOZEN)
    return size.rows * size.hidden**2 < _FUSED_WORK[arithmetic][size.trains]


@functools.lru_cache(_SIZES)
def torch_is_faster_anyway(cell: str, size: Size) -> bool:
    """Whether it does whatever ours may multiply in."""
    return torch_is_faster(cell, size) and not fewer_bits_matter(cell, size)


def _least_steps(cell: str, size: Size) -> int:
    """From how many on the kernels pay where torch computes one at a time."""
    least = (_RAGGED if size.ragged else _PADDED)[cell]
    many = _LARGE // 2 if size.ragged else _LARGE
    return least[2 if size.batch <= _FEW and size.hidden >= many and not size.trains else size.trains]


def stepping_is_faster(cell: str) -> bool:
    """Whether torch's kernel of single steps is faster at one step of a layer: of the LSTM it takes half to a ninth."""
    return cell == "lstm"


@functools.lru_cache(_SIZES)
def viewing_is_faster(cell: str, size: Size) -> bool:
    """Whether torch's kernel of padded rows, by views, takes less time than that of packed ones, none being ragged."""
    if size.ragged:
        return False
    if size.steps == 1:
        return stepping_is_faster(cell)  # as padded rows go to it
    return size.trains and size.batch >= _VIEWED_BATCH and size.rows >= _VIEWED_ROWS


def reference_is_faster(size: Size) -> bool:
    """Whether the reference takes less time than the kernels: one step, as in a loop."""
    return size.steps == 1 and size.batch < _REFERENCE_BATCH
