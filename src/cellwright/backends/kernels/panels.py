"""A call's weights as its products read them: in panels of some columns, the projections in their slots."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from cellwright.backends.kernels import int8_panels
from cellwright.backends.kernels.binding import DirectionArguments, LayerBinding
from cellwright.backends.kernels.int8_panels import Places
from cellwright.backends.kernels.workspace import workspace
from cellwright.compiler.codegen.int8_tile import Int8Tile
from cellwright.compiler.codegen.pack import PACK
from cellwright.compiler.kernel import products


@lru_cache(maxsize=64)
def _of_letters(projections: tuple[str, ...], letters: tuple[str, ...]) -> Tensor:
    return torch.tensor([projections.index(letter) for letter in letters], dtype=torch.int64, device="cpu")


@lru_cache(maxsize=1)
def _first() -> Tensor:
    """The place of the only one."""
    return torch.zeros(1, dtype=torch.int64, device="cpu")


def _slots(binding: LayerBinding, letters: tuple[str, ...]) -> Tensor:
    """The places of projections among the cell's."""
    return _of_letters(binding.call.cell.projections, letters)


def pack_weights(binding: LayerBinding, matrices: Sequence[tuple[Tensor, tuple[str, ...]]]) -> list[Tensor]:
    """Weights (G·H, n) or biases (G·H,) as panels (·, rows, columns) of the letters' units; biases in one row each."""
    tile = binding.kernel.tile
    if isinstance(tile, Int8Tile):
        sizes = binding.hidden, binding.padded
        return [int8_panels.panels(tile, m.detach(), Places(_slots(binding, of), *sizes)) for m, of in matrices]
    given = []
    for matrix, letters in matrices:
        words = {"slots": len(letters), "projections": _slots(binding, letters).data_ptr()}
        given.append((matrix, words | {"hidden": binding.hidden, "padded": binding.padded}))
    return _packed(binding, given)


def _packed(binding: LayerBinding, matrices: Sequence[tuple[Tensor, dict[str, int]]]) -> list[Tensor]:
    """The same of matrices (·, n), or sums' starts (·,), with the words that say where their units stand."""
    tile, width = binding.kernel.tile, binding.kernel.tile.lanes.width
    threads = min(binding.threads, (len(binding.tables.items) or 1) * binding.parts)  # no more than the loop wakes
    results, items, held = [], [], []
    for given, places in matrices:
        matrix, starts = given.detach().contiguous(), given.dim() == 1
        terms = matrix.numel() // matrix.shape[0]
        number = -(-places["slots"] * places["padded"] // tile.columns)
        panels = workspace.take((number, 1 if starts else tile.depth(terms), tile.columns), matrix.dtype)
        results.append(panels)
        held.append(matrix)
        words = places | {"matrix": matrix.data_ptr(), "terms": terms, "panels": panels.data_ptr(), "starts": starts}
        registers = number * tile.vectors
        share = max(1, -(-registers // (threads if terms > width else 1)))
        items += [words | {"first": i, "last": min(i + share, registers)} for i in range(0, registers, share)]
    products(binding.kernel.target, tile).for_packing.run(PACK.pack(items), threads)
    return results


def transpose_weights(binding: LayerBinding, matrix: Tensor, letters: tuple[str, ...]) -> Tensor:
    """Weights (G·H, n) as panels (·, rows, columns) of their n columns; the terms are slots × padded."""
    words = {"slots": len(letters), "projections": _slots(binding, letters).data_ptr()}
    return _transposed(binding, matrix, words | {"hidden": binding.hidden, "padded": binding.padded})


def _transposed(binding: LayerBinding, given: Tensor, places: dict[str, int]) -> Tensor:
    """The same of a matrix (·, n) whose units stand where the words say."""
    tile, matrix = binding.kernel.tile, given.detach().contiguous()
    terms, columns = places["slots"] * places["padded"], matrix.shape[1]
    panels = matrix.new_empty(-(-columns // tile.columns), tile.depth(terms), tile.columns)
    words = places | {"matrix": matrix.data_ptr(), "terms": columns, "panels": panels.data_ptr(), "starts": 0}
    whole, step = tile.whole(terms), tile.together
    share = max(step, -(-whole // (step * binding.threads)) * step)
    items = [words | {"first": i, "last": min(i + share, whole)} for i in range(0, whole, share)]
    products(binding.kernel.target, tile).for_transposes.run(PACK.pack(items), binding.threads)
    return panels


def give_projection(direction: DirectionArguments, *, transposed: bool) -> None:
    """Hand over the projection (P, H) as a factor, or its transpose."""
    binding, matrix = direction.binding, direction.binding.call.weights[direction.d].projection
    if matrix is None:
        return
    outputs = matrix.shape[0]
    words = {"slots": 1, "projections": _first().data_ptr(), "hidden": outputs}
    if transposed:  # its rows are the columns of the product
        panels = _kept_projection(direction, matrix, words)
    else:
        panels = _transposed(binding, matrix, words | {"padded": outputs})
    direction.give("projection_panels", panels)
    direction.give("projection_starts", panels.new_zeros(panels.shape[0] * panels.shape[2]))


def _kept_projection(direction: DirectionArguments, matrix: Tensor, words: dict[str, int]) -> Tensor:
    """The panels of a projection (P, H): those of a frozen layer are packed once, beside its other weights."""
    binding = direction.binding
    kernel, kept = binding.kernel, binding.call.packed
    key = (kernel, "projection", direction.d)
    if kept is not None and not direction.loop.step.saves and key in kept:
        return kept[key][0]
    outputs = matrix.shape[0]
    filled = kernel.round_to_registers(outputs)
    if isinstance(kernel.tile, Int8Tile):
        panels = int8_panels.panels(kernel.tile, matrix.detach(), Places(_first(), outputs, filled))
    else:
        (panels,) = _packed(binding, [(matrix, words | {"padded": filled})])
    if kept is not None and not direction.loop.step.saves:
        kept[key] = [panels]
    return panels
