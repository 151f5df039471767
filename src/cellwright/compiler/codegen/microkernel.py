"""The matrix product of a few rows: C[r] = start + A[r] · B, a tile of it held in registers.

    tile(m, A, C, k, panel, start, column)

A and C are lists of row addresses, so that rows may lie anywhere (steps of different sequences, a scratch area);
the results go to C[r] from `column` on; where start is 0, they are added to what is there. B is packed into panels
of VECTORS × lanes columns: for each of its k rows, the panel's columns side by side, which is the order in which
the tile reads them.

Every element is summed in the same order, start + a_0 b_0 + a_1 b_1 + …, each with one fused multiply-add: its bits
depend neither on the rows that share its tile nor on how many there are.

The tile is as large as the registers allow. Of 32 registers, 6 rows × 4 vectors take 24, the panel's row 4, and the
element of A is a memory operand; of 16, 6 × 2 take 12 (the shape of Van Zee and van de Geijn 2015, BLIS).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen.ir_builder import (
    Span,
    accumulate,
    at,
    choose,
    count,
    element,
    function,
    integer,
    load,
    minimum,
    pointer,
)
from cellwright.compiler.codegen.vector import Lanes, Vector, i64
from cellwright.compiler.target import Target

ROWS = 6
PART = [i64, pointer, pointer, i64, pointer, pointer, i64, i64, i64, pointer]  # the arguments of `define_part`


@dataclass(frozen=True)
class Tile:
    """The shape of a tile: ROWS rows and `vectors` registers of columns."""

    lanes: Lanes
    vectors: int

    @property
    def columns(self) -> int:
        """The columns of a panel."""
        return self.vectors * self.lanes.width

    @property
    def steps(self) -> list[Value]:
        """Where each register of a panel's row begins."""
        return [integer(v * self.lanes.width) for v in range(self.vectors)]

    @property
    def few(self) -> list[tuple[int, int]]:
        """Numbers of rows that fill too few registers of sums, and how many panels to multiply them by at once.

        An fma takes four cycles, and two begin in each: eight sums keep the processor busy.
        """
        return [(n, 8 // (n * self.vectors)) for n in range(1, ROWS) if 2 * n * self.vectors <= 8]

    def load(self, b: Builder, place: Value, panels: int = 1) -> list[Vector]:
        """A row as wide as so many panels."""
        return [self.lanes.load(b, b.gep(place, [integer(v * self.lanes.width)])) for v in range(panels * self.vectors)]

    def store(self, b: Builder, place: Value, row: list[Vector]) -> None:
        """Store a row."""
        for v, value in enumerate(row):
            self.lanes.store(value, b.gep(place, [integer(v * self.lanes.width)]))

    # --- what another arithmetic of the products does otherwise (`bfloat16_tile`) -------------------------
    def depth(self, terms: int) -> int:
        """The rows of a panel of so many terms, each as wide as `columns` numbers."""
        return terms

    def operand_bytes(self, rows: int, terms: int) -> int:
        """The scratch memory that a product of so many rows takes."""
        return 0

    def begin(self, b: Builder) -> None:
        """Before a thread multiplies."""

    def end(self, b: Builder) -> None:
        """When it has done with it."""

    @property
    def halves(self) -> bool:
        """Whether rows may be given in 16 bits, since no more of them counts."""
        return False

    def define_product(self, module: Module, *, halves: bool = False) -> Function:
        """Add the product to a module; of rows in `halves`, where they may be."""
        return define_product(module, self)

    def define_part(self, module: Module) -> Function | None:
        """Add the product of some of the terms to a module; None where there is no such."""
        return define_part(module, self)

    def make_ready(self, b: Builder, m: Value, rows: Value, k: Value, operands: Value, *, halves: bool) -> None:
        """Make m rows ready for such products; those of the type itself are. Many arguments: as `Bfloat16Tile`'s."""

    def runs(self, b: Builder, given: list[tuple[Value, Value]]) -> list[tuple[Value, Value]]:
        """The runs of terms, each its first and number, that such products are made of for those that are asked for."""
        return given

    @property
    def together(self) -> int:
        """How many terms lie in one row of a panel."""
        return 1

    @property
    def plain(self) -> Tile:
        """The tile of the same shape that multiplies in the type itself."""
        return self

    def whole(self, terms: int) -> int:
        """The terms of a panel, those that fill it up included."""
        return terms

    def filled(self, b: Builder, terms: Value) -> Value:
        """`whole` of an IR value."""
        return terms

    def panel_rows(self, b: Builder, terms: Value) -> Value:
        """`depth` of an IR value."""
        return terms

    def store_rows(self, rows: list[list[Vector]], panel: Value, k: Value, terms: Value) -> None:
        """Store the row of a panel that begins with term k: the columns of `together` terms."""
        b = rows[0][0].builder
        self.store(b, at(b, panel, b.mul(k, integer(self.columns)), self.lanes.scalar), rows[0])

    def store_block(self, b: Builder, block: list[Vector], target: Value, terms: Value, k: Value) -> None:
        """Store a register of a panel's columns for each of its terms from k on."""
        lanes = self.lanes
        with b.goto_entry_block():
            copy = b.alloca(lanes.vector, len(block))
        for lane, value in enumerate(block):
            b.store(value.value, b.gep(copy, [integer(lane)]))
        with count(b, integer(0), minimum(b, integer(len(block)), b.sub(terms, k))) as i:
            value = Vector(lanes, b, b.load(b.gep(copy, [i])))
            lanes.store(value, at(b, target, b.mul(b.add(k, i), integer(self.columns)), lanes.scalar))


def lanes_of(target: Target, dtype: str) -> Lanes:
    """The lanes of one register."""
    return Lanes(dtype, target.register_bytes // Lanes(dtype, 1).bytes)


def shape(target: Target, dtype: str) -> Tile:
    """The tile for a processor."""
    return Tile(lanes_of(target, dtype), 4 if target.registers >= 32 else 2)


def define(module: Module, tile: Tile, *, part: bool = False) -> Function:
    """Add the tile function to a module: (m, A, C, k, panel, start, column), with 1 <= m <= ROWS rows.

    That of a `part` of the terms is also given `first`.
    """
    kinds = [i64, pointer, pointer, i64, pointer, pointer, i64, *([i64] if part else [])]
    made, b = function(module, "tile_of_part" if part else "tile", kinds, inline=True)
    m, rows, results, *by = made.args
    product = Panels(*by)
    choose(b, made, m, ROWS, lambda n: _multiply(b, tile, (n, 1), (rows, results), product))
    return made


class Panels(NamedTuple):
    """The factor of a product: its k rows in panels, what the sums start from or 0, and the column of the results.

    `first` is which of a row's numbers the first of them multiplies, where that is not the row's first.
    """

    k: Value
    panel: Value
    start: Value
    column: Value
    first: Value | None = None


def _multiply(b: Builder, tile: Tile, size: tuple[int, int], lists: tuple[Value, Value], by: Panels) -> None:
    """The tile of exactly so many rows and panels; lists of the rows' and of the results' addresses. k may be 0."""
    n, wide = size
    scalar = tile.lanes.scalar
    a, results = ([load(b, addresses, integer(r), pointer) for r in range(n)] for addresses in lists)
    if by.first is not None:
        a = [element(b, row, by.first, tile.lanes.bytes) for row in a]
    targets = [at(b, result, by.column, scalar) for result in results]
    adds = b.icmp_unsigned("==", b.ptrtoint(by.start, i64), integer(0))
    starts = [b.select(adds, target, b.bitcast(by.start, scalar.as_pointer())) for target in targets]
    initial = [tile.load(b, s, wide) for s in starts]
    panels = [element(b, by.panel, b.mul(by.k, integer(w)), tile.columns * tile.lanes.bytes) for w in range(wide)]
    found = sums(b, tile, initial, by.k, panels, lambda r, j: load(b, a[r], j, scalar))
    for target, row in zip(targets, found, strict=True):
        tile.store(b, target, row)


def sums(
    b: Builder,
    tile: Tile,
    initial: list[list[Vector]],
    k: Value,
    panels: list[Value],
    factor: Callable[[int, Value], Value],
) -> list[list[Vector]]:
    """The rows of `initial`, unrolled, and to each k times a factor times the next row of the panels side by side.

    factor(r, j) gives the IR scalar for row r and row j of the panels.
    """
    lanes = tile.lanes

    def step(j: Value, rows: list[list[Value]]) -> list[list[Value]]:
        line = b.mul(j, integer(tile.columns))
        weights = [value for panel in panels for value in tile.load(b, at(b, panel, line, lanes.scalar))]
        found = []
        for r, row in enumerate(rows):
            splat = lanes.splat(b, factor(r, j))
            found.append([splat.fma(w, Vector(lanes, b, v)).value for w, v in zip(weights, row, strict=True)])
        return found

    found = accumulate(b, "k", k, [[v.value for v in row] for row in initial], step)
    return [[Vector(lanes, b, value) for value in row] for row in found]


def define_product(module: Module, tile: Tile) -> Function:
    """Add the product of any number of rows by the panels from `begin` on.

    (m, A, C, k, panels, starts, begin, end, operands), the last of which this arithmetic has no use for. Where
    end < begin, the panels are those from `end` on, and the last comes first.

    There are no rows where m <= 0. A panel stays in the first cache while all rows pass it, in tiles of about as many
    rows each: of 7 rows, 4 and 3 keep the processor busier than 6 and 1. Where `starts` is 0, the product is added to
    what C holds.
    """
    small = define(module, tile)
    kinds = [i64, pointer, pointer, i64, pointer, pointer, i64, i64, pointer]
    made, b = function(module, "product", kinds, inline=True)
    m, rows, results, k, panels, starts, begin, end, _ = made.args
    line = tile.columns * tile.lanes.bytes
    adds = b.icmp_unsigned("==", b.ptrtoint(starts, i64), integer(0))
    span = Span(b, begin, end)

    def factor(p: Value) -> Panels:
        """The panels from the p-th on."""
        start = b.select(adds, starts, element(b, starts, p, line))
        return Panels(k, element(b, panels, b.mul(p, k), line), start, b.mul(p, integer(tile.columns)))

    done = b.alloca(i64)
    b.store(span.first, done)
    for n, wide in tile.few:
        with b.if_then(b.icmp_unsigned("==", m, integer(n))):
            b.store(b.sub(span.last, b.srem(b.sub(span.last, span.first), integer(wide))), done)
            with count(b, span.first, b.load(done), integer(wide)) as p:
                _multiply(b, tile, (n, wide), (rows, results), factor(span.place(p, wide)))
    tiles = b.sdiv(b.add(m, integer(ROWS - 1)), integer(ROWS))
    with count(b, b.load(done), span.last) as p:
        _in_tiles(b, small, (m, tiles), (rows, results), factor(span.place(p))[:4])
    b.ret_void()
    return made


def define_part(module: Module, tile: Tile) -> Function:
    """Add the product of any number of rows by some rows of one panel.

    (m, A, C, k, panels, starts, p, first, terms, operands), the last of which this arithmetic has no use for: of the
    p-th panel so many terms from the first on, which are added to what C holds where `starts` is 0.
    """
    small = define(module, tile, part=True)
    made, b = function(module, "part", PART, inline=True)
    m, rows, results, k, panels, starts, p, first, terms, _ = made.args
    line = tile.columns * tile.lanes.bytes
    adds = b.icmp_unsigned("==", b.ptrtoint(starts, i64), integer(0))
    start, column = b.select(adds, starts, element(b, starts, p, line)), b.mul(p, integer(tile.columns))
    by = [terms, element(b, panels, b.add(b.mul(p, k), first), line), start, column, first]
    _in_tiles(b, small, (m, b.sdiv(b.add(m, integer(ROWS - 1)), integer(ROWS))), (rows, results), by)
    b.ret_void()
    return made


def _in_tiles(
    b: Builder, small: Function, number: tuple[Value, Value], lists: tuple[Value, Value], by: Sequence[Value]
) -> None:
    """The product of m rows by a panel, in so many tiles of about as many rows each."""
    m, tiles = number
    with count(b, integer(0), tiles) as t:
        first, last = (b.sdiv(b.mul(m, edge), tiles) for edge in (t, b.add(t, integer(1))))
        b.call(small, [b.sub(last, first), *(element(b, each, first, 8) for each in lists), *by])
