"""A call's weights as its products read them: in panels of some columns, the projections in their slots."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

from cellwright.backends.kernels.binding import DirectionArguments, LayerBinding
from cellwright.backends.kernels.workspace import workspace
from cellwright.compiler.codegen.pack import PACK
from cellwright.compiler.kernel import products


@lru_cache(maxsize=64)
def _of_letters(projections: tuple[str, ...], letters: tuple[str, ...]) -> Tensor:
    return torch.tensor([projections.index(letter) for letter in letters], dtype=torch.int64, device="cpu")


def _slots(binding: LayerBinding, letters: tuple[str, ...]) -> Tensor:
    """The places of projections among the cell's."""
    return _of_letters(binding.call.cell.projections, letters)


def stack_weights(binding: LayerBinding, matrix: Tensor, letters: tuple[str, ...]) -> Tensor:
    """Weights (G·H, n) as (slots × padded, n) in the order of the letters."""
    parts = matrix.detach().view(-1, binding.hidden, matrix.shape[1])
    whole = pad(parts[_slots(binding, letters)], (0, 0, 0, binding.padded - binding.hidden))
    return whole.reshape(len(letters) * binding.padded, matrix.shape[1])


def pack_weights(binding: LayerBinding, matrices: Sequence[tuple[Tensor, tuple[str, ...]]]) -> list[Tensor]:
    """Weights (G·H, n) or biases (G·H,) as panels (·, n, columns) of the letters' units."""
    tile, width, padded = binding.kernel.tile, binding.kernel.tile.lanes.width, binding.padded
    threads = min(binding.threads, (len(binding.tables.items) or 1) * binding.parts)  # no more than the loop wakes
    results, items, held = [], [], []
    for given, letters in matrices:
        matrix = given.detach().contiguous()
        terms = matrix.numel() // matrix.shape[0]
        number = -(-len(letters) * padded // tile.columns)
        panels = workspace.take((number, terms, tile.columns), matrix.dtype)
        results.append(panels)
        held.append(matrix)
        words = {"matrix": matrix.data_ptr(), "terms": terms, "panels": panels.data_ptr(), "slots": len(letters)}
        words |= {"projections": _slots(binding, letters).data_ptr(), "hidden": binding.hidden, "padded": padded}
        registers = number * tile.vectors
        share = max(1, -(-registers // (threads if terms > width else 1)))
        items += [words | {"first": i, "last": min(i + share, registers)} for i in range(0, registers, share)]
    products(binding.kernel.target, tile).for_packing.run(PACK.pack(items), threads)
    return results


def transpose_weights(binding: LayerBinding, given: Tensor, letters: tuple[str, ...]) -> Tensor:
    """Weights (G·H, n) as panels (·, slots × padded, columns) of their n columns."""
    tile, padded, matrix = binding.kernel.tile, binding.padded, given.detach().contiguous()
    terms, columns = len(letters) * padded, matrix.shape[1]
    panels = matrix.new_empty(-(-columns // tile.columns), terms, tile.columns)
    words = {"matrix": matrix.data_ptr(), "terms": columns, "panels": panels.data_ptr(), "slots": len(letters)}
    words |= {"projections": _slots(binding, letters).data_ptr(), "hidden": binding.hidden, "padded": padded}
    share = max(1, -(-terms // binding.threads))
    items = [words | {"first": i, "last": min(i + share, terms)} for i in range(0, terms, share)]
    products(binding.kernel.target, tile).for_transposes.run(PACK.pack(items), binding.threads)
    return panels


def give_projection(direction: DirectionArguments, *, transposed: bool) -> None:
    """Hand over the projection (P, H) as a factor, or its transpose."""
    matrix = direction.binding.call.weights[direction.d].projection
    if matrix is None:
        return
    factor = matrix.detach().t() if transposed else matrix.detach()  # (k, n)
    columns = direction.binding.kernel.tile.columns
    whole = pad(factor, (0, -factor.shape[1] % columns))  # the last panel filled up with zeros
    panels = whole.view(len(whole), whole.shape[1] // columns, columns).transpose(0, 1).contiguous()
    direction.give("projection_panels", panels)
    direction.give("projection_starts", panels.new_zeros(panels.shape[0] * panels.shape[2]))
