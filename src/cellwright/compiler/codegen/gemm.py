"""The gradients that are sums over rows or products of rows, once the cotangents of x and u are there.

    weights   C = Aᵀ B, A the cotangents (S, m), B what the weights multiplied (S, n), and the sums of A's columns
    inputs    C = A W, or C += A W, A the cotangents (S, k), row by row

A library's matrix product would do, but its sums change with the shape and the threads; nor is that of oneMKL, which
torch calls, faster where this was measured (`benchmarks/machine.py` shows both rates, docs/benchmarks.md those there).

Every element of C is one sum over the rows in their order, whatever the number of threads: threads take columns of A in
the first, rows in the second.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import pointwise
from cellwright.compiler.codegen.arguments import Struct
from cellwright.compiler.codegen.ir_builder import at, choose, count, element, function, integer, load, minimum, pointer
from cellwright.compiler.codegen.microkernel import ROWS, Tile, define_product, sums
from cellwright.compiler.codegen.vector import Vector, i64

# Rows, and columns of A, that are multiplied at a time: of these, A stays in the second cache while all of B passes,
# a panel of it in the first.
BLOCK, MOST = 256, 32 * ROWS
MANY = 192  # columns of B from which on it pays to copy A
STRIP = BLOCK * ROWS + 16  # elements from strip to strip: by a power of two they would share few sets of a cache

# a, b, c, sums    A, its rows whole registers long; B; C (m, wide); the sums (m, filled up) of A's columns or 0
# places (S,)      the rows of B that the rows of A meet
# a_width, b_width, c_width    elements between rows
# rows, columns    S, n;   first, last    the item's columns of A;   copies    elements as `copies` counts them
WEIGHTS = Struct(
    *("a", "b", "c", "sums", "places", "a_width", "b_width", "c_width"),
    *("rows", "columns", "first", "last", "copies"),
)

# places (S,)      the rows of C that come of the rows of A
# first, last      the item's rows of A;   lists    two lists of BLOCK row addresses
INPUTS = Struct(
    "a", "c", "places", "a_width", "c_width", "terms", "panels", "starts", "number", "first", "last", "lists"
)


def copies(tile: Tile, columns: int) -> int:
    """How many elements an item copies at a time: a panel of B, and of A where B has many columns."""
    return BLOCK * tile.columns + (MOST // ROWS * STRIP if columns >= MANY else 0)


def define_weights(module: Module, tile: Tile) -> Function:
    """Add `weights(item)`: the item's rows of C = Aᵀ B, and of the sums.

    B is copied in panels before it is multiplied, and where it is wide, A in strips of a tile's rows. Where they stand,
    elements of a column lie a row apart, often by a power of two, so that they push each other out of the caches.
    """
    product = _weights_tile(module, tile)
    made, b = function(module, "weights", [pointer], inline=True)
    (item,) = made.args
    w = _Weights(b, tile, item)
    total, first, last, columns = (w.number(name) for name in ("rows", "first", "last", "columns"))
    many = b.icmp_signed(">=", columns, integer(MANY))
    most = b.select(many, integer(MOST), b.sub(last, first))
    stride = b.select(many, integer(ROWS), w.number("a_width"))
    with count(b, integer(0), total, integer(BLOCK)) as begin:
        rows = Run(begin, minimum(b, b.add(begin, integer(BLOCK)), total))
        with count(b, first, last, most) as left:
            right = minimum(b, b.add(left, most), last)
            with b.if_then(many):
                w.copy_strips(rows, Run(left, right))
            with count(b, integer(0), columns, integer(tile.columns)) as column:
                w.copy_panel(rows, column)
                with count(b, left, right, integer(ROWS)) as i:
                    here = minimum(b, integer(ROWS), b.sub(right, i))
                    copied, there = w.strip(b.sub(i, left)), w.line("a", begin, i)
                    strip = b.select(many, copied, b.bitcast(there, pointer))
                    b.call(product, [here, item, strip, stride, w.panel, *rows, i, column])
        totals = w.address("sums")
        with b.if_then(b.icmp_unsigned("!=", b.ptrtoint(totals, i64), integer(0))):
            w.add_columns(totals, rows, Run(first, last))
    b.ret_void()
    return made


class Run(NamedTuple):
    """Rows or columns from the first on, up to the last."""

    first: Value
    last: Value


class _Weights:
    """An item of `weights`: its matrices, and the copies it makes of what it multiplies.

    copies   panel   (BLOCK, a tile's columns)   of B
             strips  (BLOCK, ROWS) each          of A, one after another
    """

    def __init__(self, b: Builder, tile: Tile, item: Value) -> None:
        self._b, self._tile, self._item = b, tile, item
        self.panel = self.address("copies")
        self._strips = element(b, self.panel, integer(BLOCK * tile.columns), tile.lanes.bytes)

    def number(self, name: str) -> Value:
        """One of the item's sizes."""
        return WEIGHTS.number(self._b, self._item, name)

    def address(self, name: str) -> Value:
        """One of the item's addresses."""
        return WEIGHTS.address(self._b, self._item, name)

    def line(self, name: str, row: Value, start: Value) -> Value:
        """The address of element `start` of a row of A, B or C."""
        place = self._b.add(self._b.mul(row, self.number(f"{name}_width")), start)
        return at(self._b, self.address(name), place, self._tile.lanes.scalar)

    def strip(self, column: Value) -> Value:
        """The address of the strip of A's copy that begins with a column."""
        b, size = self._b, self._tile.lanes.bytes
        return element(b, self._strips, b.mul(b.sdiv(column, integer(ROWS)), integer(STRIP)), size)

    def copy_strips(self, rows: Run, columns: Run) -> None:
        """Copy some rows and columns of A in strips, the last of which may not be full."""
        b, lanes, (left, right) = self._b, self._tile.lanes, columns
        row_of_strip = ir.VectorType(lanes.scalar, ROWS).as_pointer()
        whole = b.sub(right, b.srem(b.sub(right, left), integer(ROWS)))
        with count(b, *rows) as k:
            source, row = self.line("a", k, integer(0)), b.mul(b.sub(k, rows.first), integer(ROWS))
            with count(b, left, whole, integer(ROWS)) as i:
                value = b.load(b.bitcast(b.gep(source, [i]), row_of_strip))
                value.align = lanes.bytes
                target = at(b, self.strip(b.sub(i, left)), row, lanes.scalar)
                b.store(value, b.bitcast(target, row_of_strip)).align = lanes.bytes
            target = at(b, self.strip(b.sub(whole, left)), row, lanes.scalar)
            with count(b, whole, right) as i:
                b.store(b.load(b.gep(source, [i])), b.gep(target, [b.sub(i, whole)]))

    def copy_panel(self, rows: Run, column: Value) -> None:
        """Copy some rows of the panel of B from `column` on; zero beyond B's columns."""
        b, tile = self._b, self._tile
        columns = self.number("columns")
        masks = [pointwise.inside_mask(b, tile.lanes, b.add(column, step), columns) for step in tile.steps]
        with count(b, *rows) as k:
            source = self.line("b", load(b, self.address("places"), k), column)
            row = [tile.lanes.load(b, b.gep(source, [s]), mask) for s, mask in zip(tile.steps, masks, strict=True)]
            target = b.mul(b.sub(k, rows.first), integer(tile.columns))
            tile.store(b, at(b, self.panel, target, tile.lanes.scalar), row)

    def multiply(
        self, n: int, strip: tuple[Value, Value], panel: Value, rows: Run, at_result: tuple[Value, Value]
    ) -> None:
        """n rows of C from a row and a column on, plus the strip (its address, and elements between rows) times B."""
        b, tile, (place, stride), (i, column) = self._b, self._tile, strip, at_result
        targets = [self.line("c", b.add(i, integer(r)), column) for r in range(n)]
        is_first = b.icmp_signed("==", rows.first, integer(0))
        zero = Vector(tile.lanes, b, tile.lanes.constant(0.0))
        initial = [[zero.select(is_first, value) for value in tile.load(b, t)] for t in targets]

        def factor(r: int, j: Value) -> Value:
            return load(b, place, b.add(b.mul(j, stride), integer(r)), tile.lanes.scalar)

        found = sums(b, tile, initial, b.sub(rows.last, rows.first), [panel], factor)
        for target, row in zip(targets, found, strict=True):
            tile.store(b, target, row)

    def add_columns(self, totals: Value, rows: Run, columns: Run) -> None:
        """Add some rows of A to the sums, in whole registers; the first column is a multiple of the lanes."""
        b, lanes, width = self._b, self._tile.lanes, integer(self._tile.lanes.width)
        with b.if_then(b.icmp_signed("==", rows.first, integer(0))), count(b, *columns, width) as i:
            lanes.store(Vector(lanes, b, lanes.constant(0.0)), at(b, totals, i, lanes.scalar))
        with count(b, *rows) as k, count(b, *columns, width) as i:
            total = at(b, totals, i, lanes.scalar)
            lanes.store(lanes.load(b, total) + lanes.load(b, self.line("a", k, i)), total)


def _weights_tile(module: Module, tile: Tile) -> Function:
    """(m, item, strip, stride, …): C[i : i+m, column : …] += Aᵀ B over the rows begin to end; A is at strip."""
    kinds = [i64, pointer, pointer, i64, pointer, i64, i64, i64, i64]
    made, b = function(module, "weights_tile", kinds, inline=True)
    m, item, strip, stride, panel, begin, end, i, column = made.args
    w = _Weights(b, tile, item)
    choose(b, made, m, ROWS, lambda n: w.multiply(n, (strip, stride), panel, Run(begin, end), (i, column)))
    return made


def define_inputs(module: Module, tile: Tile) -> Function:
    """Add `inputs(item)`: the item's rows of C = starts + A W; where starts is 0, of C += A W."""
    product = define_product(module, tile)
    made, b = function(module, "inputs", [pointer], inline=True)
    (item,) = made.args
    lists = INPUTS.address(b, item, "lists")
    results = b.gep(lists, [integer(8 * BLOCK)])
    first, last = INPUTS.number(b, item, "first"), INPUTS.number(b, item, "last")
    with count(b, first, last, integer(BLOCK)) as begin:
        here = minimum(b, integer(BLOCK), b.sub(last, begin))
        with count(b, integer(0), here) as k:
            row = b.add(begin, k)
            place = load(b, INPUTS.address(b, item, "places"), row)
            for name, index, target in (("a", row, lists), ("c", place, results)):
                width = b.mul(INPUTS.number(b, item, f"{name}_width"), integer(tile.lanes.bytes))
                b.store(b.gep(INPUTS.address(b, item, name), [b.mul(index, width)]), at(b, target, k, pointer))
        arguments = [INPUTS.number(b, item, "terms"), INPUTS.address(b, item, "panels")]
        arguments += [INPUTS.address(b, item, "starts"), integer(0), INPUTS.number(b, item, "number")]
        b.call(product, [here, lists, results, *arguments])
    b.ret_void()
    return made
