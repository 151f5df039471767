"""The sLSTM of xlstm, the package of the paper's authors, by its path for CPUs, which it calls vanilla."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import cellwright
from rivals.missing import missing

NAME = "xlstm"
GATES = 4


def obstacle() -> str | None:
    """Why this cannot run, or None."""
    return missing(NAME)


def prepare(layer: cellwright.Recurrent, x: Tensor) -> tuple[Callable[[], Tensor], list[Tensor]]:
    """The output (T, B, H) for x (T, B, I), and what is learned, in the order of our layer's parameters."""
    from xlstm.blocks.slstm.cell import sLSTMCell, sLSTMCellConfig  # type: ignore[import-not-found, unused-ignore]

    shapes = {"input_shape": "SBGNH", "output_shape": "SBH"}
    config = sLSTMCellConfig(layer.hidden_size, layer.heads, backend="vanilla", dtype="float32", **shapes)
    cell = sLSTMCell(config)
    projection = layer.weight_ih_l0.detach().clone().requires_grad_()
    with torch.no_grad():
        cell._recurrent_kernel_.copy_(_by_head(layer.weight_hh_l0, layer.heads))
        cell._bias_.copy_(layer.bias_ih_l0 + layer.bias_hh_l0)
    return lambda: cell(torch.nn.functional.linear(x, projection))[0], [
        projection,
        cell._recurrent_kernel_,
        cell._bias_,
    ]


def as_ours(output: Tensor, d_input: Tensor, d_recurrent: Tensor, d_bias: Tensor) -> list[Tensor]:
    """Its output and gradients as those of our layer: its one bias is the sum of our two."""
    heads, _, size = d_recurrent.shape
    by_gate = d_recurrent.view(heads, GATES, size, size).transpose(0, 1).reshape(-1, size)
    return [output, d_input, by_gate, d_bias, d_bias]


def _by_head(weight: Tensor, heads: int) -> Tensor:
    """(4·H, H / heads), gates outside, as (heads, 4 · H / heads, H / heads)."""
    size = weight.shape[1]
    return weight.view(GATES, heads, size, size).transpose(0, 1).reshape(heads, GATES * size, size)
