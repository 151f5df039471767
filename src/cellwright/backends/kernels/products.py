"""The products over all rows that end a backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cellwright.backends.kernels.binding import LayerBinding, compact
from cellwright.compiler.codegen.arguments import address
from cellwright.compiler.codegen.gemm import BLOCK, INPUTS, WEIGHTS, WeightsItem
from cellwright.compiler.kernel import products, weights_item


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
    kind = weights_item(tile)
    groups = [
        _OfOneA(binding, kind, group) for group in (_of_one_a(factors) if kind.shares_a else [[f] for f in factors])
    ]
    items = [item for group in groups for item in group.items(threads)]
    products(binding.kernel.target, tile).for_weights.run(WEIGHTS.pack(items), threads)
    return [result for group in groups for result in group.results()]


def _of_one_a(factors: Sequence[Factor]) -> list[list[Factor]]:
    """Factors that follow each other and have the same A, together."""
    return [list(group) for _, group in groupby(factors, lambda f: (f.a.data_ptr(), f.a.shape, f.a.stride()))]


class _OfOneA:
    """Factors with the same A, their results, and the words of items that compute them.

    The words of the first are those of an item, which lead to those of the next.
    """

    def __init__(self, binding: LayerBinding, kind: type[WeightsItem], factors: Sequence[Factor]) -> None:
        kernel, self._kind, self._a = binding.kernel, kind, factors[0].a
        self._tile, m = kernel.tile, self._a.shape[1]
        self._columns = [f.columns for f in factors]
        self._wide = [kernel.round_to_panels(n) for n in self._columns]
        self._products = [self._a.new_empty(m, n) for n in self._wide]
        self._sums = self._a.new_empty(kernel.round_to_registers(m))
        self._zeros = self._a.new_zeros(max(self._wide) if kind.shares_a else 0)
        self._held: list[object] = []
        self._words = self._linked(factors)

    def _linked(self, factors: Sequence[Factor]) -> dict[str, int]:
        """The words of the first factor, which lead to those of the others."""
        following = 0
        for k in reversed(range(len(factors))):
            words = self._of(factors[k], self._products[k]) | {"next": following}
            if k:
                block = WEIGHTS.pack([words | {"first": 0, "last": 0, "copies": 0}])
                self._held.append(block)
                following = address(block)
        return words

    def _of(self, f: Factor, c: Tensor) -> dict[str, int]:
        """The words of a factor, whose product is c."""
        words = {"a": f.a.data_ptr(), "b": f.b.data_ptr(), "c": c.data_ptr(), "sums": self._sums.data_ptr()}
        words |= {"a_width": f.a.stride(0), "b_width": f.b.stride(0), "c_width": c.stride(0), "rows": f.a.shape[0]}
        words |= {"columns": f.columns, "places": f.places.data_ptr(), "zeros": self._zeros.data_ptr()}
        return words | {"block": self._kind.block(self._tile, sum(self._wide))}

    def items(self, threads: int) -> list[dict[str, int]]:
        """The words of an item for each thread."""
        cuts = _cut(self._a.shape[1], threads, self._tile.lanes.width)
        room = self._a.new_empty(len(cuts), self._kind.copies(self._tile, sum(self._wide)))
        self._held.append(room)
        return [
            self._words | {"first": i, "last": j, "copies": place.data_ptr()}
            for (i, j), place in zip(cuts, room, strict=True)
        ]

    def results(self) -> list[tuple[Tensor, Tensor]]:
        """The products and the sums, each in memory of its own."""
        sums = self._sums[: self._a.shape[1]]
        return [
            (c[:, :n], sums.clone() if k else sums)
            for k, (c, n) in enumerate(zip(self._products, self._columns, strict=True))
        ]


def products_of_rows(binding: LayerBinding, rows: Sequence[Tensor], factors: Sequence[Tensor], n: int) -> Tensor:
    """The sum of A W over pairs of A (S, k) and W (k, n), the latter in panels: (N, n), in the places of the rows."""
    result = binding.new_rows(binding.input_index, binding.kernel.round_to_panels(n))
    for number, (a, panels) in enumerate(zip(rows, factors, strict=True)):
        _multiply_rows(binding, a, panels, result, binding.input_index.index, adds=number > 0)
    return compact(result[:, :n])


def product(binding: LayerBinding, a: Tensor, panels: Tensor, n: int) -> Tensor:
    """A W (R, n) of some rows A (R, k), each contiguous, and W in panels."""
    result = a.new_empty(len(a), panels.shape[0] * panels.shape[2])
    _multiply_rows(binding, a, panels, result, torch.arange(len(a), device="cpu"), adds=False)
    return result[:, :n]


def _multiply_rows(
    binding: LayerBinding, a: Tensor, panels: Tensor, result: Tensor, places: Tensor, *, adds: bool
) -> None:
    """Set the rows of `result` in `places` to A W, or add it to them.

    Many arguments: a product, and where it goes.
    """
    tile, threads = binding.kernel.tile, binding.threads
    shares = _cut(len(a), threads, 1)
    lists = torch.empty(len(shares), 2 * BLOCK, dtype=torch.int64, device="cpu")
    zeros = result.new_zeros(result.shape[1])
    operands = torch.empty(len(shares), tile.operand_bytes(BLOCK, a.shape[1]), dtype=torch.uint8, device="cpu")
    words = {"a": a.data_ptr(), "a_width": a.stride(0), "c": result.data_ptr(), "c_width": result.stride(0)}
    words |= {"places": places.data_ptr(), "terms": a.shape[1], "panels": panels.data_ptr(), "number": panels.shape[0]}
    words["starts"] = 0 if adds else zeros.data_ptr()
    items: list[dict[str, Any]] = [
        words | {"first": i, "last": j, "lists": lists[share].data_ptr(), "operands": operands[share].data_ptr()}
        for share, (i, j) in enumerate(shares)
    ]
    products(binding.kernel.target, tile).for_inputs.run(INPUTS.pack(items), threads)


def _cut(count: int, parts: int, step: int) -> list[tuple[int, int]]:
    """0 … count in up to `parts` runs whose edges are multiples of `step`."""
    edges = {k * count // parts // step * step for k in range(parts)} | {count}
    return list(pairwise(sorted(edges)))
