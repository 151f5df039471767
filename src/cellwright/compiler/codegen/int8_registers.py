"""The products of `int8_tile` by tile registers: sixteen rows at a time, in their high bytes and their low ones.

    registers   0, 1 sums of the high bytes; 2, 3 of the low ones; 4 high bytes; 5 low ones; 6, 7 weights

The words of a panel lie as a register reads them, and sums begin from the same corrections: so they are the same whole
numbers. An instruction multiplies sixteen rows, whether there are as many or not; for few of them dot products do it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen.byte_products import WORD
from cellwright.compiler.codegen.int8_tile import SUMS, Factors, Int8Tile, Results, store_sums
from cellwright.compiler.codegen.ir_builder import (
    BYTE,
    at,
    count,
    element,
    element_at,
    function,
    integer,
    minimum,
    pointer,
)
from cellwright.compiler.codegen.tile_registers import COLUMNS, ROWS, OnRegisters, TileRegisters
from cellwright.compiler.target import LINE

# Where registers take less time than dot products, as measured on a Sapphire Rapids: in rows, and in rows × words.
_LEAST_ROWS, _LEAST_WORDS = 4, 256


@dataclass(frozen=True)
class Int8Registers(OnRegisters, Int8Tile):
    """Products by tile registers, those of few rows by dot products (`unit`); emulated, the registers are memory."""

    emulated: bool = False

    @property
    def block(self) -> int:
        """A register has a line of a row."""
        return LINE

    def operand_bytes(self, rows: int, terms: int) -> int:
        """Room for so many rows of A, and for those that a register has more."""
        return super().operand_bytes(-(-rows // ROWS) * ROWS, terms)

    @contextmanager
    def rows_together(self, b: Builder, m: Value) -> Iterator[tuple[Value, Value]]:
        """As many as a register has; the last are what is left."""
        with count(b, integer(0), m, integer(ROWS)) as first:
            yield first, minimum(b, integer(ROWS), b.sub(m, first))

    def define_sums(self, module: Module) -> Function:
        """Add sums of up to sixteen rows, as `Int8Tile` says."""
        few = super().define_sums(module)
        made, b = function(module, "sums_by_registers", SUMS, inline=True)
        m, results, column, operands, words, panel, start = made.args
        by, to = Factors(operands, words, panel), Results(results, column, start)
        with b.goto_entry_block():
            sums = b.alloca(BYTE, 2 * ROWS * self.columns * WORD)
        sums.align = LINE
        enough = b.icmp_signed(">=", b.mul(m, words), integer(_LEAST_WORDS))
        with b.if_else(b.and_(enough, b.icmp_signed(">=", m, integer(_LEAST_ROWS)))) as (together, apart):
            with apart, super().rows_together(b, m) as (first, number):
                targets = b.bitcast(at(b, results, first, pointer), pointer)
                row = element_at(b, operands, first, by.line(b))
                b.call(few, [number, targets, column, row, words, panel, start])
            with together:
                registers = TileRegisters(b, emulated=self.emulated)
                for c in range(0, self.columns, 2 * COLUMNS):
                    _block(b, self, registers, range(c, min(c + 2 * COLUMNS, self.columns), COLUMNS), by, sums)
                with count(b, integer(0), m) as r:
                    halves = _row(b, self, sums, 0, r), _row(b, self, sums, 1, r)
                    store_sums(b, self, halves, element_at(b, by.rows, r, by.line(b)), (r, to), by)
        b.ret_void()
        return made


def _block(b: Builder, tile: Int8Registers, registers: TileRegisters, columns: range, by: Factors, sums: Value) -> None:
    """The sums of sixteen rows and one or two registers of columns.

    Many arguments: what a block is made of, from two places.
    """
    width, line = integer(tile.columns * WORD), by.line(b)
    corrections = by.after(b, tile.columns, 1)
    for n, c in enumerate(columns):
        for half in range(2):
            registers.load(2 * half + n, b.gep(corrections, [integer(c * WORD)]), integer(0))
    rows = [by.rows, b.gep(by.rows, [by.bytes(b)])]
    with count(b, integer(0), by.words, integer(LINE // WORD)) as w:
        for half, row in enumerate(rows):
            registers.load(4 + half, element(b, row, w, WORD), line)
        words = element_at(b, by.panel, w, width)
        for n, c in enumerate(columns):
            registers.load(6 + n, b.gep(words, [integer(c * WORD)]), width)
            for half in range(2):
                registers.dot_bytes(2 * half + n, 4 + half, 6 + n)
    for n, c in enumerate(columns):
        for half in range(2):
            registers.store(2 * half + n, b.gep(sums, [integer(half * ROWS * tile.columns * WORD + c * WORD)]), width)


def _row(b: Builder, tile: Int8Registers, sums: Value, half: int, r: Value) -> list[Value]:
    """The sums of a row in registers of the processor."""
    row = element(b, sums, b.add(r, integer(half * ROWS)), tile.columns * WORD)
    return [v.bits() for v in tile.load(b, at(b, row, integer(0), ir.FloatType()))]
