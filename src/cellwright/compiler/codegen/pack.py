"""Weights in the order in which the tile reads them.

The matrix of a layer has a row for each unit of each projection, (G·H, n). Packed for x W or h U it is panels of
columns: the units of the chosen projections one after another, each projection filled up with zeros to whole
registers, `Tile.columns` of them a panel; and in a panel, for each of the n terms, its columns side by side.
Packed for cotangents, which go through the transposes, the units are the terms and the n are the columns.
"""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import pointwise
from cellwright.compiler.codegen.arguments import Struct
from cellwright.compiler.codegen.ir_builder import at, count, element, function, integer, load, pointer
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Lanes, Vector, i32

# matrix, terms          (G·H, n) and n
# panels                 the result
# projections, slots     the place of each chosen projection among the G, and how many
# hidden, padded         H, and H filled up
# first, last            the item's registers of columns; of the transposes, its terms
# starts                 whether these are what sums start from, which are never split
PACK = Struct("matrix", "terms", "panels", "projections", "slots", "hidden", "padded", "first", "last", "starts")


def define_pack(module: Module, tile: Tile) -> Function:
    """Add `pack(item)`."""
    made, b = function(module, "pack", [pointer], inline=True)
    (item,) = made.args
    lanes, width = tile.lanes, tile.lanes.width
    terms, hidden, padded = (PACK.number(b, item, name) for name in ("terms", "hidden", "padded"))
    panels = PACK.address(b, item, "panels")
    slots = PACK.number(b, item, "slots")
    with count(b, PACK.number(b, item, "first"), PACK.number(b, item, "last")) as v:
        column = b.mul(v, integer(width))
        slot, unit = b.sdiv(column, padded), b.srem(column, padded)
        there = b.icmp_signed("<", slot, slots)
        known = b.select(there, slot, integer(0))
        left = b.select(there, b.sub(hidden, unit), integer(0))  # units from here on: fewer than lanes at the end
        projection = load(b, PACK.address(b, item, "projections"), known)
        first_row = b.add(b.mul(projection, hidden), unit)
        matrix = element(b, PACK.address(b, item, "matrix"), b.mul(first_row, terms), lanes.bytes)

        def store(kind: Tile, v: Value = v, matrix: Value = matrix, left: Value = left) -> None:
            place = b.mul(b.mul(b.sdiv(v, integer(kind.vectors)), kind.panel_rows(b, terms)), integer(kind.columns))
            place = b.add(place, b.mul(b.srem(v, integer(kind.vectors)), integer(width)))
            target = at(b, panels, place, lanes.scalar)
            with count(b, integer(0), kind.filled(b, terms), integer(width)) as k:
                block = [_row(b, lanes, (matrix, left, terms), lane, k) for lane in range(width)]
                kind.store_block(b, transposed(block), target, terms, k)

        if tile.plain == tile:
            store(tile)
        else:
            with b.if_else(b.icmp_signed("!=", PACK.number(b, item, "starts"), integer(0))) as (of_starts, of_factors):
                with of_starts:
                    store(tile.plain)
                with of_factors:
                    store(tile)
    b.ret_void()
    return made


def define_transposes(module: Module, tile: Tile) -> Function:
    """Add `transposes(item)`."""
    made, b = function(module, "transposes", [pointer], inline=True)
    (item,) = made.args
    lanes, size = tile.lanes, tile.lanes.bytes
    columns, hidden, padded = (PACK.number(b, item, name) for name in ("terms", "hidden", "padded"))
    terms = b.mul(PACK.number(b, item, "slots"), padded)
    line = tile.columns * size

    def row(k: Value, column: Value) -> list[Vector]:
        """The columns of a panel of term k; zero where there is none."""
        unit, slot, known = b.srem(k, padded), b.sdiv(k, padded), b.icmp_signed("<", k, terms)
        projection = load(b, PACK.address(b, item, "projections"), b.select(known, slot, integer(0)))
        source = b.mul(b.add(b.mul(projection, hidden), unit), columns)
        there = b.select(b.and_(known, b.icmp_signed("<", unit, hidden)), columns, integer(0))
        place, left = element(b, PACK.address(b, item, "matrix"), b.add(source, column), size), b.sub(there, column)
        return [
            lanes.load(b, at(b, place, step, lanes.scalar), pointwise.inside_mask(b, lanes, step, left))
            for step in tile.steps
        ]

    first, last = PACK.number(b, item, "first"), PACK.number(b, item, "last")
    with count(b, first, last, integer(tile.together)) as k, count(b, integer(0), columns, integer(tile.columns)) as c:
        panel = b.mul(b.sdiv(c, integer(tile.columns)), tile.panel_rows(b, terms))
        target = element(b, PACK.address(b, item, "panels"), panel, line)
        tile.store_rows([row(b.add(k, integer(i)), c) for i in range(tile.together)], target, k, terms)
    b.ret_void()
    return made


def _row(b: Builder, lanes: Lanes, matrix: tuple[Value, Value, Value], lane: int, k: Value) -> Vector:
    """Terms k and on of row `lane` of a matrix (its address, rows, columns); zero where there is none."""
    place, left, terms = matrix
    inside = b.icmp_signed("<", integer(lane), left)
    mask = pointwise.inside_mask(b, lanes, k, b.select(inside, terms, integer(0)))
    return lanes.load(b, at(b, place, b.add(b.mul(integer(lane), terms), k), lanes.scalar), mask)


def transposed(block: list[Vector]) -> list[Vector]:
    """Rows to columns, by as many perfect shuffles as the number of lanes has bits."""
    width, half = len(block), len(block) // 2
    kind = ir.VectorType(i32, width)
    low = ir.Constant(kind, [k // 2 + (k % 2) * width for k in range(width)])
    high = ir.Constant(kind, [half + k // 2 + (k % 2) * width for k in range(width)])
    for _ in range(width.bit_length() - 1):
        block = [
            a.new(a.builder.shuffle_vector(a.value, c.value, order))
            for a, c in zip(block[:half], block[half:], strict=True)
            for order in (low, high)
        ]
    return block
