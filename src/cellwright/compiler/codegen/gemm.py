"""The gradients that are sums over rows or products of rows, once the cotangents of x and u are there.

    weights   C = Aᵀ B, A the cotangents (S, m), B what the weights multiplied (S, n), and the sums of A's columns
    inputs    C = A W, or C += A W, A the cotangents (S, k), row by row
    rows      what came of either, in whole registers, panels and slots, in the order and without what filled it up

A library's matrix product would do, but its sums change with the shape and the threads; nor is that of oneMKL, which
torch calls, faster where this was measured (`benchmarks/machine.py` shows both rates, docs/benchmarks.md those there).

Every element of C is one sum over the rows in their order, whatever the number of threads: threads take columns of A in
the first, rows in the second.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite.ir import Function, Module, Value

from cellwright.compiler.codegen import bfloat16, pointwise
from cellwright.compiler.codegen.arguments import Struct
from cellwright.compiler.codegen.ir_builder import at, count, element, function, integer, load, minimum, pointer
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Lanes, Vector, i64

BLOCK = 256  # rows of A whose addresses `inputs` writes down at a time

# a, b, c, sums    A, its rows whole registers long; B; C (m, wide); the sums (m, filled up) of A's columns or 0
# places (S,)      the rows of B that the rows of A meet
# a_width, b_width, c_width    elements between rows
# rows, columns    S, n;   first, last    the item's columns of A;   copies    elements as `copies` counts them
# block            rows that are multiplied at a time;   zeros    as many as a row of C has
# next             the address of words with another B, and its C, for the same A; or 0
# half             whether B is in 16 bits
WEIGHTS = Struct(
    *("a", "b", "c", "sums", "places", "a_width", "b_width", "c_width"),
    *("rows", "columns", "first", "last", "copies", "block", "zeros", "next", "half"),
)

# places (S,)      the rows of C that come of the rows of A
# first, last      the item's rows of A;   lists    two lists of BLOCK row addresses
# operands         as an item of a loop has them
INPUTS = Struct(
    *("a", "c", "places", "a_width", "c_width", "terms", "panels", "starts", "number", "first", "last"),
    *("lists", "operands"),
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

    def row_of_panel(self, k: Value, column: Value) -> list[Vector]:
        """The columns of a panel of the row of B that row k of A meets; zero beyond B's columns."""
        b, tile, columns = self.b, self.tile, self.number("columns")
        source = self.line("b", load(b, self.address("places"), k), column)
        masks = [pointwise.inside_mask(b, tile.lanes, b.add(column, step), columns) for step in tile.steps]
        return [tile.lanes.load(b, b.gep(source, [s]), mask) for s, mask in zip(tile.steps, masks, strict=True)]

    def add_columns(self, rows: Run, columns: Run) -> None:
        """Add some rows of A to the sums, in whole registers; the first column is a multiple of the lanes."""
        b, lanes, width = self.b, self.tile.lanes, integer(self.tile.lanes.width)
        totals = self.address("sums")
        with b.if_then(b.icmp_unsigned("!=", b.ptrtoint(totals, i64), integer(0))):
            with b.if_then(b.icmp_signed("==", rows.first, integer(0))), count(b, *columns, width) as i:
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
    """Add `inputs(item)`: the item's rows of C = starts + A W; where starts is 0, of C += A W.

    A is in 16 bits where `halves` says so.
    """
    product = tile.define_product(module, halves=halves)
    sizes = {"a": 2 if halves else tile.lanes.bytes, "c": tile.lanes.bytes}
    made, b = function(module, "inputs", [pointer], inline=True)
    (item,) = made.args
    tile.begin(b)
    lists = INPUTS.address(b, item, "lists")
    results = b.gep(lists, [integer(8 * BLOCK)])
    first, last = INPUTS.number(b, item, "first"), INPUTS.number(b, item, "last")
    with count(b, first, last, integer(BLOCK)) as begin:
        here = minimum(b, integer(BLOCK), b.sub(last, begin))
        with count(b, integer(0), here) as k:
            row = b.add(begin, k)
            place = load(b, INPUTS.address(b, item, "places"), row)
            for name, index, target in (("a", row, lists), ("c", place, results)):
                width = b.mul(INPUTS.number(b, item, f"{name}_width"), integer(sizes[name]))
                b.store(b.gep(INPUTS.address(b, item, name), [b.mul(index, width)]), at(b, target, k, pointer))
        arguments = [INPUTS.number(b, item, "terms"), INPUTS.address(b, item, "panels")]
        arguments += [INPUTS.address(b, item, "starts"), integer(0), INPUTS.number(b, item, "number")]
        arguments.append(INPUTS.address(b, item, "operands"))
        b.call(product, [here, lists, results, *arguments])
    tile.end(b)
    b.ret_void()
    return made


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
