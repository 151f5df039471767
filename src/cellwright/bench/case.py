"""What is computed in a measurement: a layer over a batch, and its tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor, nn

from cellwright import cells
from cellwright.cells import PER_SEQUENCE, PER_STEP
from cellwright.cells.registry import named
from cellwright.nn import Recurrent

TORCH: dict[str, Callable[..., nn.Module]] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "rnn": nn.RNN,
    "rnn-relu": partial(nn.RNN, nonlinearity="relu"),
}
"""The layers of torch.nn by their cells."""


@dataclass(frozen=True)
class Case:
    """One layer of a cell over a batch; as many features as hidden units, or one a unit of each input read as it is.

    cell        its name, or the key of another's
    training    forward, and the gradients of input and weights; else forward alone
    ragged      lengths uniform in T/5 … T, in any order, the longest T; else all T
    precision   how our kernels multiply
    """

    cell: str
    training: bool
    ragged: bool
    time: int
    batch: int
    hidden: int
    directions: int = 1
    precision: str = "highest"

    def __str__(self) -> str:
        mode, kind = "training" if self.training else "inference", "ragged" if self.ragged else "padded"
        precision = "" if self.precision == "highest" else f" {self.precision}"
        return f"{named(self.cell)} {mode} {kind} {self.sizes}{precision}"

    @property
    def sizes(self) -> str:
        """T, B and H, and D where it is 2."""
        return f"T{self.time} B{self.batch} H{self.hidden}" + (" D2" if self.directions == 2 else "")

    @cached_property
    def lengths(self) -> Tensor:
        """(B,) the steps of each sequence."""
        if not self.ragged:
            return torch.full((self.batch,), self.time)
        least, seed = max(1, self.time // 5), torch.Generator().manual_seed(1)
        drawn = torch.randint(least, self.time + 1, (self.batch,), generator=seed)
        drawn[self.batch // 2] = self.time
        return drawn

    @property
    def least_bytes(self) -> int:
        """Memory that input, output, cotangent and weights take at least."""
        gates = len(cells.get(self.cell).projections)
        steps = (3 if self.training else 2) * self.time * self.batch * self.hidden
        return 4 * self.directions * (steps + 2 * gates * self.hidden**2)

    @property
    def operations(self) -> int:
        """Floating-point operations of the matrix products alone, padding not counted; backward takes twice forward."""
        definition = cells.get(self.cell)
        factors = sum(name[:2] in ("x.", "u.") for name in definition.reads)  # each a matrix (H, H)
        forward = 2 * factors * self.hidden**2 * int(self.lengths.sum()) * self.directions
        return 3 * forward if self.training else forward


class Problem:
    """A case's layer and tensors, the same for every rival.

    x           (T, B, I), padding random: who reads it is found out
    inputs      name -> (T, B, H) of those that the cell reads as they are beside W x; None where there are none
    parameters  name -> (T, B, H) or (B, H) of those that come with each call; None where there are none
    lengths     (B,), None where every sequence has T steps
    cotangent   (T, B, D·H) of the output, zero beyond each length
    """

    def __init__(self, case: Case) -> None:
        torch.manual_seed(0)
        self.case = case
        cell = cells.get(case.cell)
        inputs = case.hidden * (1 if cell.multiplies_input else len(cell.inputs))  # as they are, one a unit each
        self.layer = Recurrent(
            cell,
            inputs,
            case.hidden,
            bidirectional=case.directions == 2,
            matmul_precision=case.precision,
        )
        self._calm()
        self.x = torch.randn(case.time, case.batch, inputs, requires_grad=case.training)
        beside = cell.inputs if cell.multiplies_input else ()
        self.inputs = {name: self._given(case.time) for name in beside} or None
        steps = {PER_STEP: (case.time,), PER_SEQUENCE: ()}
        self.parameters = {name: self._given(*steps[kind]) for name, kind in cell.given.items()} or None
        self.lengths = case.lengths if case.ragged else None
        self.inside = (torch.arange(case.time)[:, None] < case.lengths)[..., None]  # (T, B, 1)
        self.cotangent = torch.randn(case.time, case.batch, case.directions * case.hidden) * self.inside

    def _given(self, *steps: int) -> Tensor:
        """One number a unit in [0.1, 1), in which the parameters of process models have a meaning: (…, B, H)."""
        drawn = 0.1 + 0.9 * torch.rand(*steps, self.case.batch, self.case.hidden)
        return drawn.requires_grad_(self.case.training)

    def _calm(self) -> None:
        """Lower the gains of layer normalisation: from 1, where they start, a rounding grows to 100 % in 500 steps."""
        for name, weight in self.layer.named_parameters():
            if name.startswith(self.layer.cell.ones):
                torch.nn.init.constant_(weight, 0.25)

    def double(self, jitter: float = 0.0) -> Problem:
        """The same numbers in float64, those of the input changed by a share of up to `jitter`."""
        other = copy.copy(self)
        other.layer = copy.deepcopy(self.layer).double()
        x = self.x.detach().double()
        other.x = (x * (1 + jitter * (2 * torch.rand_like(x) - 1))).requires_grad_(self.case.training)
        other.inputs, other.parameters = self._doubled(self.inputs), self._doubled(self.parameters)
        other.cotangent = self.cotangent.double()
        return other

    def _doubled(self, given: dict[str, Tensor] | None) -> dict[str, Tensor] | None:
        doubled = {name: value.detach().double() for name, value in (given or {}).items()}
        return {name: value.requires_grad_(self.case.training) for name, value in doubled.items()} or None

    def torch_layer(self) -> nn.Module:
        """torch.nn's layer of the cell, with the same weights."""
        layer = TORCH[self.case.cell](self.case.hidden, self.case.hidden, bidirectional=self.case.directions == 2)
        layer.load_state_dict(self.layer.state_dict())
        return layer
