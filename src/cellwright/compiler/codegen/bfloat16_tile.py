"""The matrix product of the kernels in fewer bits: float32 rows times float32 weights, multiplied as bfloat16 parts.

    product(m, A, C, k, panels, starts, begin, end, operands)       as in `microkernel`

A row of A is split into parts, once a call, into `operands`; weights are split when they are packed. Of the products of
parts those are added that count, the smallest first (`ORDER`):

    parts   products                              error, of the largest value
    1       1                                     2e-3
    2       3: 01 10 00                           5e-6
    3       6: 02 11 20 01 10 00                  3e-7, float32's own

(Ootomo and Yokota 2022, Recovering single precision accuracy from Tensor Cores; Henry, Tang and Heinecke 2019,
Leveraging the bfloat16 artificial intelligence datatype.) Sums are float32, begin with the bias, and are added to in
one order whatever the rows beside, so that a row's bits are its own.

    operands   row r   part 0: k terms, filled up to whole blocks of 32; part 1; …    bfloat16
    panel              part 0: a row for two terms, a word of 32 bits a column; part 1; …

A panel's rows are as long as those of float32, and half as many for each part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import bfloat16, pointwise, tile_registers
from cellwright.compiler.codegen.ir_builder import BYTE, at, count, element, function, integer, load, minimum, pointer
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.tile_registers import COLUMNS, LINE, ROWS, TERMS, TileRegisters
from cellwright.compiler.codegen.vector import Vector, i64

# (part of A, part of B) of each product, by how many parts there are
ORDER = {1: ((0, 0),), 2: ((0, 1), (1, 0), (0, 0)), 3: ((0, 2), (1, 1), (2, 0), (0, 1), (1, 0), (0, 0))}
MOST = 2 * ROWS  # rows that are multiplied at a time
WORD = 4  # bytes


@dataclass(frozen=True)
class Bfloat16Tile(Tile):
    """How float32 is multiplied as bfloat16: in how many parts, by tile registers or by what stands in for them.

    native    the processor rounds to bfloat16 itself
    unit      what multiplies: "amx", or "emulated amx", whose registers are memory
    """

    parts: int = 1
    native: bool = False
    unit: str = "amx"

    @property
    def emulated(self) -> bool:
        """Whether plain instructions stand in for the processor's."""
        return self.unit.startswith("emulated")

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        """The parts of A and B that are multiplied, in order."""
        return ORDER[self.parts]

    @property
    def together(self) -> int:
        """How many terms lie in one row of a panel."""
        return 2

    @property
    def plain(self) -> Tile:
        """The tile of the same shape that multiplies in the type itself."""
        return Tile(self.lanes, self.vectors)

    # --- sizes ----------------------------------------------------------------------------------------
    def whole(self, terms: int) -> int:
        """The terms of a panel, those that fill it up included."""
        return -(-terms // TERMS) * TERMS

    def depth(self, terms: int) -> int:
        """The rows of a panel."""
        return self.parts * self.whole(terms) // 2

    def operand_bytes(self, rows: int, terms: int) -> int:
        """Room for so many rows of A."""
        return (-(-rows // MOST) * MOST) * (self.depth(terms) * WORD + LINE)

    def pairs(self, b: Builder, terms: Value) -> Value:
        """The rows of one part of a panel."""
        blocks = b.sdiv(b.add(terms, integer(TERMS - 1)), integer(TERMS))
        return b.mul(blocks, integer(TERMS // 2))

    def operand_line(self, b: Builder, pairs: Value) -> Value:
        """Bytes from one row of the operands to the next: by a power of two, rows would share few cache sets."""
        return b.add(b.mul(pairs, integer(self.parts * WORD)), integer(LINE))

    # --- what a loop does -------------------------------------------------------------------------------
    def begin(self, b: Builder) -> None:
        """Before a thread multiplies."""
        if not self.emulated:
            tile_registers.configure(b)

    def end(self, b: Builder) -> None:
        """When it has done with it."""
        if not self.emulated:
            tile_registers.release(b)

    def define_product(self, module: Module) -> Function:
        """Add the product to a module."""
        multiply = define_multiply(module, self)
        kinds = [i64, pointer, pointer, i64, pointer, pointer, i64, i64, pointer]
        made, b = function(module, "product", kinds, inline=True)
        m, rows, results, k, panels, starts, begin, end, operands = made.args
        pairs = self.pairs(b, k)
        with count(b, integer(0), m) as r:
            self._split_row(
                b, load(b, rows, r, pointer), k, element_at(b, operands, r, self.operand_line(b, pairs)), pairs
            )
        b.call(multiply, [m, results, pairs, operands, panels, starts, begin, end, integer(0)])
        b.ret_void()
        return made

    def _split_row(self, b: Builder, row: Value, k: Value, target: Value, pairs: Value) -> None:
        """The parts of k terms of a row, zero up to the end of the last block."""
        lanes, width = self.lanes, self.lanes.width
        whole = b.sub(k, b.srem(k, integer(width)))
        with count(b, integer(0), whole, integer(width)) as j:
            self.store_terms(lanes.load(b, at(b, row, j, lanes.scalar)), target, j, pairs)
        with count(b, whole, b.mul(pairs, integer(2)), integer(width)) as j:
            mask = pointwise.inside_mask(b, lanes, j, k)
            self.store_terms(lanes.load(b, at(b, row, j, lanes.scalar), mask), target, j, pairs)

    def store_terms(self, terms: Vector, target: Value, j: Value, pairs: Value) -> None:
        """Split a register of terms of a row, the j-th and on, and store each part in its place."""
        b = terms.builder
        for p, part in enumerate(bfloat16.parts(terms, self.parts, self.native)):
            place = b.add(b.mul(pairs, integer(2 * p)), j)
            address = at(b, target, place, bfloat16.i16)
            kind = ir.VectorType(bfloat16.i16, self.lanes.width).as_pointer()
            b.store(bfloat16.halves(part), b.bitcast(address, kind)).align = 2

    def _store_words(self, even: Vector, odd: Vector, place: Value, pairs: Value) -> None:
        """Split a register of columns of two neighbouring terms, and store the words of each part in its row."""
        b = even.builder
        two = (bfloat16.parts(terms, self.parts, self.native) for terms in (even, odd))
        for p, (low, high) in enumerate(zip(*two, strict=True)):
            part = b.gep(place, [b.mul(pairs, integer(p * self.columns))])
            self.lanes.store(bfloat16.words(low, high), part)

    def store_rows(self, rows: list[list[Vector]], panel: Value, k: Value, terms: Value) -> None:
        """Store the row of a panel that begins with term k: the columns of two terms."""
        b = rows[0][0].builder
        pairs = self.pairs(b, terms)
        for step, even, odd in zip(self.steps, *rows, strict=True):
            place = b.add(b.mul(b.sdiv(k, integer(2)), integer(self.columns)), step)
            self._store_words(even, odd, at(b, panel, place, self.lanes.scalar), pairs)

    def store_block(self, b: Builder, block: list[Vector], target: Value, terms: Value, k: Value) -> None:
        """Store a register of columns for each of some terms from k on, of which those past the last are zero."""
        pairs = self.pairs(b, terms)
        for i in range(0, len(block), 2):
            row = b.add(b.sdiv(k, integer(2)), integer(i // 2))
            place = at(b, target, b.mul(row, integer(self.columns)), self.lanes.scalar)
            self._store_words(block[i], block[i + 1], place, pairs)

    def filled(self, b: Builder, terms: Value) -> Value:
        """The terms of a panel, filled up."""
        return b.mul(self.pairs(b, terms), integer(2))

    def panel_rows(self, b: Builder, terms: Value) -> Value:
        """The rows of a panel."""
        return b.mul(self.pairs(b, terms), integer(self.parts))


def element_at(b: Builder, base: Value, index: Value, size: Value) -> Value:
    """The address `index` × `size` bytes after `base`."""
    return b.gep(base, [b.mul(index, size)])


class _Factors(NamedTuple):
    """What is multiplied: rows of A, `line` bytes apart, and a panel, `pairs` rows for each part."""

    rows: Value
    line: Value
    panel: Value
    pairs: Value


class _Place(NamedTuple):
    """Rows in memory: the first, and how many bytes apart they are."""

    first: Value
    stride: Value


def define_multiply(module: Module, tile: Bfloat16Tile) -> Function:
    """Add multiply(m, C, pairs, operands, panels, starts, begin, end, stride): of rows that are split already.

    C are the addresses of the results, or where they are `stride` bytes apart the first; 0 says that they are not.
    There are no rows where m <= 0. A panel stays in the first cache while all rows pass it. Added once a module.
    """
    if known := module.globals.get("multiply"):
        return known
    made, b = function(module, "multiply", [i64, pointer, i64, pointer, pointer, pointer, i64, i64, i64], inline=True)
    m, results, pairs, operands, panels, starts, begin, end, stride = made.args
    registers = TileRegisters(b, emulated=tile.emulated)
    width = tile.columns * WORD
    line, panel_bytes = tile.operand_line(b, pairs), b.mul(pairs, integer(tile.parts * width))
    c = _Results(b, tile, results, stride)
    with count(b, begin, end) as p, count(b, integer(0), m, integer(MOST)) as r:
        column = b.mul(p, integer(width))
        here = minimum(b, integer(MOST), b.sub(m, r))
        factors = _Factors(element_at(b, operands, r, line), line, element_at(b, panels, p, panel_bytes), pairs)
        with c.sums(_Rows(r, here, column), starts) as (start, place):
            _tiles(b, tile, registers, here, factors, (start, place))
    b.ret_void()
    return made


class _Rows(NamedTuple):
    """Some rows of the results from the first on, and the byte where the columns of a panel begin."""

    first: Value
    number: Value
    column: Value


class _Results:
    """The results C of a product: addresses of rows, or rows `stride` bytes apart from an address on.

    Registers are stored sixteen rows at a time: there where that writes no other row, else to rows beside, that are
    copied from there.
    """

    def __init__(self, b: Builder, tile: Bfloat16Tile, results: Value, stride: Value) -> None:
        self._b, self._tile, self._results, self._stride = b, tile, results, stride
        self._width = tile.columns * WORD
        with b.goto_entry_block():
            beside = b.alloca(BYTE, MOST * self._width)
        beside.align = LINE
        self._beside: Value = beside
        self._regular = b.icmp_signed("!=", stride, integer(0))

    @contextmanager
    def sums(self, rows: _Rows, starts: Value) -> Iterator[tuple[_Place, _Place]]:
        """Where the sums of some rows start, and where they are to be stored; the latter is done with at the end.

        They start from what C holds where `starts` is 0.
        """
        b = self._b
        full = b.or_(*(b.icmp_signed("==", rows.number, integer(n)) for n in (MOST, ROWS)))
        direct = b.and_(full, self._regular)
        there = b.gep(self._results, [b.add(b.mul(rows.first, self._stride), rows.column)])
        place = _Place(b.select(direct, there, self._beside), b.select(direct, self._stride, integer(self._width)))
        adds = b.icmp_unsigned("==", b.ptrtoint(starts, i64), integer(0))
        with b.if_then(b.and_(adds, b.not_(direct))):
            self._copy(rows, lambda k: (self._row(rows, k), self._beside_row(k)))
        bias = _Place(b.gep(starts, [rows.column]), integer(0))  # every row is the same
        yield _Place(*(b.select(adds, x, y) for x, y in zip(place, bias, strict=True))), place
        with b.if_then(b.not_(direct)):
            self._copy(rows, lambda k: (self._beside_row(k), self._row(rows, k)))

    def _copy(self, rows: _Rows, places: Callable[[Value], tuple[Value, Value]]) -> None:
        """Copy rows as wide as a panel, the k-th from one place to the other."""
        b, tile = self._b, self._tile
        with count(b, integer(0), rows.number) as k:
            source, target = (at(b, place, integer(0), tile.lanes.scalar) for place in places(k))
            tile.store(b, target, tile.load(b, source))

    def _beside_row(self, k: Value) -> Value:
        return element(self._b, self._beside, k, self._width)

    def _row(self, rows: _Rows, k: Value) -> Value:
        """The columns of the k-th of some rows."""
        b = self._b
        r = b.add(rows.first, k)
        with b.if_else(self._regular) as (regular, by_list):
            with regular:
                there, after_regular = b.gep(self._results, [b.mul(r, self._stride)]), b.block
            with by_list:
                listed, after_list = load(b, self._results, r, pointer), b.block
        address = b.phi(pointer)
        address.add_incoming(there, after_regular)
        address.add_incoming(listed, after_list)
        return b.gep(address, [rows.column])


def _tiles(
    b: Builder, tile: Bfloat16Tile, registers: TileRegisters, rows: Value, by: _Factors, sums: tuple[_Place, _Place]
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
    tile: Bfloat16Tile,
    registers: TileRegisters,
    shape: tuple[int, range],
    by: _Factors,
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
        with count(b, integer(0), by.pairs, integer(TERMS // 2)) as k:
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
