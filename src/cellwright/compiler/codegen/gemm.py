"""The gradients that are sums over rows or products of rows, once the cotangents of x and u are there.

    weights   C = Aᵀ B, A the cotangents (S, m), B what the weights multiplied (S, n), and the sums of A's columns
    inputs    C = A W, or C += A W, A the cotangents (S, k), row by row
    rows      what came of either, in whole registers, panels and slots, in the order and without what filled it up

A library's matrix product would do, but its sums change with the shape and the threads; nor is that of oneMKL, which
torch calls, faster where this was measured (`benchmarks/machine.py` shows both rates, docs/benchmarks.md those there).

Every element of C is one sum over the rows in their order, whatever the number of threads: threads take columns of A in
the first, rows in the second. A may hold a stretch of the S rows: then C takes up the sums of the stretches before.
Two A's of one row of C, those of two directions, are multiplied each for itself and then added, so that it is the same
which of them comes first.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import bfloat16, pointwise
from cellwright.compiler.codegen.arguments import Struct
from cellwright.compiler.codegen.ir_builder import at, count, element, function, integer, load, minimum, pointer
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Lanes, Vector, i64

BLOCK = 256  # rows of A whose addresses `inputs` writes down at a time

# a, b, c, sums    A, its rows whole registers long; B; C (m, wide); the sums (m, filled up) of A's columns or 0
# places (S,)      the rows of B that the rows of A meet
# a_width, b_width, c_width    elements between rows
# before           how many of the S rows there are before A's;   adds    whether C and the sums hold those of others
# rows, columns    A's rows, n;   first, last    the item's columns of A;   copies    elements as `copies` counts them
# block            rows that are multiplied at a time;   zeros    as many as a row of C has
# next             the address of words with another B, and its C, for the same A; or 0
# half             whether B is in 16 bits
WEIGHTS = Struct(
    *("a", "b", "c", "sums", "places", "a_width", "b_width", "c_width"),
    *("before", "adds", "rows", "columns", "first", "last", "copies", "block", "zeros", "next", "half"),
)

# places (S,)      the rows of C that come of the rows of A
# before, adds     as in `weights`
# c_width, number  n, and how many panels they are;   first, last    the item's rows of A
# lists            two lists of BLOCK row addresses;   whole    BLOCK rows of whole panels
# operands         as an item of a loop has them
INPUTS = Struct(
    *("a", "c", "places", "before", "adds", "a_width", "c_width", "terms", "panels", "starts", "number"),
    *("first", "last", "lists", "whole", "operands"),
)

# source           rows of a product, or 0: then the target becomes zero;   target    where they go, without padding
# rows, columns    what is copied;   source_width, target_width    elements between rows
ROWS = Struct("source", "target", "rows", "columns", "source_width", "target_width")


class Run(NamedTuple):
    """Rows or columns from the first on, up to the last."""

    first: Value
    last: Value


class WeightsItem:
    """An item of `weights`: its matrices, and what copies and multiplies them, which goes by the tile.

    shares_a    whether what it copies of A serves several Bs
    """

    shares_a = False

    def __init__(self, module: Module, tile: Tile, halves: bool) -> None:
        self.tile, self.halves = tile, halves
        self.define_parts(module)
        self.function, self.b = function(module, "weights", [pointer], inline=True)
        (self.item,) = self.function.args

    @staticmethod
    def block(tile: Tile, columns: int) -> int:
        """How many rows are multiplied at a time with Bs of so many columns in all."""
        raise NotImplementedError

    @staticmethod
    def copies(tile: Tile, columns: int) -> int:
        """How many elements an item copies at a time of Bs of so many columns in all, whole panels, and of A."""
        raise NotImplementedError

    def define_parts(self, module: Module) -> None:
        """Add the functions that the item calls."""
        raise NotImplementedError

    def multiply(self, rows: Run) -> None:
        """Add to C the product of some rows, or where they are the first set it; so with the sums of A's columns."""
        raise NotImplementedError

    # --- the same for every tile ------------------------------------------------------------------------
    def number(self, name: str) -> Value:
        """One of the item's sizes."""
        return WEIGHTS.number(self.b, self.item, name)

    def address(self, name: str) -> Value:
        """One of the item's addresses."""
        return WEIGHTS.address(self.b, self.item, name)

    def line(self, name: str, row: Value, start: Value) -> Value:
        """The address of element `start` of a row of A, B or C."""
        place = self.b.add(self.b.mul(row, self.number(f"{name}_width")), start)
        return at(self.b, self.address(name), place, self.tile.lanes.scalar)

    def place(self, k: Value) -> Value:
        """The row of B that row k of A meets."""
        return load(self.b, self.address("places"), self.b.add(self.number("before"), k))

    def sets(self, rows: Run) -> Value:
        """Whether these rows of A are the first of all that C is the sum of."""
        b = self.b
        return b.icmp_signed("==", b.or_(rows.first, self.number("adds")), integer(0))

    def row_of_panel(self, k: Value, column: Value) -> list[Vector]:
        """The columns of a panel of the row of B that row k of A meets; zero beyond B's columns."""
        b, tile, columns = self.b, self.tile, self.number("columns")
        source = self.line("b", self.place(k), column)
        masks = [pointwise.inside_mask(b, tile.lanes, b.add(column, step), columns) for step in tile.steps]
        return [tile.lanes.load(b, b.gep(source, [s]), mask) for s, mask in zip(tile.steps, masks, strict=True)]

    def add_columns(self, rows: Run, columns: Run) -> None:
        """Add some rows of A to the sums, in whole registers; the first column is a multiple of the lanes."""
        b, lanes, width = self.b, self.tile.lanes, integer(self.tile.lanes.width)
        totals = self.address("sums")
        with b.if_then(b.icmp_unsigned("!=", b.ptrtoint(totals, i64), integer(0))):
            with b.if_then(self.sets(rows)), count(b, *columns, width) as i:
                lanes.store(Vector(lanes, b, lanes.constant(0.0)), at(b, totals, i, lanes.scalar))
            with count(b, *rows) as k, count(b, *columns, width) as i:
                total = at(b, totals, i, lanes.scalar)
                lanes.store(lanes.load(b, total) + self.of_a(k, i), total)

    def of_a(self, k: Value, column: Value) -> Vector:
        """A register of row k of A."""
        b, lanes = self.b, self.tile.lanes
        if not self.halves:
            return lanes.load(b, self.line("a", k, column))
        place = b.add(b.mul(k, self.number("a_width")), column)
        return bfloat16.load(b, lanes, at(b, self.address("a"), place, bfloat16.i16))


