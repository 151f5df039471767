"""A frozen layer's weights as products of int8 read them: whole numbers of 8 bits, and a scale a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from cellwright.backends.call import Call
from cellwright.compiler.codegen.byte_products import WORD
from cellwright.compiler.codegen.int8_tile import LEVELS, MOST_TERMS, Int8Tile

_FLOATS = (torch.float32, torch.bfloat16)


def check(who: str, parameters: Mapping[str, Tensor]) -> None:
    """Raise ValueError where weights cannot be whole numbers of 8 bits."""
    for name, weight in parameters.items():
        if weight.dtype not in _FLOATS or not weight.is_cpu:
            raise ValueError(
                f"{who}: {name} is {weight.dtype} on {weight.device}; expected float32 or bfloat16 on a CPU, of which "
                "int8 is made"
            )
        if weight.dim() == 2 and weight.shape[1] > MOST_TERMS:
            raise ValueError(f"{who}: {name} has {weight.shape[1]} columns; expected at most {MOST_TERMS} with int8")
        if not weight.isfinite().all():
            raise ValueError(f"{who}: {name} has numbers that are not finite; expected finite ones, to scale to int8")


def refuse_gradients(call: Call) -> None:
    """Raise RuntimeError where products of int8 would be differentiated: no backward pass can read their panels."""
    if call.arithmetic == "int8":
        raise RuntimeError(
            f"kernels give no gradients of {call.cell.name} with weights of int8; call the frozen layer within "
            "torch.inference_mode() or torch.no_grad(), or unfreeze() it"
        )


def quantised(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (rows, n) of finite numbers as int8 (rows, n) and a scale (rows,): row = scale × int8, to the nearest.

    A row of zeros has the scale 0.
    """
    scales = matrix.abs().amax(1) / LEVELS
    numbers = (matrix / torch.where(scales > 0, scales, 1.0)[:, None]).round()
    return numbers.clamp(-LEVELS, LEVELS).to(torch.int8), scales


class Places(NamedTuple):
    """Where the units of a matrix go: of which projections, `hidden` units each, `padded` with those that fill up."""

    slots: Tensor
    hidden: int
    padded: int


def panels(tile: Int8Tile, matrix: Tensor, places: Places) -> Tensor:
    """Weights (G·H, n), or biases (G·H,) that sums start from, as panels (·, rows, columns) of float32.

    Biases lie as `pack` lays them out; of weights the rows are words, scales and corrections, as `Int8Tile` says.
    """
    if matrix.dim() == 1:
        return _columns(tile, matrix, places).view(-1, 1, tile.columns)
    numbers, scales = quantised(matrix)
    terms = tile.whole(matrix.shape[1])
    columns = _columns(tile, pad(numbers, (0, terms - matrix.shape[1])), places)
    words = columns.view(-1, tile.columns, terms // WORD, WORD).transpose(1, 2).contiguous()
    corrections = columns.sum(1, dtype=torch.int32).mul_(-128).view(-1, 1, tile.columns)
    own = _columns(tile, scales, places).view(-1, 1, tile.columns)
    return torch.cat([words.view(torch.int32).squeeze(-1), own.view(torch.int32), corrections], 1).view(torch.float32)


def _columns(tile: Int8Tile, rows: Tensor, places: Places) -> Tensor:
    """The rows (G·H, ·) of the projections, each filled up with zeros, and all of them to whole panels."""
    slots, hidden, padded = places
    chosen = rows.view(-1, hidden, *rows.shape[1:])[slots]
    number = -(-len(slots) * padded // tile.columns) * tile.columns
    filled = rows.new_zeros(number, *rows.shape[1:])
    filled[: len(slots) * padded].view(len(slots), padded, *rows.shape[1:])[:, :hidden] = chosen
    return filled
