"""The products over all rows that end a stretch of a backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from torch import Tensor

from cellwright.backends.kernels.binding import addresses, of
from cellwright.backends.kernels.frame import WORD, At, Frame, Word
from cellwright.compiler.codegen.gemm import BLOCK, INPUTS, ROWS, WEIGHTS
from cellwright.compiler.kernel import Kernel, products, weights_item


class Rows(NamedTuple):
    """Rows of a matrix, each contiguous: the first `columns` of every `width` numbers; in `half` of 16 bits each."""

    first: Word
    columns: int
    width: int
    half: bool = False


class Stretch(NamedTuple):
    """Which of all the rows are A's: how many, how many there are before, and 1 where C holds a sum to add to, or 0."""

    rows: Word
    before: Word
    adds: Word


class Product(NamedTuple):
    """C (m, n) = Aᵀ B[places] of A (·, m) and B (·, n), and the sums (m,) of A's columns, or 0 for none.

    A has the rows of `stretch`; its columns and the width of C are whole registers and panels.
    """

    a: Rows
    b: Rows
    places: Word
    c: Rows
    sums: Word
    stretch: Stretch


def of_weights(frame: Frame, made: Kernel, given: Sequence[Product]) -> None:
    """Parts that make products over rows. Those of one A that follow each other are made together."""
    for halves in (False, True):
        alike = [product for product in given if product.a.half == halves]
        if alike:
            _of_weights(frame, made, alike, halves)


def _of_weights(frame: Frame, made: Kernel, given: Sequence[Product], halves: bool) -> None:
    tile = made.tile
    kind, size = weights_item(tile), tile.lanes.bytes
    items: list[dict[str, Word]] = []
    for group in _of_one_a(given) if kind.shares_a else [[product] for product in given]:
        wide = sum(product.c.width for product in group)
        zeros = frame.zeros(max(product.c.width for product in group) * size) if kind.shares_a else 0
        block, words = kind.block(tile, wide), dict[str, Word]()
        for product in reversed(group):  # the words of the first lead to those of the others
            words = _of_product(product) | {"zeros": zeros, "block": block, "next": _next(frame, words)}
        cuts = _cut(group[0].a.columns, frame.threads, tile.lanes.width)
        copies = kind.copies(tile, wide) * size
        items += [words | {"first": i, "last": j, "copies": frame.take(copies)} for i, j in cuts]
    frame.add("gradients of the weights", products(made.target, tile, halves).for_weights, WEIGHTS, items)


def _of_one_a(given: Iterable[Product]) -> list[list[Product]]:
    """Products that follow each other and have the same A, together."""
    return [list(group) for _, group in groupby(given, lambda product: product.a)]


def _of_product(product: Product) -> dict[str, Word]:
    a, b, places, c, sums, stretch = product
    words: dict[str, Word] = {"a": a.first, "b": b.first, "c": c.first, "sums": sums, "places": places, "half": b.half}
    words |= {"a_width": a.width, "b_width": b.width, "c_width": c.width, "columns": b.columns}
    return words | stretch._asdict()


def _next(frame: Frame, words: dict[str, Word]) -> Word:
    """Where the words of the product that comes after stand; 0 of none."""
    return frame.write(WEIGHTS, [words | {"first": 0, "last": 0, "copies": 0}]) if words else 0


class Factors(NamedTuple):
    """A (·, k), of the rows of `stretch`, and W in panels, for A W; the threads' shares by the name of their edges."""

    a: Rows
    panels: Word
    stretch: Stretch
    shares: str


def of_rows(frame: Frame, made: Kernel, given: Sequence[Factors], c: Rows, places: Word) -> None:
    """A part for each A W, which are summed: C (S, n), in its places, without what fills rows up."""
    tile, size, wide = made.tile, made.tile.lanes.bytes, made.round_to_panels(c.columns)
    zeros = frame.zeros(wide * size)
    for a, panels, stretch, shares in given:
        entry = products(made.target, tile, a.half).for_inputs
        words: dict[str, Word] = {"a": a.first, "a_width": a.width, "c": c.first, "c_width": c.width, "places": places}
        words |= {"terms": a.columns, "panels": panels, "starts": zeros, "number": wide // tile.columns}
        words |= {"before": stretch.before, "adds": stretch.adds}
        items: list[dict[str, Word]] = []
        for k in range(frame.threads):
            share: dict[str, Word] = {"first": At(of(shares, k)), "last": At(of(shares, k + 1))}
            own: dict[str, Word] = {
                "lists": frame.take(2 * BLOCK * WORD),
                "whole": 0 if wide == c.width and len(given) == 1 else frame.take(BLOCK * wide * size),
                "operands": frame.take(tile.operand_bytes(BLOCK, a.columns)),
            }
            items.append(words | share | own)
        frame.add("gradient of the input", entry, INPUTS, items)


class Copy(NamedTuple):
    """So many rows to where they belong; of no source, zeros."""

    source: Rows | None
    target: Rows
    rows: Word


def copy(frame: Frame, made: Kernel, copies: Iterable[Copy]) -> None:
    """A part that copies rows."""
    items: list[dict[str, Word]] = []
    for source, target, rows in copies:
        words: dict[str, Word] = {"target": target.first, "target_width": target.width, "columns": target.columns}
        of_source = (0, 0) if source is None else (source.first, source.width)
        items.append(words | dict(zip(("source", "source_width"), of_source, strict=True)) | {"rows": rows})
    if items:
        frame.add("restoring", products(made.target, made.tile).for_rows, ROWS, items)


def _cut(count: int, parts: int, step: int) -> list[tuple[int, int]]:
    """0 … count in up to `parts` runs whose edges are multiples of `step`."""
    edges = {k * count // parts // step * step for k in range(parts)} | {count}
    return list(pairwise(sorted(edges)))


# --- one of them alone ---------------------------------------------------------------------------------
class Factor(NamedTuple):
    """A (S, m), B (·, ≥ columns) and places (S,), for Aᵀ B[places, :columns].

    A row of each is contiguous, of A in whole registers.
    """

    a: Tensor
    b: Tensor
    columns: int
    places: Tensor


def sums_of_products(made: Kernel, threads: int, factor: Factor) -> tuple[Tensor, Tensor]:
    """Aᵀ B[places] (m, columns) and the column sums (m,) of A, as a backward pass makes them."""
    a, b, n, places = factor
    c, sums = a.new_empty(a.shape[1], made.round_to_panels(n)), a.new_empty(made.round_to_registers(a.shape[1]))
    frame = Frame(threads)
    of_a, of_b = Rows(At("a"), a.shape[1], a.stride(0)), Rows(At("b"), n, b.stride(0))
    of_c = Rows(At("c"), n, c.shape[1])
    product = Product(of_a, of_b, At("places"), of_c, At("sums"), Stretch(len(a), before=0, adds=0))
    of_weights(frame, made, [product])
    frame.run_alone(addresses({"a": a, "b": b, "c": c, "sums": sums, "places": places}))
    return c[:, :n], sums[: a.shape[1]]
