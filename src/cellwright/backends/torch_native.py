"""torch's own kernels for the cells of torch.nn: on a GPU, where nothing can be compiled, and for small calls.

They know no resets. But what begins anew is a sequence of its own, so that a batch with resets is one of more and
shorter sequences without, each direction for itself:

    step        0  1  2  3  4
    sequence    a  a  a  a  a     a reset at step 3
    computed    a  a  a  b  b     a from the state, b from `fresh`; the state at the end is b's
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import dropout as drop

from cellwright.backends import bounds
from cellwright.backends.call import Call, Result, Weights, on_packed_rows, recorded_gradients
from cellwright.backends.surroundings import transformed
from cellwright.cells import CELLS, Definition
from cellwright.packing import steps_and_sequences

_KERNELS: dict[str, Any] = {
    "lstm": torch._VF.lstm,
    "gru": torch._VF.gru,
    "rnn": torch._VF.rnn_tanh,
    "rnn-relu": torch._VF.rnn_relu,
}
STEPS: dict[str, Any] = {  # of rows (B, I), states and weights: the states after (B, H), a tuple or one alone
    "lstm": torch._VF.lstm_cell,
    "gru": torch._VF.gru_cell,
    "rnn": torch._VF.rnn_tanh_cell,
    "rnn-relu": torch._VF.rnn_relu_cell,
}

_STANDARD = {id(CELLS[name]) for name in _KERNELS}


def standard(cell: Definition) -> bool:
    """Whether torch has kernels for the cell."""
    return id(cell) in _STANDARD


def obstacle(call: Call) -> str | None:
    """Why torch's own kernels cannot compute the call, or None."""
    if not call.hidden:
        return "there is no unit to compute"
    return unknown(call) or transformed() or (short_of_threads(call) if call.rows.is_cpu else None)


def unknown(call: Call) -> str | None:
    """What the call asks for that torch's kernels do not know, whatever its sizes, or None."""
    if not standard(call.cell):
        return f"torch has no kernel for the cell {call.cell.name}"
    if call.weights[0].projection is not None and call.cell.name != "lstm":
        return f"torch projects the state of the lstm only, not that of {call.cell.name}"
    if call.streams:
        return "torch's kernels know no masks"
    if call.record:
        return "torch's kernels do not show their gates"
    return None


def short_of_threads(call: Call) -> str | None:
    """Why torch's kernel would compute something else on a CPU, or None."""
    found = threads_may_be_missing(call.cell.name, call.rows.dtype)
    if found is None:
        return None
    if call.weights[0].projection is not None or call.batch_sizes[:1] != call.batch_sizes[-1:]:
        return None
    setting = "OMP_DYNAMIC" if found.dynamic else f"OMP_THREAD_LIMIT={found.most}"
    threads = torch.get_num_threads()
    return (
        f"torch's own lstm is wrong where OpenMP may give fewer than its {threads} threads ({setting}), but in no_grad"
    )


class Limits(NamedTuple):
    """Of OpenMP: the most threads that it gives, and whether it may give fewer when it likes."""

    most: int
    dynamic: bool


def threads_may_be_missing(cell: str, dtype: torch.dtype) -> Limits | None:
    """The limits by which oneDNN's LSTM of padded rows is wrong, which counts on all of PyTorch's threads to come.

    It does where gradients are recorded, also of what wants none: of a step that fewer threads compute, outputs and
    gradients are wrong, without a word (findings/onednn_lstm_thread_limit.sh).
    """
    found = limits()
    if found is None or cell != "lstm" or dtype != torch.float32 or not torch.is_grad_enabled():
        return None
    threads = torch.get_num_threads()
    return found if threads > 1 and (found.dynamic or threads > found.most) else None


@functools.cache
def limits() -> Limits | None:
    """What OpenMP was told at its start, or None where it gives what it is asked for."""
    limit = os.environ.get("OMP_THREAD_LIMIT", "").strip()
    most = int(limit) if limit.isdecimal() and int(limit) else sys.maxsize
    dynamic = os.environ.get("OMP_DYNAMIC", "").strip().lower() in ("true", "1", "yes")
    return Limits(most, dynamic) if dynamic or most < sys.maxsize else None


