"""bfloat16 products by dot products of two terms: sums in registers, as in `microkernel`, two terms at a time.

    dot(c, a, b)    c + a_1 b_1 + a_0 b_0,  the odd term first, each with one fused multiply-add

Denormals are read and written as zero (Intel's manual, VDPBF16PS).
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import bfloat16
from cellwright.compiler.codegen.bfloat16_tile import MULTIPLY, WORD, Bfloat16Tile, Factors, Rows, result_row
from cellwright.compiler.codegen.ir_builder import (
    Span,
    accumulate,
    at,
    choose,
    count,
    element_at,
    function,
    integer,
    load,
    pointer,
)
from cellwright.compiler.codegen.microkernel import ROWS
from cellwright.compiler.codegen.vector import Vector, declare, i64


@dataclass(frozen=True)
class DotTile(Bfloat16Tile):
    """Products by vdpbf16ps, ROWS rows and a panel's columns at a time."""

    def define_multiply(self, module: Module) -> Function:
        """Add multiply, as `Bfloat16Tile` says. A panel stays in the first cache while all rows pass it."""
        if known := module.globals.get("multiply"):
            return known
        small = self._define_small(module)
        made, b = function(module, "multiply", MULTIPLY, inline=True)
        m, results, pairs, operands, panels, starts, begin, end, stride = made.args
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
            b.call(small, [rows.number, b.bitcast(targets, pointer), *factors, start])
        b.ret_void()
        return made

    def _define_small(self, module: Module) -> Function:
        """(m, C, operands, pairs, panel, start): up to ROWS rows by a panel."""
        made, b = function(module, "dots", [i64, pointer, pointer, i64, pointer, pointer], inline=True)
        m, results, operands, pairs, panel, start = made.args
        by = Factors(operands, self.operand_line(b, pairs), panel, pairs)
        choose(b, made, m, ROWS, lambda n: self._multiply(b, n, results, by, start))
        return made

    def _multiply(self, b: Builder, n: int, results: Value, by: Factors, start: Value) -> None:
        """The sums of exactly so many rows."""
        scalar = self.lanes.scalar
        targets = [at(b, load(b, results, integer(r), pointer), integer(0), scalar) for r in range(n)]
        adds = b.icmp_unsigned("==", b.ptrtoint(start, i64), integer(0))
        initial = [self.load(b, b.select(adds, t, b.bitcast(start, scalar.as_pointer()))) for t in targets]
        for of_a, of_b in self.products:
            initial = self._add_terms(b, initial, by, (of_a, of_b))
        for target, row in zip(targets, initial, strict=True):
            self.store(b, target, row)

    def _add_terms(
        self, b: Builder, initial: list[list[Vector]], by: Factors, parts: tuple[int, int]
    ) -> list[list[Vector]]:
        """The rows of `initial`, unrolled, and to each the terms of a part of A times a part of B."""
        lanes = self.lanes

        def step(j: Value, rows: list[list[Value]]) -> list[list[Value]]:
            word, line = (b.add(b.mul(by.pairs, integer(part)), j) for part in parts)
            weights = self.load(b, at(b, by.panel, b.mul(line, integer(self.columns)), lanes.scalar))
            found = []
            for r, row in enumerate(rows):
                factor = load(b, b.gep(by.rows, [b.mul(by.line, integer(r))]), word, lanes.scalar)
                splat, sums = lanes.splat(b, factor), [Vector(lanes, b, value) for value in row]
                found.append([self._dot(s, splat, weight).value for s, weight in zip(sums, weights, strict=True)])
            return found

        found = accumulate(b, "j", by.pairs, [[v.value for v in row] for row in initial], step)
        return [[Vector(lanes, b, value) for value in row] for row in found]

    def _dot(self, sums: Vector, a: Vector, words: Vector) -> Vector:
        """Add the products of two terms, whose words are the bits of float32."""
        b, lanes = sums.builder, self.lanes
        if self.emulated:
            terms = (bfloat16.terms_of(b, lanes, x.bits()) for x in (a, words))
            for x, y in reversed(list(zip(*terms, strict=True))):
                sums = bfloat16.flushed(bfloat16.flushed(x).fma(bfloat16.flushed(y), bfloat16.flushed(sums)))
            return sums
        pairs = bfloat16.vector_type(2 * lanes.width)
        kind = ir.FunctionType(lanes.vector, [lanes.vector, pairs, pairs])
        name = f"llvm.x86.avx512bf16.dpbf16ps.{32 * lanes.width}"
        operands = [sums.value, *(b.bitcast(x.bits(), pairs) for x in (a, words))]
        return sums.new(b.call(declare(b.module, name, kind), operands))
