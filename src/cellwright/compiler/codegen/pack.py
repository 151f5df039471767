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
from cellwright.compiler.codegen.ir_builder import at, count, element, function, integer, load, minimum, pointer
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Lanes, Vector, i32

# matrix, terms          (G·H, n) and n
# panels                 the result
# projections, slots     the place of each chosen projection among the G, and how many
# hidden, padded         H, and H filled up
# first, last            the item's registers of columns; of the transposes, its terms
PACK = Struct("matrix", "terms", "panels", "projections", "slots", "hidden", "padded", "first", "last")


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
        place = b.mul(b.mul(b.sdiv(v, integer(tile.vectors)), terms), integer(tile.columns))
        place = b.add(place, b.mul(b.srem(v, integer(tile.vectors)), integer(width)))
        target = element(b, panels, place, lanes.bytes)
        with count(b, integer(0), terms, integer(width)) as k:
            block = [_row(b, lanes, (matrix, left, terms), lane, k) for lane in range(width)]
            _store(b, tile, _transposed(block), target, terms, k)
    b.ret_void()
    return made


def define_transposes(module: Module, tile: Tile) -> Function:
    """Add `transposes(item)`."""
    made, b = function(module, "transposes", [pointer], inline=True)
    (item,) = made.args
    lanes, size = tile.lanes, tile.lanes.bytes
    columns, hidden, padded = (PACK.number(b, item, name) for name in ("terms", "hidden", "padded"))
    terms = b.mul(PACK.number(b, item, "slots"), padded)
    with count(b, PACK.number(b, item, "first"), PACK.number(b, item, "last")) as k:
        unit = b.srem(k, padded)
        projection = load(b, PACK.address(b, item, "projections"), b.sdiv(k, padded))
        source = b.mul(b.add(b.mul(projection, hidden), unit), columns)
        there = b.select(b.icmp_signed("<", unit, hidden), columns, integer(0))
        with count(b, integer(0), columns, integer(tile.columns)) as column:
            row = element(b, PACK.address(b, item, "matrix"), b.add(source, column), size)
            place = b.add(b.mul(column, terms), b.mul(k, integer(tile.columns)))
            target = at(b, PACK.address(b, item, "panels"), place, lanes.scalar)
            left = b.sub(there, column)
            values = [
                lanes.load(b, at(b, row, step, lanes.scalar), pointwise.inside_mask(b, lanes, step, left))
                for step in tile.steps
            ]
            tile.store(b, target, values)
    b.ret_void()
    return made


def _row(b: Builder, lanes: Lanes, matrix: tuple[Value, Value, Value], lane: int, k: Value) -> Vector:
    """Terms k and on of row `lane` of a matrix (its address, rows, columns); zero where there is none."""
    place, left, terms = matrix
    inside = b.icmp_signed("<", integer(lane), left)
    mask = pointwise.inside_mask(b, lanes, k, b.select(inside, terms, integer(0)))
    return lanes.load(b, at(b, place, b.add(b.mul(integer(lane), terms), k), lanes.scalar), mask)


def _transposed(block: list[Vector]) -> list[Vector]:
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


def _store(b: Builder, tile: Tile, block: list[Vector], target: Value, terms: Value, k: Value) -> None:
    """Write one register of columns for each term from k on."""
    lanes = tile.lanes
    with b.goto_entry_block():
        copy = b.alloca(lanes.vector, len(block))
    for lane, value in enumerate(block):
        b.store(value.value, b.gep(copy, [integer(lane)]))
    with count(b, integer(0), minimum(b, integer(len(block)), b.sub(terms, k))) as i:
        value = Vector(lanes, b, b.load(b.gep(copy, [i])))
        lanes.store(value, at(b, target, b.mul(b.add(k, i), integer(tile.columns)), lanes.scalar))
