"""The products over all rows that end a backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from cellwright.compiled.setting import Setting
from cellwright.compiler.gradients import BLOCK, INPUTS, WEIGHTS
from cellwright.compiler.kernel import products


class Factor(NamedTuple):
    """A (S, m) and B (S, ≥ columns), for Aᵀ B[:, :columns]; a row of each is contiguous."""

    a: Tensor
    b: Tensor
    columns: int


def sums_of_products(setting: Setting, factors: Sequence[Factor]) -> list[tuple[Tensor, Tensor]]:
    """Aᵀ B (m, columns) and the column sums (m,) of A, for each factor."""
    tile, threads = setting.kernel.tile, setting.threads
    results, items = [], []
    for a, b, columns in factors:
        m = a.shape[1]
        c = a.new_empty(m, -(-columns // tile.columns) * tile.columns)
        sums = a.new_empty(m)
        results.append((c[:, :columns], sums))
        words = {"a": a.data_ptr(), "b": b.data_ptr(), "c": c.data_ptr(), "sums": sums.data_ptr()}
        words |= {"a_width": a.stride(0), "b_width": b.stride(0), "c_width": c.stride(0)}
        words |= {"rows": len(a), "columns": columns}
        items += [words | {"first": i, "last": j} for i, j in _cut(m, threads, tile.lanes.width)]
    products(setting.kernel.target, tile).for_weights.run(WEIGHTS.pack(items), threads)
    return results


def products_of_rows(setting: Setting, rows: Sequence[Tensor], factors: Sequence[Tensor]) -> Tensor:
    """The sum of A W over pairs of A (S, k) and W (k, n): (S, n)."""
    tile, threads, n = setting.kernel.tile, setting.threads, factors[0].shape[1]
    result = rows[0].new_empty(len(rows[0]), -(-n // tile.columns) * tile.columns)
    shares = _cut(len(result), threads, 1)
    lists = torch.empty(len(shares), 2 * BLOCK, dtype=torch.int64)
    zeros = result.new_zeros(result.shape[1])
    for number, (a, factor) in enumerate(zip(rows, factors, strict=True)):
        panels = setting.panels(factor)
        words = {"a": a.data_ptr(), "a_width": a.stride(0), "c": result.data_ptr(), "c_width": result.stride(0)}
        words |= {"terms": len(factor), "panels": panels.data_ptr(), "number": len(panels)}
        words["starts"] = 0 if number else zeros.data_ptr()  # the first product sets the sum, the next add to it
        items: list[dict[str, Any]] = [
            words | {"first": i, "last": j, "lists": lists[share].data_ptr()} for share, (i, j) in enumerate(shares)
        ]
        products(setting.kernel.target, tile).for_inputs.run(INPUTS.pack(items), threads)
    return result[:, :n]


def _cut(count: int, parts: int, step: int) -> list[tuple[int, int]]:
    """0 … count in up to `parts` runs whose edges are multiples of `step`."""
    edges = np.unique(np.append(np.arange(parts) * count // parts // step * step, count)).tolist()
    return list(pairwise(edges))
