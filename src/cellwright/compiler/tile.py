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

from dataclasses import dataclass
from typing import Any

from cellwright.compiler.code import at, count, element, function, integer, load, minimum, pointer
from cellwright.compiler.target import Target
from cellwright.compiler.vector import Lanes, Vector, i64

ROWS = 6


@dataclass(frozen=True)
class Tile:
    """The shape of a tile: ROWS rows and `vectors` registers of columns."""

    lanes: Lanes
    vectors: int

    @property
    def columns(self) -> int:
        """The columns of a panel."""
        return self.vectors * self.lanes.width


def shape(target: Target, dtype: str) -> Tile:
    """The tile for a processor."""
    return Tile(target.lanes(dtype), 4 if target.registers >= 32 else 2)


def define(module: Any, tile: Tile) -> Any:
    """Add the tile function to a module: (m, A, C, k, panel, start, column), with 1 <= m <= ROWS rows."""
    made, b = function(module, "tile", [i64, pointer, pointer, i64, pointer, pointer, i64], inline=True)
    m, rows, results, k, panel, start, column = made.args
    unreachable = made.append_basic_block("unreachable")
    choice = b.switch(m, unreachable)
    for n in range(1, ROWS + 1):
        block = made.append_basic_block(f"rows{n}")
        choice.add_case(integer(n), block)
        b.position_at_end(block)
        _multiply(b, tile, n, rows, results, k, panel, start, column)
        b.ret_void()
    b.position_at_end(unreachable)
    b.unreachable()
    return made


def _multiply(b: Any, tile: Tile, n: int, rows: Any, results: Any, k: Any, panel: Any, start: Any, column: Any) -> None:
    """The tile of exactly n rows, unrolled; k may be 0."""
    lanes, scalar = tile.lanes, tile.lanes.scalar
    a = [load(b, rows, integer(r), pointer) for r in range(n)]
    targets = [at(b, load(b, results, integer(r), pointer), column, scalar) for r in range(n)]
    adds = b.icmp_unsigned("==", b.ptrtoint(start, i64), integer(0))
    starts = [b.select(adds, target, b.bitcast(start, scalar.as_pointer())) for target in targets]
    steps = [integer(v * lanes.width) for v in range(tile.vectors)]
    initial = [[lanes.load(b, b.gep(s, [step])) for step in steps] for s in starts]
    before, head, body, done = b.block, *(b.append_basic_block(name) for name in ("k_head", "k_body", "k_done"))
    b.branch(head)

    b.position_at_end(head)
    j = b.phi(i64)
    j.add_incoming(integer(0), before)
    sums = [[b.phi(lanes.vector) for _ in range(tile.vectors)] for _ in range(n)]
    for row, values in zip(sums, initial, strict=True):
        for phi, value in zip(row, values, strict=True):
            phi.add_incoming(value.value, before)
    b.cbranch(b.icmp_signed("<", j, k), body, done)

    b.position_at_end(body)
    line = at(b, panel, b.mul(j, integer(tile.columns)), scalar)
    weights = [lanes.load(b, b.gep(line, [integer(v * lanes.width)])) for v in range(tile.vectors)]
    for r, row in enumerate(sums):
        factor = lanes.splat(b, load(b, a[r], j, scalar))
        for weight, phi in zip(weights, row, strict=True):
            phi.add_incoming(factor.fma(weight, Vector(lanes, b, phi)).value, body)
    j.add_incoming(b.add(j, integer(1)), body)
    b.branch(head)

    b.position_at_end(done)
    for target, row in zip(targets, sums, strict=True):
        for step, phi in zip(steps, row, strict=True):
            lanes.store(Vector(lanes, b, phi), b.gep(target, [step]))


def define_product(module: Any, tile: Tile) -> Any:
    """Add the product of any number of rows by any number of panels: (m, A, C, k, panels, starts, number of panels).

    A panel stays in the first cache while all rows pass it. Where `starts` is 0, the product is added to what C holds.
    """
    small = define(module, tile)
    kinds = [i64, pointer, pointer, i64, pointer, pointer, i64]
    made, b = function(module, "product", kinds, inline=True)
    m, rows, results, k, panels, starts, number = made.args
    line = tile.columns * tile.lanes.bytes
    with count(b, integer(0), number) as p:
        panel = element(b, panels, b.mul(p, k), line)
        adds = b.icmp_unsigned("==", b.ptrtoint(starts, i64), integer(0))
        start = b.select(adds, starts, element(b, starts, p, line))
        with count(b, integer(0), m, integer(ROWS)) as r:
            here = minimum(b, integer(ROWS), b.sub(m, r))
            arguments = [here, element(b, rows, r, 8), element(b, results, r, 8), k, panel, start]
            b.call(small, [*arguments, b.mul(p, integer(tile.columns))])
    b.ret_void()
    return made
