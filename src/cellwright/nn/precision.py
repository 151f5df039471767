"""What layers and single steps have in common of precision: how their kernels multiply, and what autocast gives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellwright.backends.precision import arithmetic_of, autocast_to_bfloat16
from cellwright.cells import Definition

_RNN = ("rnn", "rnn-relu")


class HasPrecision(nn.Module):
    """A module whose kernels multiply as it says."""

    _matmul_precision: str | None = None

    @property
    def matmul_precision(self) -> str | None:
        """How kernels multiply: a word of `cellwright.use_matmul_precision`; None as what is around the call says."""
        return self._matmul_precision

    @matmul_precision.setter
    def matmul_precision(self, word: str | None) -> None:
        if word is not None:
            arithmetic_of(type(self).__name__, word)
        self._matmul_precision = word


# --- the types of results within autocast ---------------------------------------------------------------
def leave_layer(
    cell: Definition, rows: Tensor, states: Sequence[Tensor], begin: torch.dtype, *, packed: bool, projects: bool
) -> tuple[Tensor, list[Tensor]]:
    """A layer's outputs and final states in the types that torch.nn's have within autocast to bfloat16.

    There the RNN's are bfloat16, and so are the LSTM's of tensors, which oneDNN computes. A projection is a product,
    which autocast makes bfloat16. All others, those of the other cells too, are of the type that the states had
    before the first step, `begin`.
    """
    if not _lowers(rows):
        return rows, list(states)
    lowered = cell.name in _RNN or begin == torch.bfloat16 or (cell.name == "lstm" and not (packed or projects))
    names = zip(cell.states, states, strict=True)
    after = [s.bfloat16() if lowered or (projects and name == cell.recurrent_state) else s for name, s in names]
    return rows.bfloat16() if lowered or projects else rows, after


def leave_step(cell: Definition, states: Sequence[Tensor], begin: torch.dtype) -> list[Tensor]:
    """The states after a single step, likewise: of torch.nn's cells, the LSTM's have the type of those before it."""
    lowered = states and _lowers(states[0]) and (cell.name in _RNN or begin == torch.bfloat16)
    return [s.bfloat16() if lowered else s for s in states]


def _lowers(computed: Tensor) -> bool:
    return computed.is_cpu and computed.dtype == torch.float32 and autocast_to_bfloat16()
