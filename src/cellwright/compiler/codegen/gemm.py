"""The gradients that are sums over rows or products of rows, once the cotangents of x and u are there.

    weights   C = Aᵀ B, A the cotangents (S, m), B what the weights multiplied (S, n), and the sums of A's columns
    inputs    C = A W, or C += A W, A the cotangents (S, k), row by row

A library's matrix product would do, but its sums change with the shape and the threads; nor is that of oneMKL, which
torch calls, faster where this was measured (`benchmarks/machine.py` shows both rates, docs/benchmarks.md those there).

Every element of C is one sum over the rows in their order, whatever the number of threads: threads take columns of A in
the first, rows in the second.
"""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import pointwise
from cellwright.compiler.codegen.arguments import Struct
from cellwright.compiler.codegen.ir_builder import at, count, element, function, integer, load, minimum, pointer
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
    made, b = function(module, "weights", [pointer], inline=True)
    (item,) = made.args
    total, first, last, columns = (WEIGHTS.number(b, item, name) for name in ("rows", "first", "last", "columns"))
    many = b.icmp_signed(">=", columns, integer(MANY))
    most = b.select(many, integer(MOST), b.sub(last, first))
    stride = b.select(many, integer(ROWS), WEIGHTS.number(b, item, "a_width"))
    panel = WEIGHTS.address(b, item, "copies")
    strips = element(b, panel, integer(BLOCK * tile.columns), tile.lanes.bytes)
    product = _weights_tile(module, tile)
    with count(b, integer(0), total, integer(BLOCK)) as begin:
        end = minimum(b, b.add(begin, integer(BLOCK)), total)
        with count(b, first, last, most) as left:
            right = minimum(b, b.add(left, most), last)
            with b.if_then(many):
                _copy_strips(b, tile, item, strips, begin, end, left, right)
            with count(b, integer(0), columns, integer(tile.columns)) as column:
                _copy_panel(b, tile, item, panel, begin, end, column)
                with count(b, left, right, integer(ROWS)) as i:
                    here = minimum(b, integer(ROWS), b.sub(right, i))
                    copied, there = _strip(b, tile, strips, b.sub(i, left)), _line(b, tile, item, "a", begin, i)
                    strip = b.select(many, copied, b.bitcast(there, pointer))
                    b.call(product, [here, item, strip, stride, panel, begin, end, i, column])
        totals = WEIGHTS.address(b, item, "sums")
        with b.if_then(b.icmp_unsigned("!=", b.ptrtoint(totals, i64), integer(0))):
            _add_columns(b, tile, item, totals, begin, end, first, last)
    b.ret_void()
    return made


def _line(b: Builder, tile: Tile, item: Value, name: str, row: Value, start: Value) -> Value:
    """The address of element `start` of a row of A, B or C."""
    place = b.add(b.mul(row, WEIGHTS.number(b, item, f"{name}_width")), start)
    return at(b, WEIGHTS.address(b, item, name), place, tile.lanes.scalar)


def _strip(b: Builder, tile: Tile, strips: Value, column: Value) -> Value:
    """The address of the strip of A's copy that begins with a column."""
    return element(b, strips, b.mul(b.sdiv(column, integer(ROWS)), integer(STRIP)), tile.lanes.bytes)


def _copy_strips(
    b: Builder, tile: Tile, item: Value, strips: Value, begin: Value, end: Value, left: Value, right: Value
) -> None:
    """Columns left to right of A, rows begin to end, in strips (BLOCK, ROWS), the last of which may not be full."""
    scalar = tile.lanes.scalar
    row_of_strip = ir.VectorType(scalar, ROWS).as_pointer()
    whole = b.sub(right, b.srem(b.sub(right, left), integer(ROWS)))
    with count(b, begin, end) as k:
        source, row = _line(b, tile, item, "a", k, integer(0)), b.mul(b.sub(k, begin), integer(ROWS))
        with count(b, left, whole, integer(ROWS)) as i:
            value = b.load(b.bitcast(b.gep(source, [i]), row_of_strip))
            value.align = tile.lanes.bytes
            target = at(b, _strip(b, tile, strips, b.sub(i, left)), row, scalar)
            b.store(value, b.bitcast(target, row_of_strip)).align = tile.lanes.bytes
        target = at(b, _strip(b, tile, strips, b.sub(whole, left)), row, scalar)
        with count(b, whole, right) as i:
            b.store(b.load(b.gep(source, [i])), b.gep(target, [b.sub(i, whole)]))


