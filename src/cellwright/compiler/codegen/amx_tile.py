"""bfloat16 products by tile registers: blocks of 16 × 16 sums of 32 terms (`tile_registers`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen.bfloat16_tile import (
    MOST,
    MULTIPLY,
    TERMS,
    WORD,
    Bfloat16Tile,
    Factors,
    Rows,
    result_row,
)
from cellwright.compiler.codegen.ir_builder import (
    BYTE,
    Span,
    at,
    count,
    element,
    element_at,
    function,
    integer,
    load,
    minimum,
    pointer,
)
from cellwright.compiler.codegen.tile_registers import COLUMNS, ROWS, OnRegisters, TileRegisters
from cellwright.compiler.codegen.vector import i64
from cellwright.compiler.target import LINE


@dataclass(frozen=True)
class AmxTile(OnRegisters, Bfloat16Tile):
    """Products by tile registers; emulated, the registers are memory."""

    def define_multiply(self, module: Module) -> Function:
        """Add multiply, as `Bfloat16Tile` says. A panel stays in the first cache while all rows pass it."""
        if known := module.globals.get("multiply"):
            return known
        made, b = function(module, "multiply", MULTIPLY, inline=True)
        m, results, pairs, operands, panels, starts, begin, end, stride, *terms = made.args
        registers = TileRegisters(b, emulated=self.emulated)
        width = self.columns * WORD
        line, panel_bytes = self.operand_line(b, pairs), self.panel_bytes(b, pairs)
        c = _Results(b, self, results, stride)
        span = Span(b, begin, end)
        with count(b, span.first, span.last) as turn, count(b, integer(0), m, integer(MOST)) as r:
            p = span.place(turn)
            column = b.mul(p, integer(width))
            here = minimum(b, integer(MOST), b.sub(m, r))
            rows, panel = element_at(b, operands, r, line), element_at(b, panels, p, panel_bytes)
            factors = Factors(rows, line, panel, pairs, *terms)
            with c.sums(Rows(r, here, column), starts) as (start, place):
                _tiles(b, self, registers, here, factors, (start, place))
        b.ret_void()
        return made


class _Place(NamedTuple):
    """Rows in memory: the first, and how many bytes apart they are."""

    first: Value
    stride: Value


class _Results:
    """The results C of a product: addresses of rows, or rows `stride` bytes apart from an address on.

    Registers are stored sixteen rows at a time: there where the rows are equally far apart and that writes no other,
    else to rows beside, that are copied from there.
    """

    def __init__(self, b: Builder, tile: AmxTile, results: Value, stride: Value) -> None:
        self._b, self._tile, self._results, self._stride = b, tile, results, stride
        self._width = tile.columns * WORD
        with b.goto_entry_block():
            beside = b.alloca(BYTE, MOST * self._width)
        beside.align = LINE
        self._beside: Value = beside
        self._apart = _define_apart(b.module)

    @contextmanager
    def sums(self, rows: Rows, starts: Value) -> Iterator[tuple[_Place, _Place]]:
        """Where the sums of some rows start, and where they are to be stored; the latter is done with at the end.

        They start from what C holds where `starts` is 0.
        """
        b = self._b
        full = b.or_(*(b.icmp_signed("==", rows.number, integer(n)) for n in (MOST, ROWS)))
        apart = b.call(self._apart, [self._results, rows.first, rows.number, self._stride])
        direct = b.and_(full, b.icmp_signed("!=", apart, integer(0)))
        there = self._row(rows, integer(0))
        place = _Place(b.select(direct, there, self._beside), b.select(direct, apart, integer(self._width)))
        adds = b.icmp_unsigned("==", b.ptrtoint(starts, i64), integer(0))
        with b.if_then(b.and_(adds, b.not_(direct))):
            self._copy(rows, lambda k: (self._row(rows, k), self._beside_row(k)))
        bias = _Place(b.gep(starts, [rows.column]), integer(0))  # every row is the same
        yield _Place(*(b.select(adds, x, y) for x, y in zip(place, bias, strict=True))), place
        with b.if_then(b.not_(direct)):
            self._copy(rows, lambda k: (self._beside_row(k), self._row(rows, k)))

    def _copy(self, rows: Rows, places: Callable[[Value], tuple[Value, Value]]) -> None:
        """Copy rows as wide as a panel, the k-th from one place to the other."""
        b, tile = self._b, self._tile
        with count(b, integer(0), rows.number) as k:
            source, target = (at(b, place, integer(0), tile.lanes.scalar) for place in places(k))
            tile.store(b, target, tile.load(b, source))

    def _row(self, rows: Rows, k: Value) -> Value:
        return result_row(self._b, self._results, self._stride, rows, k)

    def _beside_row(self, k: Value) -> Value:
        return element(self._b, self._beside, k, self._width)


def _define_apart(module: Module) -> Function:
    """Add apart(results, first, number, stride): how many bytes apart some results are; 0 where that differs."""
    made, b = function(module, "apart", [pointer, i64, i64, i64], i64, inline=True)
    results, first, number, stride = made.args
    given = b.icmp_signed("!=", stride, integer(0))
    with b.if_then(b.or_(given, b.icmp_signed("<", number, integer(2)))):
        b.ret(stride)
    with b.goto_entry_block():
        differs = b.alloca(i64)
    b.store(integer(0), differs)

    def distance(k: Value) -> Value:
        """From the result before to the k-th."""
        r = b.add(first, k)
        return b.sub(load(b, results, r), load(b, results, b.sub(r, integer(1))))

    expected = distance(integer(1))
    with count(b, integer(2), number) as k:
        b.store(b.or_(b.load(differs), b.xor(distance(k), expected)), differs)
    b.ret(b.select(b.icmp_signed("==", b.load(differs), integer(0)), expected, integer(0)))
    return made


def _tiles(
    b: Builder, tile: AmxTile, registers: TileRegisters, rows: Value, by: Factors, sums: tuple[_Place, _Place]
) -> None:
    """The sums of up to 32 rows of a panel: in blocks of two tiles of rows and two of columns, or of one and four.

    Many arguments: as `_block`.
    """
    tiles = tile.columns // COLUMNS
    with b.if_else(b.icmp_signed(">", rows, integer(ROWS))) as (two, one):
        with two:
            for c in range(0, tiles, 2):
                _block(b, tile, registers, (2, range(c, c + 2)), by, sums)
        with one:
            for c in range(0, tiles, 4):
                _block(b, tile, registers, (1, range(c, min(c + 4, tiles))), by, sums)


def _block(
    b: Builder,
    tile: AmxTile,
    registers: TileRegisters,
    shape: tuple[int, range],
    by: Factors,
    sums: tuple[_Place, _Place],
) -> None:
    """The sums of one or two tiles of rows and some tiles of columns: up to four registers of them.

    Of the other four, the rows' take one each, and the panel's the rest in turn. `sums` says where they start and end.
    Many arguments: what a block is made of, from two places.
    """
    high, columns = shape
    start, end = sums
    tiles = [(r, c) for r in range(high) for c in columns]
    of_rows, free = range(4, 4 + high), range(4 + high, 8)
    for register, tile_of in enumerate(tiles):
        registers.load(register, _tile_place(b, start, *tile_of), start.stride)
    below = [b.mul(by.line, integer(r * ROWS)) for r in range(high)]
    for of_a, of_b in tile.products:
        a = b.gep(by.rows, [b.mul(by.pairs, integer(of_a * WORD))])
        panel = element_at(b, by.panel, by.pairs, integer(of_b * tile.columns * WORD))
        with count(b, by.since, by.until, integer(TERMS // 2)) as k:
            here = b.gep(a, [b.mul(k, integer(WORD))])
            for r in range(high):
                registers.load(of_rows[r], b.gep(here, [below[r]]), by.line)
            words = element(b, panel, k, tile.columns * WORD)
            for n, c in enumerate(columns):
                factor = free[n % len(free)]
                registers.load(factor, b.gep(words, [integer(c * LINE)]), integer(tile.columns * WORD))
                for r in range(high):
                    registers.dot(tiles.index((r, c)), of_rows[r], factor)
    for register, tile_of in enumerate(tiles):
        registers.store(register, _tile_place(b, end, *tile_of), end.stride)


def _tile_place(b: Builder, place: _Place, row: int, column: int) -> Value:
    """Where a tile of sums lies."""
    return b.gep(place.first, [b.add(b.mul(place.stride, integer(row * ROWS)), integer(column * LINE))])
