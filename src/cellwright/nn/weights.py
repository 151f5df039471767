"""The parameters of a layer under torch.nn's names, and their initial values.

    weight_ih  (G·H, I)     weight_hh  (G·H, P)     bias_ih, bias_hh  (G·H,)     weight_hr  (P, H)

where G projections in the cell's order, I inputs, H hidden, P the projected size or H; the cell's own follow by name.
A cell that multiplies no input has no weight_ih, and one that multiplies no state no weight_hh; nor the bias of either.
With heads, weight_hh is (G·H, H / heads): of each head its own block. Of rank R, U is weight_hh weight_hq, (G·H, R) and
(R, P).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from cellwright.backends.call import Weights
from cellwright.backends.precision import rounds_matrices
from cellwright.cells.definition import PER_UNIT, Definition

Shapes = dict[str, tuple[int, ...]]


def shapes(cell: Definition, inputs: int, hidden: int, bias: bool, projected: int = 0, heads: int = 1) -> Shapes:
    """The parameters of one direction of one layer, in torch.nn's order, the cell's own last.

    Many arguments: the sizes of a layer.
    """
    rows = len(cell.projections) * hidden
    columns = {"ih": inputs} if cell.multiplies_input else {}
    columns |= {"hh": (projected or hidden) // heads} if cell.multiplies_state else {}
    found: Shapes = {f"weight_{name}": (rows, n) for name, n in columns.items()}
    if bias:
        found |= {f"bias_{name}": (rows,) for name in columns}
    if projected:
        found["weight_hr"] = (projected, hidden)
    return found | {name: (hidden if kind == PER_UNIT else rows,) for name, kind in cell.parameters.items()}


def of_rank(shapes: Shapes, rank: int) -> Shapes:
    """The same shapes where U is a product of two factors, of a rank; 0 for a U that is whole."""
    found = dict(shapes)
    if rank:
        rows, columns = shapes["weight_hh"]
        found |= {"weight_hh": (rows, rank), "weight_hq": (rank, columns)}
    return found


def gather(cell: Definition, named: Mapping[str, Tensor | None]) -> Weights:
    """The parameters of one direction of one layer, of a mapping by torch.nn's names and the cell's own."""
    own = {name: value for name, value in named.items() if name in cell.parameters and value is not None}
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    found = Weights(*(named.get(name) for name in names), own)  # type: ignore[arg-type,call-arg]
    left, right = named.get("weight_hh"), named.get("weight_hq")
    if left is None or right is None:
        return found
    with torch.autocast(left.device.type, enabled=False):  # the factors' product is a weight, not a step
        if left.dtype == torch.float32 and left.is_cpu and rounds_matrices():
            return replace(found, recurrent=(left.double() @ right.double()).float())
        return replace(found, recurrent=left @ right)


def of_heads(weights: Weights, heads: int) -> Weights:
    """Weights whose U (G·H, H / heads) is of heads that see themselves only, as one U (G·H, H): zero between heads."""
    blocks = weights.recurrent
    if heads == 1 or blocks is None:
        return weights
    rows, size = blocks.shape
    parts = blocks.view(-1, heads, size, size).movedim(1, -1)  # projection, unit, of which unit; head
    return replace(weights, recurrent=torch.diag_embed(parts, dim1=1, dim2=3).reshape(rows, heads * size))


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
def scale_factors(hidden: int, rank: int, factors: Iterable[Tensor]) -> None:
    """Let the factors of U, drawn by `initialise`, make numbers of the variance that a whole U has, 1 / (3 H)."""
    for factor in factors:
        factor *= (3 * hidden / rank) ** 0.25


@torch.no_grad()
def set_forget_bias(cell: Definition, hidden: int, biases: Iterable[tuple[Tensor, Tensor]], value: float) -> None:
    """Let b_f + b'_f be `value`: one says at the start "keep what is there" (Jozefowicz et al. 2015, section 3.2)."""
    start = cell.projections.index("f") * hidden
    for input_bias, recurrent_bias in biases:
        input_bias[start : start + hidden] = value
        recurrent_bias[start : start + hidden] = 0.0
