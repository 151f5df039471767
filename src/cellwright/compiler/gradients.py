"""The gradients that are sums over rows or products of rows, once the cotangents of x and u are there.

    weights   C = Aᵀ B, A the cotangents (S, m), B what the weights multiplied (S, n), and the sums of A's columns
    inputs    C = A W, or C += A W, A the cotangents (S, k), row by row

A library's matrix product would do; that of oneMKL, which torch calls, reaches 60 % of this rate on the processor in
docs/benchmarks.md, which is not Intel's (`benchmarks/layers.py` shows both).

Every element of C is one sum over the rows in their order, whatever the number of threads: threads take columns of A in
the first, rows in the second.
"""

from __future__ import annotations

from typing import Any

from cellwright.compiler import rows
from cellwright.compiler.arguments import Block
from cellwright.compiler.code import at, count, function, integer, load, minimum, pointer
from cellwright.compiler.tile import ROWS, Tile, define_product
from cellwright.compiler.vector import Vector, i64

BLOCK = 256  # rows multiplied at a time: their part of B stays in the second cache while all columns of A pass

# a, b, c, sums    A, B, C (m, wide), the sums (m,) of A's columns or 0
# a_width, b_width, c_width    elements between rows
# rows, columns    S, n;   first, last    the item's columns of A
WEIGHTS = Block("a", "b", "c", "sums", "a_width", "b_width", "c_width", "rows", "columns", "first", "last")

# first, last      the item's rows;   lists    two lists of BLOCK row addresses
INPUTS = Block("a", "c", "a_width", "c_width", "terms", "panels", "starts", "number", "first", "last", "lists")


def define_weights(module: Any, tile: Tile) -> Any:
    """Add `weights(item)`: the item's rows of C = Aᵀ B, and of the sums."""
    made, b = function(module, "weights", [pointer], inline=True)
    (item,) = made.args
    total, first, last = (WEIGHTS.number(b, item, name) for name in ("rows", "first", "last"))
    with count(b, integer(0), total, integer(BLOCK)) as begin:
        end = minimum(b, b.add(begin, integer(BLOCK)), total)
        with (
            count(b, integer(0), WEIGHTS.number(b, item, "columns"), integer(tile.columns)) as column,
            count(b, first, last, integer(ROWS)) as i,
        ):
            here = minimum(b, integer(ROWS), b.sub(last, i))
            b.call(_weights_tile(module, tile), [here, item, begin, end, i, column])
        sums = WEIGHTS.address(b, item, "sums")
        with b.if_then(b.icmp_unsigned("!=", b.ptrtoint(sums, i64), integer(0))):
            _add_columns(b, tile, item, sums, begin, end, first, last)
    b.ret_void()
    return made


def _weights_tile(module: Any, tile: Tile) -> Any:
    """(m, item, begin, end, i, column): C[i : i+m, column : …] += Aᵀ B over the rows begin to end, m <= ROWS."""
    if "weights_tile" in module.globals:
        return module.globals["weights_tile"]
    made, b = function(module, "weights_tile", [i64, pointer, i64, i64, i64, i64], inline=True)
    m, item, begin, end, i, column = made.args
    unreachable = made.append_basic_block("unreachable")
    choice = b.switch(m, unreachable)
    for n in range(1, ROWS + 1):
        block = made.append_basic_block(f"rows{n}")
        choice.add_case(integer(n), block)
        b.position_at_end(block)
        _weights_rows(b, tile, n, item, begin, end, i, column)
        b.ret_void()
    b.position_at_end(unreachable)
    b.unreachable()
    return made


