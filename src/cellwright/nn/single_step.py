"""Single steps: torch.nn.LSTMCell, GRUCell and RNNCell, and one for any cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from cellwright import cells
from cellwright.backends import custom_op, dispatch
from cellwright.backends.call import Call
from cellwright.backends.precision import decide
from cellwright.cells import Definition
from cellwright.nn import checks, direct, symbolic, weights
from cellwright.nn.layers import rnn_cell
from cellwright.nn.precision import HasPrecision, leave_step
from cellwright.nn.quantization import LeftInFloat
from cellwright.nn.states import State


class RecurrentCell(HasPrecision, LeftInFloat):
    """One step of a cell: torch.nn.LSTMCell for any of them.

    Arguments, parameter names and shapes, initial values, call and errors are torch.nn.LSTMCell's. The new state is a
    tensor for a cell with one state, else a plain tuple in the order of the cell's letters.

    Args:
        cell: Its name, or a definition made with `cellwright.cell`.
        input_size: I, the features of a step.
        hidden_size: H, the units.
        bias: Whether there are biases, for cells that have them.
        device: Of the parameters.
        dtype: Of the parameters.
        matmul_precision: How kernels multiply, as in `Recurrent`; few single steps are theirs.

    Raises:
        RuntimeError: A size is below 0.
        InputError: There is no cell of that name.
        ValueError: There is no such precision.

    Examples:
        >>> step, state = RecurrentCell("lstm", 8, 16), None
        >>> for x in torch.randn(5, 3, 8):  # T, B, I
        ...     h, c = state = step(x, state)
        >>> h.shape
        torch.Size([3, 16])

    """

    def __init__(
        self,
        cell: str | Definition,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        matmul_precision: str | None = None,
    ) -> None:
        super().__init__()
        self.cell = cells.get(cell)
        who = type(self).__name__
        checks.no_masks(who, self.cell)
        checks.only_products(who, self.cell)
        self.input_size = checks.whole(who, "input_size", input_size, least=0, error=RuntimeError)  # as torch.nn's do
        self.hidden_size = checks.whole(who, "hidden_size", hidden_size, least=0, error=RuntimeError)
        self.bias = bias
        self.matmul_precision = matmul_precision
        shapes = weights.shapes(self.cell, self.input_size, self.hidden_size, bias and self.cell.bias)
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            if name not in shapes:
                self.register_parameter(name, None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial weights anew: the numbers that torch.nn draws from the same seed."""
        start = {name: float(name in self.cell.ones) for name in self.cell.parameters}
        weights.initialise(self, self.hidden_size, start)

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        cell = [self.cell.name] if type(self).__name__ == "RecurrentCell" else []
        named = [] if self.bias else ["bias=False"]
        named += [f"matmul_precision={self.matmul_precision}"] if self.matmul_precision else []
        return ", ".join([*cell, str(self.input_size), str(self.hidden_size), *named])

    def forward(self, input: Tensor, hx: State | None = None) -> State:
        """input (B, I) or (I,), hx one (B, H) or (H,) a state, zeros where None -> the new state, shaped like hx.

        Raises ValueError for a wrong number of dimensions, RuntimeError for other wrong shapes and for a dtype that
        differs from the weights'.
        """
        new = direct.step(self, input, hx)
        if new is not None:
            return new
        if symbolic.applies(input):
            symbol: State = symbolic.node(self, input, hx)
            return symbol
        who = type(self).__name__
        checks.tensor(who, "input", input)
        if input.dim() not in (1, 2):
            raise ValueError(f"{who}: input has {input.dim()} dimensions; expected (batch, features) or (features,)")
        rows = input if input.dim() == 2 else input[None]
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        named = {name: getattr(self, name, None) for name in names}
        own = {name: getattr(self, name) for name in self.cell.parameters}
        gathered = weights.gather(self.cell, named | own)
        weight = gathered.flat[0]
        checks.rows(who, rows, self.input_size, weight, RuntimeError)
        state = self._enter(hx, input, rows)
        arithmetic = decide(self.matmul_precision, weight.dtype).arithmetic
        call = Call(self.cell, rows, (len(rows),), state, [gathered], arithmetic=arithmetic)
        if custom_op.applies():
            _, after, _ = custom_op.layer(replace(call, rows=rows[None]), None)
        else:
            _, after, _ = dispatch.layer(call)
        found = [s[0] if input.dim() == 2 else s[0, 0] for s in leave_step(self.cell, after, state[0].dtype)]
        return found[0] if len(found) == 1 else tuple(found)

    def _enter(self, hx: State | None, input: Tensor, rows: Tensor) -> list[Tensor]:
        """The state before the step, (1, B, H) each."""
        if hx is None:
            return [rows.new_zeros(1, rows.shape[0], self.hidden_size) for _ in self.cell.states]
        sizes = dict.fromkeys(self.cell.states, self.hidden_size)
        shape, axes = ((input.shape[0],), "batch, hidden") if input.dim() == 2 else ((), "hidden")
        for letter, s in zip(sizes, [hx] if isinstance(hx, Tensor) else hx, strict=False):
            if s.dim() not in (1, 2):
                raise ValueError(
                    f"{type(self).__name__}: {letter}_0 has {s.dim()} dimensions; expected (batch, hidden) or (hidden,)"
                )
        given = checks.state(type(self).__name__, hx, sizes, shape, axes)
        checks.state_type(type(self).__name__, given, rows)
        return [s[None] if input.dim() == 2 else s[None, None] for s in given]


class LSTMCell(RecurrentCell):
    """torch.nn.LSTMCell: `h, c = step(input, (h, c))`; args and errors are those of `RecurrentCell`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        matmul_precision: str | None = None,
    ) -> None:
        super().__init__("lstm", input_size, hidden_size, bias, device, dtype, matmul_precision=matmul_precision)


class GRUCell(RecurrentCell):
    """torch.nn.GRUCell: `h = step(input, h)`; args and errors are those of `RecurrentCell`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        matmul_precision: str | None = None,
    ) -> None:
        super().__init__("gru", input_size, hidden_size, bias, device, dtype, matmul_precision=matmul_precision)


class RNNCell(RecurrentCell):
    """torch.nn.RNNCell: `h = step(input, h)`; args and errors are those of `RecurrentCell`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
        *,
        matmul_precision: str | None = None,
    ) -> None:
        cell = rnn_cell("RNNCell", nonlinearity)
        super().__init__(cell, input_size, hidden_size, bias, device, dtype, matmul_precision=matmul_precision)
        self.nonlinearity = nonlinearity

    def extra_repr(self) -> str:
        """The sizes, and what differs from the defaults."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")
