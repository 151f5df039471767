"""How a framework writes a cell's weights, and what they are in torch.nn's names and order.

    weight_ih  (G·H, I)     weight_hh  (G·H, P)     bias_ih, bias_hh  (G·H,)     weight_hr  (P, H)

where G gates, I inputs, H hidden, P the projected size or H.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellwright import cells
from cellwright.errors import InputError

Array = NDArray[np.floating]
Parameters = dict[str, Array]
"""Of one direction of one layer, by torch.nn's names without `_l0`, the cell's own among them."""


@dataclass(frozen=True)
class Written:
    """What a framework holds of one direction of one layer, in its own order of gates.

    input           what multiplies x: (G·H, I), or (I, G·H) where the framework transposes
    recurrent       what multiplies h: (G·H, P), or (P, G·H)
    bias            (G·H,), or None where there is none
    recurrent_bias  (G·H,), the second bias of those that have two
    projection      (P, H)
    own             the cell's own parameters, (H,) each, by their names
    """

    input: Array
    recurrent: Array
    bias: Array | None = None
    recurrent_bias: Array | None = None
    projection: Array | None = None
    own: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Convention:
    """A row of a framework's table.

    cell        ours with the same equations
    gates       the framework's order, in the letters of our cell
    transposed  whether its matrices stand on the right of x and h, as (I, G·H) and (H, G·H)
    forget      what its step adds to the forget gate beside the bias
    negated     the gates that are one less ours: σ(−a) = 1 − σ(a), so their rows have the other sign
    """

    cell: str
    gates: str
    transposed: bool = False
    forget: float = 0.0
    negated: str = ""

    def read(self, who: str, written: Written) -> Parameters:
        """The same in torch.nn's names, shapes and order; `who` names the importer in errors.

        Raises InputError where the shapes are not those of the cell.
        """
        matrices = (written.input, written.recurrent)
        if any(each.ndim != 2 for each in matrices):
            raise InputError(f"{who}: a weight has shape {_odd(matrices)}; expected matrices, one for x and one for h")
        input, recurrent = (each.T for each in matrices) if self.transposed else matrices
        hidden = self._hidden(who, input, recurrent, written)
        found = {"weight_ih": self._ordered(input, hidden), "weight_hh": self._ordered(recurrent, hidden)}
        biases = (written.bias, written.recurrent_bias)
        if any(each is not None for each in biases) or self.forget:
            zero = np.zeros(input.shape[0], input.dtype)
            for name, each in zip(("bias_ih", "bias_hh"), biases, strict=True):
                each = zero if each is None else each
                self._check(who, name, each, (input.shape[0],), f"{len(self.gates)}·H")
                found[name] = self._ordered(each, hidden)
        if self.forget:
            start = cells.CELLS[self.cell].projections.index("f") * hidden
            found["bias_ih"][start : start + hidden] += self.forget
        for name, each in written.own.items():
            self._check(who, name, each, (hidden,), "H")
        if written.projection is not None:
            found["weight_hr"] = np.ascontiguousarray(written.projection)
        return found | {name: np.array(each) for name, each in written.own.items()}

    def write(self, parameters: Mapping[str, Array]) -> Written:
        """What the framework holds for parameters in torch.nn's order, the way back of `read`."""
        assert not self.forget, "what a step adds to the forget gate would have to be taken off its bias"
        hidden = parameters["weight_ih"].shape[0] // len(self.gates)
        back = [cells.CELLS[self.cell].projections.index(letter) for letter in self.gates]

        def ordered(name: str) -> Array | None:
            if name not in parameters:
                return None
            shape = parameters[name].shape
            blocks = (parameters[name].reshape(len(self.gates), hidden, *shape[1:]) * self._signs(parameters[name]))[
                back
            ]
            rows = np.ascontiguousarray(blocks.reshape(parameters[name].shape))
            return np.ascontiguousarray(rows.T) if self.transposed else rows

        input, recurrent = ordered("weight_ih"), ordered("weight_hh")
        assert input is not None
        assert recurrent is not None
        return Written(input, recurrent, ordered("bias_ih"), ordered("bias_hh"))

    def _hidden(self, who: str, input: Array, recurrent: Array, written: Written) -> int:
        """H; raises InputError where the matrices are not those of one cell."""
        gates = len(self.gates)
        hidden, remainder = divmod(int(recurrent.shape[0]), gates)
        outputs = hidden if written.projection is None else written.projection.shape[0]
        if remainder or recurrent.shape[1] != outputs:
            raise InputError(
                f"{who}: the weights of h have shape {written.recurrent.shape}; expected {self._shape('H')} of "
                f"the cell {self.cell}"
            )
        if input.shape[0] != recurrent.shape[0]:
            raise InputError(
                f"{who}: the weights of x have shape {written.input.shape}; expected {self._shape('I')} with H = "
                f"{hidden}"
            )
        if written.projection is not None:
            self._check(who, "the projection", written.projection, (outputs, hidden), "P, H")
        return hidden

    def _shape(self, last: str) -> str:
        rows = f"{len(self.gates)}·H" if len(self.gates) > 1 else "H"
        return f"({last}, {rows})" if self.transposed else f"({rows}, {last})"

    def _check(self, who: str, name: str, array: Array, shape: tuple[int, ...], axes: str) -> None:
        if array.shape != shape:
            raise InputError(f"{who}: {name} has shape {array.shape}; expected ({axes}) = {shape}")

    def _ordered(self, rows: Array, hidden: int) -> Array:
        """Blocks of H rows in our order of gates."""
        blocks = rows.reshape(len(self.gates), hidden, *rows.shape[1:])
        ours = [self.gates.index(letter) for letter in cells.CELLS[self.cell].projections]
        return np.ascontiguousarray((blocks[ours] * self._signs(rows)).reshape(rows.shape))

    def _signs(self, rows: Array) -> Array:
        """1 or −1 for each block of H rows in our order of gates."""
        signs = [-1 if letter in self.negated else 1 for letter in cells.CELLS[self.cell].projections]
        return np.array(signs, rows.dtype).reshape(-1, *[1] * rows.ndim)


def _odd(matrices: tuple[Array, ...]) -> tuple[int, ...]:
    return next(each.shape for each in matrices if each.ndim != 2)