def _weights_rows(b: Any, tile: Tile, n: int, item: Any, begin: Any, end: Any, i: Any, column: Any) -> None:
    lanes, scalar, size = tile.lanes, tile.lanes.scalar, integer(tile.lanes.bytes)
    steps = [integer(v * lanes.width) for v in range(tile.vectors)]
    columns = WEIGHTS.number(b, item, "columns")
    masks = [rows.inside_mask(b, lanes, b.add(column, step), columns) for step in steps]

    def line(name: str, row: Any, start: Any) -> Any:
        place = b.add(b.mul(row, WEIGHTS.number(b, item, f"{name}_width")), start)
        return b.gep(WEIGHTS.address(b, item, name), [b.mul(place, size)])

    targets = [at(b, line("c", b.add(i, integer(r)), column), integer(0), scalar) for r in range(n)]
    is_first = b.icmp_signed("==", begin, integer(0))
    zero = Vector(lanes, b, lanes.constant(0.0))
    initial = [[zero.select(is_first, lanes.load(b, b.gep(t, [s]))).value for s in steps] for t in targets]
    a_stride = b.mul(WEIGHTS.number(b, item, "a_width"), size)
    b_stride = b.mul(WEIGHTS.number(b, item, "b_width"), size)
    a_start, b_start = line("a", begin, i), line("b", begin, column)
    before, head, body, done = b.block, *(b.append_basic_block(name) for name in ("k_head", "k_body", "k_done"))
    b.branch(head)

    b.position_at_end(head)
    k, a_row, b_row = b.phi(i64), b.phi(pointer), b.phi(pointer)
    sums = [[b.phi(lanes.vector) for _ in steps] for _ in range(n)]
    for phi, value in ((k, begin), (a_row, a_start), (b_row, b_start)):
        phi.add_incoming(value, before)
    for phis, values in zip(sums, initial, strict=True):
        for phi, value in zip(phis, values, strict=True):
            phi.add_incoming(value, before)
    b.cbranch(b.icmp_signed("<", k, end), body, done)

    b.position_at_end(body)
    values = [lanes.load(b, at(b, b_row, s, scalar), mask) for s, mask in zip(steps, masks, strict=True)]
    for r, row in enumerate(sums):
        factor = lanes.splat(b, load(b, a_row, integer(r), scalar))
        for value, phi in zip(values, row, strict=True):
            phi.add_incoming(factor.fma(value, Vector(lanes, b, phi)).value, body)
    k.add_incoming(b.add(k, integer(1)), body)
    a_row.add_incoming(b.gep(a_row, [a_stride]), body)
    b_row.add_incoming(b.gep(b_row, [b_stride]), body)
    b.branch(head)

    b.position_at_end(done)
    for target, row in zip(targets, sums, strict=True):
        for s, phi in zip(steps, row, strict=True):
            lanes.store(Vector(lanes, b, phi), b.gep(target, [s]))


def _add_columns(b: Any, tile: Tile, item: Any, sums: Any, begin: Any, end: Any, first: Any, last: Any) -> None:
    """Add the rows begin to end of A to the sums, a register at a time; `first` is a multiple of the lanes."""
    lanes, scalar = tile.lanes, tile.lanes.scalar
    with b.goto_entry_block():
        total = b.alloca(lanes.vector)
    place = b.bitcast(total, scalar.as_pointer())
    with count(b, first, last, integer(lanes.width)) as i:
        mask = rows.inside_mask(b, lanes, i, last)
        earlier = lanes.load(b, at(b, sums, i, scalar), mask)
        zero = Vector(lanes, b, lanes.constant(0.0))
        lanes.store(zero.select(b.icmp_signed("==", begin, integer(0)), earlier), place)
        with count(b, begin, end) as k:
            element = b.add(b.mul(k, WEIGHTS.number(b, item, "a_width")), i)
            row = lanes.load(b, at(b, WEIGHTS.address(b, item, "a"), element, scalar), mask)
            lanes.store(lanes.load(b, place) + row, place)
        lanes.store(lanes.load(b, place), at(b, sums, i, scalar), mask)


def define_inputs(module: Any, tile: Tile) -> Any:
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
            for name, target in (("a", lists), ("c", results)):
                width = b.mul(INPUTS.number(b, item, f"{name}_width"), integer(tile.lanes.bytes))
                row = b.gep(INPUTS.address(b, item, name), [b.mul(b.add(begin, k), width)])
                b.store(row, at(b, target, k, pointer))
        arguments = [INPUTS.number(b, item, "terms"), INPUTS.address(b, item, "panels")]
        arguments += [INPUTS.address(b, item, "starts"), INPUTS.number(b, item, "number")]
        b.call(product, [here, lists, results, *arguments])
    b.ret_void()
    return made
