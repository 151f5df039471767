"""The gradients of matrices and biases, as parts of a backward pass: products over all rows, in torch's own layout.

A product makes the rows of the projections in the order of their cotangents, each filled up to whole registers, and its
columns to whole panels. Where that is torch's layout, it is made in its place; else it is copied there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cellwright.backends.kernels import products
from cellwright.backends.kernels.binding import Sizes, of
from cellwright.backends.kernels.frame import At, Frame, Word
from cellwright.backends.kernels.products import Copy, Product, Rows, Stretch
from cellwright.backends.kernels.saved import cotangent_bytes, saved_of
from cellwright.compiler.codegen.loop_builder import HALF

MATRICES = ("input", "recurrent")
GRADIENTS = (*MATRICES, *(f"{name}_bias" for name in MATRICES), "projection")


def cotangents(sizes: Sizes, words: Mapping[str, Word], start: int, slots: int) -> Rows:
    """A run of the cotangents of x and u in a stretch (·, slots × padded), of a direction with these words."""
    columns, padded, size = words["columns"], sizes.padded, cotangent_bytes(sizes)
    assert isinstance(columns, At)
    first = columns.after(start * padded * size)
    return Rows(first, slots * padded, sizes.kernel.layout.width * padded, half=size == HALF)


def stretch_of(d: int) -> Stretch:
    """The rows of direction d whose cotangents are there, of which all but the first are added."""
    return Stretch(At(of("stretch", d)), At(of("before", d)), At("again"))


class _Run(NamedTuple):
    """What the gradient of a matrix, or of its rows of some letters, is a product of."""

    matrix: str
    letters: tuple[str, ...]
    a: Rows
    b: Rows
    places: Word


def of_weights(frame: Frame, sizes: Sizes, words: Sequence[Mapping[str, Word]]) -> list[Copy]:
    """Add the products of a stretch that give the gradients of each direction's matrices and biases.

    Gives what is left to be copied where they belong, when all stretches are done.
    """
    given, copies = list[Product](), list[Copy]()
    for d, one in enumerate(words):
        runs = [(run, _target(frame, sizes, run, d)) for run in _runs(sizes, one)]
        sums: dict[Rows, At] = {}
        for run, c in runs:
            new = any(sizes.biased) and run.matrix in MATRICES and run.a not in sums
            if new:
                sums[run.a] = frame.take(sizes.kernel.round_to_registers(run.a.columns) * sizes.bytes)
            whole = Product(run.a, run.b, run.places, c, sums[run.a] if new else 0, stretch_of(d))
            blocks = [*_of_heads(frame, sizes, run, whole)] if _in_blocks(sizes, run) else [(whole, None)]
            given += [product for product, _ in blocks]
            copies += [copy for _, copy in blocks if copy is not None]
        copies += _copies(sizes, runs, sums, d)
    products.of_weights(frame, sizes.kernel, given)
    return copies


def _runs(sizes: Sizes, words: Mapping[str, Word]) -> Iterator[_Run]:
    """Those of a direction."""
    cell, places, packed = sizes.kernel.cell, sizes.kernel.layout, At("packed")
    if places.inputs:
        rows = Rows(At("x"), sizes.inputs, sizes.inputs)
        yield _Run("input", places.inputs, cotangents(sizes, words, 0, len(places.inputs)), rows, At("x_places"))
    if places.recurrent:
        at_u = cotangents(sizes, words, places.recurrent_start, len(places.recurrent))
        half = "half_state" in saved_of(sizes).rows
        name = "half_state" if half else f"state.{cell.recurrent_state}"
        rows = Rows(words[name], sizes.outputs, sizes.operand_columns, half)
        yield _Run("recurrent", places.recurrent, at_u, rows, packed)
    for k, (letters, start) in enumerate(places.products):
        rows = Rows(words[f"operand.{k}"], sizes.hidden, sizes.padded)
        yield _Run("recurrent", letters, cotangents(sizes, words, start, len(letters)), rows, packed)
    if sizes.projects:
        projected = Rows(words["projected"], sizes.outputs, sizes.operand_columns)
        yield _Run("projection", (), projected, Rows(words["whole"], sizes.hidden, sizes.padded), packed)


def _target(frame: Frame, sizes: Sizes, run: _Run, d: int) -> Rows:
    """Where its product goes: to the gradient itself, where that has this layout."""
    n, wide = run.b.columns, sizes.kernel.round_to_panels(run.b.columns)
    alike = wide == n and (_is_whole(sizes, run.letters) or run.matrix == "projection")
    if alike or _in_blocks(sizes, run):
        return Rows(At(of(f"d {run.matrix}", d)), n, n)
    return Rows(frame.take(run.a.columns * wide * sizes.bytes), n, wide)


def _is_whole(sizes: Sizes, letters: tuple[str, ...]) -> bool:
    """Whether a product for these letters has torch's rows of the matrix: all of them in order, none filled up."""
    return letters == sizes.kernel.cell.projections and sizes.hidden == sizes.padded