def define_weights(module: Module, tile: Tile, kind: type[WeightsItem], halves: bool = False) -> Function:
    """Add `weights(item)`: the item's rows of C = Aᵀ B, and of the sums; A is in 16 bits where `halves` says so.

    Both are copied before they are multiplied. Where they stand, elements of a column lie a row apart, often by a power
    of two, so that they push each other out of the caches.
    """
    w = kind(module, tile, halves)
    b = w.b
    tile.begin(b)
    total, block = w.number("rows"), w.number("block")
    with count(b, integer(0), total, block) as begin:
        w.multiply(Run(begin, minimum(b, b.add(begin, block), total)))
    tile.end(b)
    b.ret_void()
    return w.function


def define_inputs(module: Module, tile: Tile, halves: bool = False) -> Function:
    """Add `inputs(item)`: the item's rows of C = starts + A W; where it adds, of C += starts + A W.

    A is in 16 bits where `halves` says so. Products of whole panels that nothing is added to are made in C itself.
    """
    product = tile.define_product(module, halves=halves)
    made, b = function(module, "inputs", [pointer], inline=True)
    (item,) = made.args
    tile.begin(b)
    before, adds, terms, number, first, last = (
        INPUTS.number(b, item, name) for name in ("before", "adds", "terms", "number", "first", "last")
    )
    a_width, c_width = (INPUTS.number(b, item, name) for name in ("a_width", "c_width"))
    lists, whole, size = INPUTS.address(b, item, "lists"), INPUTS.address(b, item, "whole"), tile.lanes.bytes
    results = b.gep(lists, [integer(8 * BLOCK)])
    line = b.mul(number, integer(tile.columns * size))
    sets = b.icmp_signed("==", adds, integer(0))
    direct = b.and_(sets, b.icmp_signed("==", c_width, b.mul(number, integer(tile.columns))))

    def of_c(row: Value) -> Value:
        place = load(b, INPUTS.address(b, item, "places"), b.add(before, row))
        return element(b, INPUTS.address(b, item, "c"), b.mul(place, c_width), size)

    with count(b, first, last, integer(BLOCK)) as begin:
        here = minimum(b, integer(BLOCK), b.sub(last, begin))
        with count(b, integer(0), here) as k:
            row = b.add(begin, k)
            of_a = element(b, INPUTS.address(b, item, "a"), b.mul(row, a_width), 2 if halves else size)
            b.store(of_a, at(b, lists, k, pointer))
            target = b.select(direct, of_c(row), b.gep(whole, [b.mul(k, line)]))
            b.store(target, at(b, results, k, pointer))
        arguments = [terms, INPUTS.address(b, item, "panels"), INPUTS.address(b, item, "starts"), integer(0)]
        b.call(product, [here, lists, results, *arguments, number, INPUTS.address(b, item, "operands")])
        with b.if_then(b.not_(direct)), count(b, integer(0), here) as k:
            found = load(b, results, k, pointer)
            _put(b, tile.lanes, found, of_c(b.add(begin, k)), c_width, sets)
    tile.end(b)
    b.ret_void()
    return made


def _put(b: Builder, lanes: Lanes, source: Value, target: Value, columns: Value, sets: Value) -> None:
    """Set a row to another, or add that to it. Many arguments: a copy."""
    known = b.select(sets, integer(0), columns)  # of a row that is set no element is read
    with count(b, integer(0), columns, integer(lanes.width)) as c:
        place, inside = at(b, target, c, lanes.scalar), pointwise.inside_mask(b, lanes, c, columns)
        value = lanes.load(b, at(b, source, c, lanes.scalar), inside)
        lanes.store(value + lanes.load(b, place, pointwise.inside_mask(b, lanes, c, known)), place, inside)


def define_rows(module: Module, lanes: Lanes) -> Function:
    """Add `rows(item)`: the item's rows, copied to where they belong."""
    made, b = function(module, "rows", [pointer], inline=True)
    (item,) = made.args
    source, target = (ROWS.address(b, item, name) for name in ("source", "target"))
    rows, columns, wide, narrow = (
        ROWS.number(b, item, name) for name in ("rows", "columns", "source_width", "target_width")
    )
    there = b.icmp_unsigned("!=", b.ptrtoint(source, i64), integer(0))
    known = b.select(there, columns, integer(0))  # of a source that is not there no element is read
    with count(b, integer(0), rows) as r:
        old, new = (
            element(b, base, b.mul(r, width), lanes.bytes) for base, width in ((source, wide), (target, narrow))
        )
        with count(b, integer(0), columns, integer(lanes.width)) as c:
            value = lanes.load(b, at(b, old, c, lanes.scalar), pointwise.inside_mask(b, lanes, c, known))
            lanes.store(value, at(b, new, c, lanes.scalar), pointwise.inside_mask(b, lanes, c, columns))
    b.ret_void()
    return made
