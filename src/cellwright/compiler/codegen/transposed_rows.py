"""The products of `gemm` that give weights, in bfloat16: A transposed into rows of parts, B in panels of words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir
from llvmlite.ir import Module, Value

from cellwright.compiler.codegen import bfloat16, pack, pointwise
from cellwright.compiler.codegen.bfloat16_tile import TERMS, WORD, Bfloat16Tile
from cellwright.compiler.codegen.gemm import Run, WeightsItem
from cellwright.compiler.codegen.ir_builder import at, count, element_at, integer, minimum, pointer
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Vector, i64

ROOM = 1 << 19  # bytes of B's copy: a quarter of a second cache of 2 MB
LEAST_BLOCK, BLOCK = 2 * TERMS, 16 * TERMS  # rows that are multiplied at a time
MOST = 64  # columns of A that are multiplied at a time


class TransposedRows(WeightsItem):
    """An item whose copies are

    panels    (block rows of B in pairs, B's columns)    in each part, of one B after another
    rows      (MOST, block)                              columns of A, as `Bfloat16Tile` has operands
    """

    tile: Bfloat16Tile
    shares_a = True

    @staticmethod
    def block(tile: Tile, columns: int) -> int:
        """How many rows are multiplied at a time with Bs of so many columns in all."""
        row = max(1, tile.depth(TERMS) * columns * WORD // TERMS)  # of a B without columns, as of no inputs
        return max(LEAST_BLOCK, min(BLOCK, ROOM // row // TERMS * TERMS))

    @staticmethod
    def copies(tile: Tile, columns: int) -> int:
        """How many elements an item copies at a time of Bs of so many columns in all, whole panels, and of A."""
        block = TransposedRows.block(tile, columns)
        return tile.depth(block) * columns + tile.operand_bytes(MOST, block) // WORD

    def define_parts(self, module: Module) -> None:
        """Add the product of rows that are split already."""
        self._product = self.tile.define_multiply(module)

    def multiply(self, rows: Run) -> None:
        """Add to C the product of some rows, or where they are the first set it; so with the sums of A's columns."""
        b, tile = self.b, self.tile
        pairs = tile.pairs(b, b.sub(rows.last, rows.first))
        panel_bytes = tile.panel_bytes(b, pairs)
        with b.goto_entry_block():
            free = b.alloca(pointer)  # where the next copy goes
        b.store(self.address("copies"), free)
        with self._each_b():
            panels, number = b.load(free), self._panels()
            with count(b, integer(0), number) as p:
                self._copy_panel(rows, b.mul(p, integer(tile.columns)), element_at(b, panels, p, panel_bytes))
            b.store(element_at(b, panels, number, panel_bytes), free)
        copied = b.load(free)
        with count(b, self.number("first"), self.number("last"), integer(MOST)) as left:
            taken = Run(left, minimum(b, b.add(left, integer(MOST)), self.number("last")))
            self._transpose(rows, taken, copied)
            self.add_columns(rows, taken)
            b.store(self.address("copies"), free)
            with self._each_b():
                self._multiply_copies(rows, taken, copied, free)

    @contextmanager
    def _each_b(self) -> Iterator[None]:
        """A loop over the Bs: the item's own, and those that its words lead to, whose words stand for the item's."""
        b, item = self.b, self.item
        before, body, done = b.block, b.append_basic_block("next_b"), b.append_basic_block("last_b")
        b.branch(body)
        b.position_at_end(body)
        self.item = b.phi(pointer)
        self.item.add_incoming(item, before)
        yield
        following = self.address("next")
        self.item.add_incoming(following, b.block)
        b.cbranch(b.icmp_unsigned("!=", b.ptrtoint(following, i64), integer(0)), body, done)
        b.position_at_end(done)
        self.item = item

    def _panels(self) -> Value:
        """How many panels B has."""
        b, wide = self.b, self.tile.columns
        return b.sdiv(b.add(self.number("columns"), integer(wide - 1)), integer(wide))

    def _multiply_copies(self, rows: Run, columns: Run, copied: Value, free: Value) -> None:
        """Some columns of A times the B whose copy stands at `free`, which moves on to the next."""
        b, tile, (left, right) = self.b, self.tile, columns
        pairs, panels, number = tile.pairs(b, b.sub(rows.last, rows.first)), b.load(free), self._panels()
        start = b.select(self.sets(rows), self.address("zeros"), ir.Constant(pointer, None))
        results = b.bitcast(self.line("c", left, integer(0)), pointer)
        stride = b.mul(self.number("c_width"), integer(WORD))
        operands = [pairs, copied, panels, start, integer(0), number, stride, integer(0), pairs]
        b.call(self._product, [b.sub(right, left), results, *operands])
        b.store(element_at(b, panels, number, tile.panel_bytes(b, pairs)), free)

    def _transpose(self, rows: Run, columns: Run, target: Value) -> None:
        """Copy some columns of A as rows, zero from the last row to the end of its block of terms.

        Words of two terms are transposed: so many registers of words are twice as many rows.
        """
        b, tile, lanes, (left, right) = self.b, self.tile, self.tile.lanes, columns
        width = lanes.width
        pairs = tile.pairs(b, b.sub(rows.last, rows.first))
        line = tile.operand_line(b, pairs)
        with count(b, integer(0), pairs, integer(width)) as j, count(b, left, right, integer(width)) as i:
            first = b.add(rows.first, b.mul(j, integer(2)))
            terms = [self._some(rows, b.add(first, integer(r)), i) for r in range(2 * width)]
            split = [bfloat16.parts(x, tile.parts, tile.native) for x in terms]
            for p in range(tile.parts):
                words = [bfloat16.words(split[r][p], split[r + 1][p]) for r in range(0, 2 * width, 2)]
                for c, row in enumerate(pack.transposed(words)):
                    place = element_at(b, target, b.add(b.sub(i, left), integer(c)), line)
                    lanes.store(row, at(b, place, b.add(b.mul(pairs, integer(p)), j), lanes.scalar))

    def _some(self, rows: Run, k: Value, column: Value) -> Vector:
        """A register of row k of A; zero where there is no such row."""
        b = self.b
        there = b.icmp_signed("<", k, rows.last)
        return self.of_a(b.select(there, k, rows.first), column).select(there, 0.0)

    def _copy_panel(self, rows: Run, column: Value, panel: Value) -> None:
        """Copy some rows of B from `column` on, in words; zero beyond B's columns and rows."""
        b, tile = self.b, self.tile
        length = b.sub(rows.last, rows.first)

        def copy(read: Callable[[Value, Value], list[Vector]]) -> None:
            def row(k: Value) -> list[Vector]:
                there = b.icmp_signed("<", k, rows.last)
                return [x.select(there, 0.0) for x in read(b.select(there, k, rows.first), column)]

            with count(b, integer(0), tile.filled(b, length), integer(tile.together)) as j:
                first = b.add(rows.first, j)
                tile.store_rows([row(b.add(first, integer(i))) for i in range(tile.together)], panel, j, length)

        if not self.halves:
            copy(self.row_of_panel)
            return
        with b.if_else(b.icmp_signed("!=", self.number("half"), integer(0))) as (of_halves, of_floats):
            with of_halves:
                copy(self._half_row_of_panel)
            with of_floats:
                copy(self.row_of_panel)

    def _half_row_of_panel(self, k: Value, column: Value) -> list[Vector]:
        """`row_of_panel` of a B in 16 bits."""
        b, tile, columns, i16 = self.b, self.tile, self.number("columns"), bfloat16.i16
        first = b.add(b.mul(self.place(k), self.number("b_width")), column)
        places = [at(b, self.address("b"), b.add(first, step), i16) for step in tile.steps]
        masks = [pointwise.inside_mask(b, tile.lanes, b.add(column, step), columns) for step in tile.steps]
        return [bfloat16.load(b, tile.lanes, place, mask) for place, mask in zip(places, masks, strict=True)]