def _copy_panel(b: Builder, tile: Tile, item: Value, panel: Value, begin: Value, end: Value, column: Value) -> None:
    """The panel of B from `column` on, rows begin to end; zero beyond B's columns."""
    lanes, columns = tile.lanes, WEIGHTS.number(b, item, "columns")
    masks = [pointwise.inside_mask(b, lanes, b.add(column, step), columns) for step in tile.steps]
    with count(b, begin, end) as k:
        source = _line(b, tile, item, "b", load(b, WEIGHTS.address(b, item, "places"), k), column)
        row = [lanes.load(b, b.gep(source, [s]), mask) for s, mask in zip(tile.steps, masks, strict=True)]
        tile.store(b, at(b, panel, b.mul(b.sub(k, begin), integer(tile.columns)), lanes.scalar), row)


def _weights_tile(module: Module, tile: Tile) -> Value:
    """(m, item, strip, stride, …): C[i : i+m, column : …] += Aᵀ B over the rows begin to end; A is at strip."""
    kinds = [i64, pointer, pointer, i64, pointer, i64, i64, i64, i64]
    made, b = function(module, "weights_tile", kinds, inline=True)
    m, item, strip, stride, panel, begin, end, i, column = made.args
    unreachable = made.append_basic_block("unreachable")
    choice = b.switch(m, unreachable)
    for n in range(1, ROWS + 1):
        block = made.append_basic_block(f"rows{n}")
        choice.add_case(integer(n), block)
        b.position_at_end(block)
        _weights_rows(b, tile, n, item, strip, stride, panel, begin, end, i, column)
        b.ret_void()
    b.position_at_end(unreachable)
    b.unreachable()
    return made


def _weights_rows(
    b: Builder,
    tile: Tile,
    n: int,
    item: Value,
    strip: Value,
    stride: Value,
    panel: Value,
    begin: Value,
    end: Value,
    i: Value,
    column: Value,
) -> None:
    lanes = tile.lanes
    targets = [_line(b, tile, item, "c", b.add(i, integer(r)), column) for r in range(n)]
    is_first = b.icmp_signed("==", begin, integer(0))
    zero = Vector(lanes, b, lanes.constant(0.0))
    initial = [[zero.select(is_first, value) for value in tile.load(b, t)] for t in targets]

    def factor(r: int, j: Value) -> Value:
        return load(b, strip, b.add(b.mul(j, stride), integer(r)), lanes.scalar)

    for target, row in zip(targets, sums(b, tile, initial, b.sub(end, begin), [panel], factor), strict=True):
        tile.store(b, target, row)


def _add_columns(
    b: Builder, tile: Tile, item: Value, totals: Value, begin: Value, end: Value, first: Value, last: Value
) -> None:
    """Add the rows begin to end of A to the sums, in whole registers; `first` is a multiple of the lanes."""
    lanes, width = tile.lanes, integer(tile.lanes.width)
    with b.if_then(b.icmp_signed("==", begin, integer(0))), count(b, first, last, width) as i:
        lanes.store(Vector(lanes, b, lanes.constant(0.0)), at(b, totals, i, lanes.scalar))
    with count(b, begin, end) as k, count(b, first, last, width) as i:
        total = at(b, totals, i, lanes.scalar)
        lanes.store(lanes.load(b, total) + lanes.load(b, _line(b, tile, item, "a", k, i)), total)


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
