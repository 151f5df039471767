"""The products of `gemm` that give weights, in a tile of registers: B in panels, A in strips of a tile's rows."""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import Module, Value

from cellwright.compiler.codegen.gemm import Run, WeightsItem
from cellwright.compiler.codegen.ir_builder import at, choose, count, element, function, integer, load, minimum, pointer
from cellwright.compiler.codegen.microkernel import ROWS, Tile, sums
from cellwright.compiler.codegen.vector import Vector, i64

# Rows, and columns of A, that are multiplied at a time: of these, A stays in the second cache while all of B passes,
# a panel of it in the first.
BLOCK, MOST = 256, 32 * ROWS
MANY = 192  # columns of B from which on it pays to copy A
STRIP = BLOCK * ROWS + 16  # elements from strip to strip: by a power of two they would share few sets of a cache


class Strips(WeightsItem):
    """An item whose copies are

    panel   (BLOCK, a tile's columns)   of B
    strips  (BLOCK, ROWS) each          of A, one after another, where B has many columns
    """

    @staticmethod
    def block(tile: Tile, columns: int) -> int:
        """How many rows are multiplied at a time with Bs of so many columns in all."""
        return BLOCK

    @staticmethod
    def copies(tile: Tile, columns: int) -> int:
        """How many elements an item copies at a time of Bs of so many columns in all, whole panels, and of A."""
        return BLOCK * tile.columns + (MOST // ROWS * STRIP if columns >= MANY else 0)

    def define_parts(self, module: Module) -> None:
        """(m, item, strip, stride, panel, begin, end, i, column): C[i : i+m, column : …] += Aᵀ B, A at strip."""
        kinds = [i64, pointer, pointer, i64, pointer, i64, i64, i64, i64]
        made, self.b = function(module, "weights_tile", kinds, inline=True)
        m, self.item, strip, stride, panel, begin, end, i, column = made.args
        choose(
            self.b, made, m, ROWS,
            lambda n: self._multiply(n, (strip, stride), panel, Run(begin, end), (i, column)),
        )  # fmt: skip
        self._product = made

    def _panel(self) -> Value:
        return self.address("copies")

    def _many(self) -> Value:
        """Whether A is copied."""
        return self.b.icmp_signed(">=", self.number("columns"), integer(MANY))

    def multiply(self, rows: Run) -> None:
        """Add to C the product of some rows, or where they are the first set it; so with the sums of A's columns."""
        b, (first, last) = self.b, (self.number("first"), self.number("last"))
        most = b.select(self._many(), integer(MOST), b.sub(last, first))
        with count(b, first, last, most) as left:
            taken = Run(left, minimum(b, b.add(left, most), last))
            with b.if_then(self._many()):
                self._copy_strips(rows, taken)
            with count(b, integer(0), self.number("columns"), integer(self.tile.columns)) as column:
                self._copy_panel(rows, column)
                self._multiply_strips(rows, taken, column)
        self.add_columns(rows, Run(first, last))

    def _strip(self, column: Value) -> Value:
        """The address of the strip of A's copy that begins with a column."""
        b, size = self.b, self.tile.lanes.bytes
        strips = element(b, self._panel(), integer(BLOCK * self.tile.columns), size)
        return element(b, strips, b.mul(b.sdiv(column, integer(ROWS)), integer(STRIP)), size)

    def _copy_strips(self, rows: Run, columns: Run) -> None:
        """Copy some rows and columns of A in strips, the last of which may not be full."""
        b, lanes, (left, right) = self.b, self.tile.lanes, columns
        row_of_strip = ir.VectorType(lanes.scalar, ROWS).as_pointer()
        whole = b.sub(right, b.srem(b.sub(right, left), integer(ROWS)))
        with count(b, *rows) as k:
            source, row = self.line("a", k, integer(0)), b.mul(b.sub(k, rows.first), integer(ROWS))
            with count(b, left, whole, integer(ROWS)) as i:
                value = b.load(b.bitcast(b.gep(source, [i]), row_of_strip))
                value.align = lanes.bytes
                target = at(b, self._strip(b.sub(i, left)), row, lanes.scalar)
                b.store(value, b.bitcast(target, row_of_strip)).align = lanes.bytes
            target = at(b, self._strip(b.sub(whole, left)), row, lanes.scalar)
            with count(b, whole, right) as i:
                b.store(b.load(b.gep(source, [i])), b.gep(target, [b.sub(i, whole)]))

    def _copy_panel(self, rows: Run, column: Value) -> None:
        """Copy some rows of the panel of B from `column` on; zero beyond B's columns."""
        b, tile = self.b, self.tile
        with count(b, *rows) as k:
            target = b.mul(b.sub(k, rows.first), integer(tile.columns))
            tile.store(b, at(b, self._panel(), target, tile.lanes.scalar), self.row_of_panel(k, column))

    def _multiply_strips(self, rows: Run, columns: Run, column: Value) -> None:
        """Add to C what was copied of A, or where it was not A itself, times what was copied of B."""
        b, many, (left, right) = self.b, self._many(), columns
        stride = b.select(many, integer(ROWS), self.number("a_width"))
        with count(b, left, right, integer(ROWS)) as i:
            here = minimum(b, integer(ROWS), b.sub(right, i))
            copied, there = self._strip(b.sub(i, left)), self.line("a", rows.first, i)
            strip = b.select(many, copied, b.bitcast(there, pointer))
            b.call(self._product, [here, self.item, strip, stride, self._panel(), *rows, i, column])

    def _multiply(
        self, n: int, strip: tuple[Value, Value], panel: Value, rows: Run, at_result: tuple[Value, Value]
    ) -> None:
        """n rows of C from a row and a column on, plus the strip (its address, and elements between rows) times B."""
        b, tile, (place, stride), (i, column) = self.b, self.tile, strip, at_result
        targets = [self.line("c", b.add(i, integer(r)), column) for r in range(n)]
        is_first = self.sets(rows)
        zero = Vector(tile.lanes, b, tile.lanes.constant(0.0))
        initial = [[zero.select(is_first, value) for value in tile.load(b, t)] for t in targets]

        def factor(r: int, j: Value) -> Value:
            return load(b, place, b.add(b.mul(j, stride), integer(r)), tile.lanes.scalar)

        found = sums(b, tile, initial, b.sub(rows.last, rows.first), [panel], factor)
        for target, row in zip(targets, found, strict=True):
            tile.store(b, target, row)
