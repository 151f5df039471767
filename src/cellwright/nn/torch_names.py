"""What code that was written for torch.nn's layers reads of them, beside their arguments and parameters.

All of it is computed from what a layer is now, and can be read only: where torch.nn's layers keep a list of their
weights beside their parameters, which may differ from them, here there is none.
"""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn

from cellwright.cells import Definition
from cellwright.nn import checks
from cellwright.nn.states import State

_MODES = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN_TANH", "rnn-relu": "RNN_RELU"}
_S = TypeVar("_S", Tensor, tuple[Tensor, ...])


class ReadAsTorch(nn.Module):
    """Layers under torch.nn's names; `Stack` says what each attribute is."""

    cell: Definition
    input_size: int
    hidden_size: int
    num_layers: int
    bidirectional: bool
    batch_first: bool
    proj_size: int
    _names: list[dict[str, str]]
    _flat: list[str]

    @property
    def mode(self) -> str:
        """torch.nn's word for the cell: LSTM, GRU, RNN_TANH or RNN_RELU; AttributeError for those that it has not."""
        if self.cell.name not in _MODES:
            raise AttributeError(f"torch.nn has no mode for the cell {self.cell.name}")
        return _MODES[self.cell.name]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer's each direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _all_weights(self) -> list[list[str]]:
        return [list(names.values()) for names in self._names]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat]

    @property
    def _flat_weights_names(self) -> list[str]:
        return list(self._flat)

    def check_forward_args(self, input: Tensor, hidden: State, batch_sizes: Tensor | None) -> None:
        """Check an input (T, B, I), batch first (B, T, I), or the rows (S, I) of a PackedSequence, and a state for it.

        Raises RuntimeError for a wrong shape, ValueError for a type that is not the weights'.
        """
        who, dims = type(self).__name__, 2 if batch_sizes is not None else 3
        if input.dim() != dims:
            raise RuntimeError(f"{who}: input has {input.dim()} dimensions; expected {dims}")
        checks.rows(who, input, self.input_size, getattr(self, self._flat[0]))
        batch = input.shape[0 if self.batch_first else 1] if batch_sizes is None else int(batch_sizes[0])
        recurrent = self.cell.recurrent_state
        outputs = self.proj_size or self.hidden_size
        sizes = {name: outputs if name == recurrent else self.hidden_size for name in self.cell.states}
        stack = self.num_layers * (2 if self.bidirectional else 1)
        checks.state(who, hidden, sizes, (stack, batch), "layers × directions, batch, units")

    def permute_hidden(self, hx: _S, permutation: Tensor | None) -> _S:
        """The state (L·D, B, ·) with its sequences in another order, (B,) whole numbers, or as it is."""
        if permutation is None:
            return hx
        if isinstance(hx, Tensor):
            return hx.index_select(1, permutation)
        return tuple(s.index_select(1, permutation) for s in hx)
