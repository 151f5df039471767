"""bfloat16 products whose sums stay in vector registers, as in `microkernel`: `DotTile`, `MatrixTile`."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen.bfloat16_tile import MULTIPLY, WORD, Bfloat16Tile, Factors, Rows, result_row
from cellwright.compiler.codegen.ir_builder import (
    Span,
    choose,
    count,
    element_at,
    function,
    integer,
    pointer,
)
from cellwright.compiler.codegen.microkernel import ROWS
from cellwright.compiler.codegen.vector import i64


@dataclass(frozen=True)
class RegisterTile(Bfloat16Tile):
    """Products of ROWS rows and a panel's columns at a time."""

    @abstractmethod
    def multiply_rows(self, b: Builder, n: int, results: Value, by: Factors, start: Value) -> None:
        """The sums of exactly n rows, from `start`, or where it is 0 from what is there."""

    def define_multiply(self, module: Module) -> Function:
        """Add multiply, as `Bfloat16Tile` says. A panel stays in the first cache while all rows pass it."""
        if known := module.globals.get("multiply"):
            return known
        small = self._define_small(module)
        made, b = function(module, "multiply", MULTIPLY, inline=True)
        m, results, pairs, operands, panels, starts, begin, end, stride, *terms = made.args
        width = self.columns * WORD
        line, panel_bytes = self.operand_line(b, pairs), self.panel_bytes(b, pairs)
        adds = b.icmp_unsigned("==", b.ptrtoint(starts, i64), integer(0))
        with b.goto_entry_block():
            targets = b.alloca(pointer, ROWS)
        tiles = b.sdiv(b.add(m, integer(ROWS - 1)), integer(ROWS))
        span = Span(b, begin, end)
        with count(b, span.first, span.last) as turn, count(b, integer(0), tiles) as t:
            p = span.place(turn)
            column = b.mul(p, integer(width))
            first, last = (b.sdiv(b.mul(m, edge), tiles) for edge in (t, b.add(t, integer(1))))
            rows = Rows(first, b.sub(last, first), column)
            with count(b, integer(0), rows.number) as k:
                b.store(result_row(b, results, stride, rows, k), b.gep(targets, [k]))
            start = b.select(adds, starts, b.gep(starts, [column]))
            factors = [element_at(b, operands, first, line), pairs, element_at(b, panels, p, panel_bytes)]
            b.call(small, [rows.number, b.bitcast(targets, pointer), *factors, start, *terms])
        b.ret_void()
        return made

    def _define_small(self, module: Module) -> Function:
        """(m, C, operands, pairs, panel, start, since, until): up to ROWS rows by a panel."""
        made, b = function(module, "dots", [i64, pointer, pointer, i64, pointer, pointer, i64, i64], inline=True)
        m, results, operands, pairs, panel, start, *terms = made.args
        by = Factors(operands, self.operand_line(b, pairs), panel, pairs, *terms)
        choose(b, made, m, ROWS, lambda n: self.multiply_rows(b, n, results, by, start))
        return made