@on_packed_rows
def run(call: Call) -> Result:
    """Compute the call, which records nothing."""
    letters: list[dict[str, Tensor]] = [{} for _ in call.weights]
    if call.resets is None:
        return Result(*_run(call.cell.name, call.rows, call.batch_sizes, call.state, call.weights), letters)
    found = [_run_cut(call, d, reset) for d, reset in enumerate(call.resets)]
    states = zip(*(state for _, state in found), strict=True)
    return Result(torch.cat([rows for rows, _ in found], -1), tuple(torch.cat(each) for each in states), letters)


def gradients(call: Call, d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool) -> list[Tensor | None]:
    """As `dispatch.gradients`; that of the rows is there in any case."""
    return recorded_gradients(run, call, (d_rows, *d_state))


def padded(call: Call) -> Result:
    """The call of rows (T, B, I) without padding, to outputs (T, B, D·P): one operation, whatever the sizes."""
    layers, flat = TorchLayers.of(call.cell.name, call.weights), [w for one in call.weights for w in one.flat]
    outputs, end = layers.whole(call.rows, call.state, flat, trains=True)
    return Result(outputs, tuple(end), [{} for _ in call.weights])


def _run(
    cell: str, rows: Tensor, batch_sizes: Sequence[int], state: Sequence[Tensor], weights: Sequence[Weights]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    alive, batch = batch_sizes[0], state[0].shape[1]
    layers = TorchLayers.of(cell, weights)
    begin = [s[:, :alive].contiguous() for s in state]
    outputs, final = layers.run(rows, batch_sizes, begin, [w for one in weights for w in one.flat])
    if alive < batch:  # sequences of no step keep their state
        final = [torch.cat([f, s[:, alive:]], 1) for f, s in zip(final, state, strict=True)]
    return outputs, tuple(final)


# --- layers, one on top of the other -------------------------------------------------------------------
class TorchLayers(NamedTuple):
    """Layers of a standard cell as torch's kernels take them.

    `dropout` is the share of each layer's outputs, the last one's aside, that is dropped; 0 where none is to be.
    """

    cell: str
    layers: int
    bias: bool
    both: bool  # directions
    projects: bool
    dropout: float = 0.0

    @classmethod
    def of(cls, cell: str, weights: Sequence[Weights]) -> TorchLayers:
        """One layer, with its weights a direction."""
        first = weights[0]
        return cls(cell, 1, first.input_bias is not None, len(weights) == 2, first.projection is not None)

    def run(
        self, rows: Tensor, batch_sizes: Sequence[int], state: Sequence[Tensor], weights: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Outputs (S, D·P) of packed rows (S, I), and the states (L·D, B, ·); weights in torch.nn's order."""
        if batch_sizes[-1] == batch_sizes[0]:  # nothing is ragged: the padded kernel, which is the faster one
            x = rows.view(len(batch_sizes), batch_sizes[0], rows.shape[-1])
            outputs, end = self.padded(x, state, weights)
            return outputs.flatten(0, 1), end
        return self.whole(rows, state, weights, batch_sizes=torch.tensor(batch_sizes))

    def padded(
        self, x: Tensor, state: Sequence[Tensor], weights: list[Tensor], *, batch_first: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """The same of x (T, B, I), batch first (B, T, I): outputs (T, B, D·P), or (B, T, D·P)."""
        time = 1 if batch_first else 0
        if x.shape[time] == 1 and bounds.stepping_is_faster(self.cell) and not (self.both or self.projects):
            return self._single(x.squeeze(time), state, weights, time)
        return self.whole(x, state, weights, batch_first=batch_first)

    def whole(
        self,
        rows: Tensor,
        state: Sequence[Tensor],
        weights: list[Tensor],
        *,
        batch_sizes: Tensor | None = None,
        trains: bool | None = None,
        batch_first: bool = False,
    ) -> tuple[Tensor, list[Tensor]]:
        """The same by one operation: of padded rows, of one step too, or of packed ones (S, I).

        batch_sizes: of packed rows, (T,) int64, on the CPU
        trains: what the kernel is told; None as the dropout, and what is around the call, have it
        """
        cell, layers, bias, both, _, dropout = self
        if trains is None:
            trains = dropout > 0 or torch.is_grad_enabled()
        options = (state if len(state) > 1 else state[0], weights, bias, layers, dropout, trains, both)
        if batch_sizes is None:
            outputs, *end = _KERNELS[cell](rows, *options, batch_first)
        else:
            outputs, *end = _KERNELS[cell](rows, batch_sizes, *options)
        return outputs, end

    def _single(
        self, rows: Tensor, state: Sequence[Tensor], weights: list[Tensor], time: int
    ) -> tuple[Tensor, list[Tensor]]:
        """One step by the kernel of single steps; `time` is the dimension of the steps in the outputs."""
        each, ends = len(weights) // self.layers, []
        for k in range(self.layers):
            if k and self.dropout:
                rows = drop(rows, self.dropout)
            before = [s[k] for s in state]
            hx = before if len(before) > 1 else before[0]
            new = STEPS[self.cell](rows, hx, *weights[each * k : each * (k + 1)])
            ends.append(new if isinstance(new, tuple) else (new,))
            rows = ends[-1][0]
        # Copies, since a user may write into what he is given, and the kernel's gradient reads what it gave.
        return torch.stack((rows,), time), [torch.stack(s) for s in zip(*ends, strict=True)]


# --- resets ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Cut:
    """A batch of which each run of steps from one reset to the next is a sequence, in falling length.

    rows         (S,) which of the packed rows each of the new ones is
    batch_sizes  how many of the new sequences are alive at each step
    sequences    (N,) the sequence that each new one is of
    anew         (N,) bool: whether it begins from `fresh`
    last         (B',) which new one each sequence with a step ends with
    """

    rows: Tensor
    batch_sizes: list[int]
    sequences: Tensor
    anew: Tensor
    last: Tensor


def cut(batch_sizes: Sequence[int], reset: Tensor, *, reverse: bool) -> Cut:
    """Cut the sequences of a batch where `reset` (S,) has a row begin anew, in the order of a direction's steps."""
    steps, sequences = steps_and_sequences(batch_sizes)
    along = np.lexsort((-steps if reverse else steps, sequences))  # one sequence after another, as they are read
    sequences, begins = sequences[along], reset.cpu().numpy()[along]
    starts = np.flatnonzero(begins | (np.diff(sequences, prepend=-1) > 0))
    lengths = np.diff(starts, append=len(along))
    order = np.argsort(-lengths, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    place = np.arange(len(along)) - np.repeat(starts, lengths)
    packed = np.lexsort((np.repeat(rank, lengths), place))
    ends = np.flatnonzero(np.diff(sequences[starts], append=batch_sizes[0]) > 0)
    found = (along[packed], sequences[starts][order], begins[starts][order], rank[ends])
    rows, owners, anew, last = (torch.from_numpy(each).to(reset.device) for each in found)
    return Cut(rows, np.bincount(place).tolist(), owners, anew, last)


def _run_cut(call: Call, d: int, reset: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Direction `d` alone, forward along its own order of steps: outputs (S, P) and one (1, B, ·) a state."""
    parts = cut(call.batch_sizes, reset, reverse=d == 1)
    before = [s[d : d + 1] for s in call.state]
    fresh = [torch.zeros_like(s) for s in before] if call.fresh is None else [f[d : d + 1] for f in call.fresh]
    begin = [
        torch.where(parts.anew[:, None], f[:, parts.sequences], s[:, parts.sequences])
        for f, s in zip(fresh, before, strict=True)
    ]
    outputs, final = _run(call.cell.name, call.rows[parts.rows], parts.batch_sizes, begin, [call.weights[d]])
    alive = call.batch_sizes[0]
    after = [torch.cat([f[:, parts.last], s[:, alive:]], 1) for f, s in zip(final, before, strict=True)]
    return outputs.new_empty(outputs.shape).index_copy(0, parts.rows, outputs), after
