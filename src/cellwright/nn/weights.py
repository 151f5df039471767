"""The parameters of a layer under torch.nn's names, and their initial values.

    weight_ih  (G·H, I)     weight_hh  (G·H, P)     bias_ih, bias_hh  (G·H,)     weight_hr  (P, H)

where G projections in the cell's order, I inputs, H hidden, P the projected size or H; the cell's own follow by name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from cellwright.backends.call import Weights
from cellwright.cells.definition import PER_UNIT, Definition

Shapes = dict[str, tuple[int, ...]]


def shapes(cell: Definition, inputs: int, hidden: int, bias: bool, projected: int = 0) -> Shapes:
    """The parameters of one direction of one layer, in torch.nn's order, the cell's own last."""
    rows = len(cell.projections) * hidden
    found: Shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, projected or hidden)}
    if bias:
        found |= {"bias_ih": (rows,), "bias_hh": (rows,)}
    if projected:
        found["weight_hr"] = (projected, hidden)
    return found | {name: (hidden if kind == PER_UNIT else rows,) for name, kind in cell.parameters.items()}


def gather(cell: Definition, named: Mapping[str, Tensor | None]) -> Weights:
    """The parameters of one direction of one layer, of a mapping by torch.nn's names and the cell's own."""
    weight_ih, weight_hh = named["weight_ih"], named["weight_hh"]
    assert weight_ih is not None
    assert weight_hh is not None
    own = {name: value for name in cell.parameters if (value := named[name]) is not None}
    return Weights(weight_ih, weight_hh, named.get("bias_ih"), named.get("bias_hh"), named.get("weight_hr"), own)


@torch.no_grad()
def initialise(module: nn.Module, hidden: int, start: Mapping[str, float]) -> None:
    """Fill the parameters as torch.nn does, drawing the same numbers: uniform in ±1/√H, those of `start` aside."""
    bound = 1 / math.sqrt(hidden) if hidden else 0.0
    for name, parameter in module.named_parameters():
        if name in start:
            parameter.fill_(start[name])
        else:
            parameter.uniform_(-bound, bound)


@torch.no_grad()
def set_forget_bias(cell: Definition, hidden: int, biases: Iterable[tuple[Tensor, Tensor]], value: float) -> None:
    """Let b_f + b'_f be `value`: one says at the start "keep what is there" (Jozefowicz et al. 2015, section 3.2)."""
    start = cell.projections.index("f") * hidden
    for input_bias, recurrent_bias in biases:
        input_bias[start : start + hidden] = value
        recurrent_bias[start : start + hidden] = 0.0