def _block(sizes: Sizes) -> int:
    """How many units the gradient of a U of heads is made of at a time.

    Those of some heads, in whole registers, as near to a panel as may be.
    """
    tile = sizes.kernel.tile
    least = math.lcm(sizes.hidden // sizes.heads, tile.lanes.width)
    return least * max(1, tile.columns // least)


def _in_blocks(sizes: Sizes, run: _Run) -> bool:
    """Whether a run's product is made of blocks alone: all else of this gradient is zero, and is so already."""
    return run.matrix == "recurrent" and _block(sizes) < sizes.hidden


def _of_heads(frame: Frame, sizes: Sizes, run: _Run, whole: Product) -> Iterator[tuple[Product, Copy]]:
    """The blocks of the product of a run with heads, and where each of them belongs."""
    n, size, step = sizes.hidden, sizes.bytes, _block(sizes)
    for k, letter in enumerate(run.letters):
        for first in range(0, n, step):
            units = min(step, n - first)
            filled, start = sizes.kernel.round_to_registers(units), k * sizes.padded + first
            wide = sizes.kernel.round_to_panels(units)
            c = Rows(frame.take(filled * wide * size), units, wide)
            a, b = _columns(run.a, size, start, filled), _columns(run.b, size, first, units)
            sums = whole.sums.after(start * size) if isinstance(whole.sums, At) else 0
            row = sizes.kernel.cell.projections.index(letter) * n + first
            assert isinstance(whole.c.first, At)
            target = Rows(whole.c.first.after((row * n + first) * size), units, n)
            yield whole._replace(a=a, b=b, c=c, sums=sums), Copy(c, target, units)


def _columns(rows: Rows, size: int, start: int, columns: int) -> Rows:
    """Some of their columns; `size` is the bytes of a number that is not in half."""
    assert isinstance(rows.first, At)
    return rows._replace(first=rows.first.after(start * (HALF if rows.half else size)), columns=columns)


class _Slot(NamedTuple):
    """Where the rows of a run's projections begin in a product, and their sums."""

    rows: Rows
    sums: Rows | None


def _copies(sizes: Sizes, runs: Sequence[tuple[_Run, Rows]], sums: Mapping[Rows, At], d: int) -> Iterator[Copy]:
    """What is left to be copied to a direction's gradients."""
    cell = sizes.kernel.cell
    for run, c in runs:
        if run.matrix == "projection" and not _in_place(c, run.matrix, d):
            yield Copy(c, Rows(At(of("d projection", d)), sizes.hidden, sizes.hidden), sizes.outputs)
    there = (cell.multiplies_input, cell.multiplies_state)
    for name, found, biased, n in zip(MATRICES, there, sizes.biased, (sizes.inputs, sizes.outputs), strict=True):
        slots = [
            (run.letters, _Slot(c, Rows(sums[run.a], sizes.hidden, 1) if run.a in sums else None))
            for run, c in runs
            if run.matrix == name
        ]
        if found:
            yield from _of_matrix(sizes, slots, (of(f"d {name}", d), n), of(f"d {name}_bias", d) if biased else None)


def _of_matrix(
    sizes: Sizes, runs: Sequence[tuple[tuple[str, ...], _Slot]], matrix: tuple[str, int], bias: str | None
) -> Iterator[Copy]:
    """Of a matrix by its name and columns, and of its bias; projections without a cotangent are zero."""
    projections, (name, n) = sizes.kernel.cell.projections, matrix
    whole = any(_is_whole(sizes, letters) for letters, _ in runs)
    units = len(projections) * sizes.hidden if whole else sizes.hidden  # copied at once
    slots = {letter: (slot, k) for letters, slot in runs for k, letter in enumerate(letters)}
    for number, letter in enumerate(projections[:1] if whole else projections):
        slot, k = slots.get(letter, (None, 0))
        first = number * sizes.hidden * sizes.bytes
        if slot is None or slot.rows.first != At(name):
            rows = None if slot is None else _from(sizes, slot.rows, k)
            yield Copy(rows, Rows(At(name, first * n), n, n), units)
        if bias is not None:
            total = None if slot is None or slot.sums is None else _from(sizes, slot.sums, k)
            yield Copy(total, Rows(At(bias, first), units, units), 1)


def _in_place(c: Rows, name: str, d: int) -> bool:
    """Whether a product is made in the gradient itself."""
    return c.first == At(of(f"d {name}", d))


def _from(sizes: Sizes, rows: Rows, slot: int) -> Rows:
    """The rows of a slot."""
    assert isinstance(rows.first, At)
    return rows._replace(first=rows.first.after(slot * sizes.padded * rows.width * sizes.bytes))
