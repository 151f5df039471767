"""bfloat16 products by dot products of two terms.

    dot(c, a, b)    c + a_1 b_1 + a_0 b_0,  the odd term first, each with one fused multiply-add

Denormals are read and written as zero (Intel's manual, VDPBF16PS).
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir
from llvmlite.ir import IRBuilder as Builder
from llvmlite.ir import Value

from cellwright.compiler.codegen import bfloat16
from cellwright.compiler.codegen.bfloat16_tile import Factors
from cellwright.compiler.codegen.ir_builder import accumulate, at, integer, load, pointer
from cellwright.compiler.codegen.register_tile import RegisterTile
from cellwright.compiler.codegen.vector import Vector, declare, i64


@dataclass(frozen=True)
class DotTile(RegisterTile):
    """Products by vdpbf16ps."""

    def multiply_rows(self, b: Builder, n: int, results: Value, by: Factors, start: Value) -> None:
        """The sums of exactly n rows, as `RegisterTile` says."""
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
            place = b.add(by.since, j)
            word, line = (b.add(b.mul(by.pairs, integer(part)), place) for part in parts)
            weights = self.load(b, at(b, by.panel, b.mul(line, integer(self.columns)), lanes.scalar))
            found = []
            for r, row in enumerate(rows):
                factor = load(b, b.gep(by.rows, [b.mul(by.line, integer(r))]), word, lanes.scalar)
                splat, sums = lanes.splat(b, factor), [Vector(lanes, b, value) for value in row]
                found.append([self._dot(s, splat, weight).value for s, weight in zip(sums, weights, strict=True)])
            return found

        found = accumulate(b, "j", b.sub(by.until, by.since), [[v.value for v in row] for row in initial], step)
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
