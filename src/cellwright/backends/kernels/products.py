"""The products over all rows that end a backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cellwright.backends.kernels.binding import LayerBinding, compact
from cellwright.compiler.codegen.gemm import BLOCK, INPUTS, WEIGHTS, copies
from cellwright.compiler.kernel import products


class Factor(NamedTuple):
    """A (S, m), B (·, ≥ columns) and places (S,), for Aᵀ B[places, :columns].

    A row of each is contiguous, of A in whole registers.
    """

    a: Tensor
    b: Tensor
    columns: int
    places: Tensor


def sums_of_products(binding: LayerBinding, factors: Sequence[Factor]) -> list[tuple[Tensor, Tensor]]:
    """Aᵀ B[places] (m, columns) and the column sums (m,) of A, for each factor."""
    tile, threads = binding.kernel.tile, binding.threads
    results, items, room = [], [], []
    for a, b, columns, places in factors:
        m = a.shape[1]
        c = a.new_empty(m, -(-columns // tile.columns) * tile.columns)
        sums = a.new_empty(m + -m % tile.lanes.width)
        results.append((c[:, :columns], sums[:m]))
        words = {"a": a.data_ptr(), "b": b.data_ptr(), "c": c.data_ptr(), "sums": sums.data_ptr()}
        words |= {"a_width": a.stride(0), "b_width": b.stride(0), "c_width": c.stride(0)}
        words |= {"rows": a.shape[0], "columns": columns, "places": places.data_ptr()}
        cuts = _cut(m, threads, tile.lanes.width)
        room.append(a.new_empty(len(cuts), copies(tile, columns)))
        items += [
            words | {"first": i, "last": j, "copies": place.data_ptr()}
            for (i, j), place in zip(cuts, room[-1], strict=True)
        ]
    products(binding.kernel.target, tile).for_weights.run(WEIGHTS.pack(items), threads)
    return results


def products_of_rows(binding: LayerBinding, rows: Sequence[Tensor], factors: Sequence[Tensor], n: int) -> Tensor:
    """The sum of A W over pairs of A (S, k) and W (k, n), the latter in panels: (N, n), in the places of the rows."""
    tile, threads = binding.kernel.tile, binding.threads
    result = binding.new_rows(binding.input_index, -(-n // tile.columns) * tile.columns)
    shares = _cut(binding.count, threads, 1)
    lists = torch.empty(len(shares), 2 * BLOCK, dtype=torch.int64, device="cpu")
    zeros = result.new_zeros(result.shape[1])
    for number, (a, panels) in enumerate(zip(rows, factors, strict=True)):
        words = {"a": a.data_ptr(), "a_width": a.stride(0), "c": result.data_ptr(), "c_width": result.stride(0)}
        words |= {
            "places": binding.input_index.index.data_ptr(),
            "terms": panels.shape[1],
            "panels": panels.data_ptr(),
            "number": panels.shape[0],
        }
        words["starts"] = 0 if number else zeros.data_ptr()  # the first product sets the sum, the next add to it
        items: list[dict[str, Any]] = [
            words | {"first": i, "last": j, "lists": lists[share].data_ptr()} for share, (i, j) in enumerate(shares)
        ]
        products(binding.kernel.target, tile).for_inputs.run(INPUTS.pack(items), threads)
    return compact(result[:, :n])


def _cut(count: int, parts: int, step: int) -> list[tuple[int, int]]:
    """0 … count in up to `parts` runs whose edges are multiples of `step`."""
    edges = {k * count // parts // step * step for k in range(parts)} | {count}
    return list(pairwise(sorted(edges)))
