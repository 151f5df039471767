"""A call's weights as its products read them: in panels of some columns, the projections in their slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from cellwright.backends.kernels import int8_panels
from cellwright.backends.kernels.binding import FRAMES, LayerBinding, Sizes, addresses, of
from cellwright.backends.kernels.frame import At, Frame, Word
from cellwright.backends.kernels.int8_panels import Places
from cellwright.compiler.codegen.int8_tile import Int8Tile
from cellwright.compiler.codegen.pack import PACK
from cellwright.compiler.kernel import products


class Matrix(NamedTuple):
    """Weights (G·H, terms) of a call, or a bias (G·H,) that sums start from, and how they become panels.

    name            the base of their address;   bias    whether they are one
    terms           1 of a bias
    letters         the projections of the panels, in order; None of a projection (P, H), which has no letters
    hidden, padded  the units of a projection, and those with what fills them up
    """

    name: str
    terms: int
    letters: tuple[str, ...] | None
    hidden: int
    padded: int
    bias: bool = False

    @property
    def slots(self) -> int:
        """How many projections."""
        return 1 if self.letters is None else len(self.letters)


@lru_cache(maxsize=64)
def _of_letters(projections: tuple[str, ...], letters: tuple[str, ...] | None) -> Tensor:
    places = [0] if letters is None else [projections.index(letter) for letter in letters]
    return torch.tensor(places, dtype=torch.int64, device="cpu")


def _slots(sizes: Sizes, letters: tuple[str, ...] | None) -> Tensor:
    """The places of projections among the cell's."""
    return _of_letters(sizes.kernel.cell.projections, letters)


# --- what a call has -----------------------------------------------------------------------------------
@lru_cache(maxsize=2 * FRAMES)
def factors(sizes: Sizes, d: int) -> dict[str, tuple[Matrix, Matrix | None]]:
    """The forward loop's factors of a direction by name, with their biases: W, U's rows, and the projection."""
    cell, places, found = sizes.kernel.cell, sizes.kernel.layout, dict[str, tuple[Matrix, Matrix | None]]()

    def add(name: str, letters: tuple[str, ...], weight: str, terms: int, biased: bool) -> None:
        units = letters, sizes.hidden, sizes.padded
        bias = Matrix(of(f"{weight}_bias", d), 1, *units, bias=True) if biased else None
        found[name] = Matrix(of(weight, d), terms, *units), bias

    if cell.multiplies_input:
        add("input", places.inputs, "input", sizes.inputs, sizes.biased[0])
    if cell.multiplies_state:
        for name, letters in places.factors_of_u.items():
            add(name, letters, "recurrent", sizes.outputs, sizes.biased[1])
    if sizes.projects:
        filled = sizes.kernel.round_to_registers(sizes.outputs)
        found["projection"] = Matrix(of("projection", d), sizes.hidden, None, sizes.outputs, filled), None
    return found


def transposes(sizes: Sizes, d: int, *, rows: bool = False) -> dict[str, Matrix]:
    """The backward loop's factors of a direction by name: U's rows, and the projection; for the rows' gradient W."""
    found = {name: matrix for name, (matrix, _) in factors(sizes, d).items() if rows or name != "input"}
    if sizes.projects:
        found["projection"] = found["projection"]._replace(padded=sizes.outputs)
    return found


# --- panels --------------------------------------------------------------------------------------------
def panels_bytes(sizes: Sizes, matrix: Matrix) -> int:
    """The bytes of a matrix's or a bias's panels."""
    tile = sizes.kernel.tile
    number = -(-matrix.slots * matrix.padded // tile.columns)
    return number * (1 if matrix.bias else tile.depth(matrix.terms)) * tile.columns * sizes.bytes


def transposed_shape(sizes: Sizes, matrix: Matrix) -> tuple[int, int, int]:
    """Of the panels of a matrix's transpose: how many, their rows and columns."""
    tile = sizes.kernel.tile
    return -(-matrix.terms // tile.columns), tile.depth(matrix.slots * matrix.padded), tile.columns


def _words(frame: Frame, sizes: Sizes, matrix: Matrix, panels: Word) -> dict[str, Word]:
    return {
        "matrix": At(matrix.name),
        "terms": matrix.terms,
        "panels": panels,
        "projections": frame.constant(_slots(sizes, matrix.letters)),
        "slots": matrix.slots,
        "hidden": matrix.hidden,
        "padded": matrix.padded,
        "starts": matrix.bias,
    }


def pack(frame: Frame, sizes: Sizes, matrices: Iterable[tuple[Matrix, Word]]) -> None:
    """A part that packs matrices and biases, each to its place."""
    tile = sizes.kernel.tile
    threads = min(frame.threads, (len(sizes.runs) or 1) * sizes.parts)  # no more than the loop wakes
    items: list[dict[str, Word]] = []
    for matrix, panels in matrices:
        words = _words(frame, sizes, matrix, panels)
        registers = -(-matrix.slots * matrix.padded // tile.columns) * tile.vectors
        share = max(1, -(-registers // (threads if matrix.terms > tile.lanes.width else 1)))
        items += [words | {"first": i, "last": min(i + share, registers)} for i in range(0, registers, share)]
    frame.add("packing", products(sizes.kernel.target, tile).for_packing, PACK, items)


def transpose(frame: Frame, sizes: Sizes, matrices: Iterable[tuple[Matrix, Word]]) -> None:
    """A part that packs the transposes of matrices, each to its place: their terms are slots × padded."""
    tile, items = sizes.kernel.tile, list[dict[str, Word]]()
    for matrix, panels in matrices:
        words = _words(frame, sizes, matrix, panels)
        whole, step = tile.whole(matrix.slots * matrix.padded), tile.together
        share = max(step, -(-whole // (step * frame.threads)) * step)
        items += [words | {"first": i, "last": min(i + share, whole)} for i in range(0, whole, share)]
    frame.add("packing", products(sizes.kernel.target, tile).for_transposes, PACK, items)


# --- those of a frozen layer ---------------------------------------------------------------------------
def of_frozen(binding: LayerBinding) -> dict[str, Tensor]:
    """The panels of all directions by the names of the forward loop's words, of a call that keeps them."""
    kept, sizes = binding.call.packed, binding.sizes
    if kept is None or sizes.kernel not in kept:
        found = pack_weights(sizes, binding.matrices())
        if kept is None:
            return found
        kept[sizes.kernel] = found
    return kept[sizes.kernel]


def pack_weights(sizes: Sizes, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The panels of all directions in tensors of their own."""
    found = {name: _empty(sizes, matrix) for name, matrix in named(sizes)}
    if isinstance(sizes.kernel.tile, Int8Tile):
        for name, matrix in named(sizes):
            places = Places(_slots(sizes, matrix.letters), matrix.hidden, matrix.padded)
            found[name] = int8_panels.panels(sizes.kernel.tile, given[matrix.name].detach(), places)
        return found
    frame = Frame(sizes.threads)
    pack(frame, sizes, [(matrix, At(name)) for name, matrix in named(sizes)])
    frame.run_alone(addresses(given | found))
    return found


def named(sizes: Sizes) -> Iterator[tuple[str, Matrix]]:
    """The factors and biases of all directions, by the names of their panels' words."""
    for d in range(sizes.directions):
        for name, (matrix, bias) in factors(sizes, d).items():
            yield of(f"{name}_panels", d), matrix
            if bias is not None:
                yield of(f"{name}_starts", d), bias


def _empty(sizes: Sizes, matrix: Matrix) -> Tensor:
    return torch.empty(panels_bytes(sizes, matrix), dtype=torch.uint8, device="cpu")
