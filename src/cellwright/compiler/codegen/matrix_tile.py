"""bfloat16 products by Arm's bfmmla: 2 rows × 2 columns of sums, four terms of each, an instruction.

    mmla(c, a, b)    c[i, j] + (a[i, 0] b[j, 0] + a[i, 1] b[j, 1]) + (a[i, 2] b[j, 2] + a[i, 3] b[j, 3]),  i, j in 0, 1

in this order. The products are exact; every addition rounds to odd (an inexact result takes of the two nearest numbers
the one whose last bit is 1, `bfloat16.added_to_odd`); denormals are read and written as zero (Arm's manual, BFMMLA and
BFDotAdd). So it is on every processor, those with FEAT_EBF16 too as long as nobody sets FPCR.EBF, which is 0 in a new
process and which no library is known to set.

Arm's bfmlalb and bfmlalt add in float32's own way, but no more terms an instruction than fmla has: they gain nothing.

    panel    two rows for four terms; of each four columns, the words of two in the first row, of two in the second:
             terms 01 23 01 23, which is what the instruction reads
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import bfloat16
from cellwright.compiler.codegen.bfloat16_tile import Factors
from cellwright.compiler.codegen.ir_builder import accumulate, at, function, integer, load, pointer
from cellwright.compiler.codegen.register_tile import RegisterTile
from cellwright.compiler.codegen.vector import Lanes, Vector, declare, i32, i64

COLUMNS = 16  # of a panel: 6 rows of them are 24 registers of sums
_SUMS = Lanes("float32", 4)  # 2 × 2 of them
_FIRST, _SECOND = [0, 1, 4, 5], [2, 3, 6, 7]  # the left and the right halves of two registers; both ways alike

Sums = list[list[Value]]
"""For each two rows, left to right, the registers of their sums."""


@dataclass(frozen=True)
class MatrixTile(RegisterTile):
    """Products by bfmmla."""

    @property
    def together(self) -> int:
        """How many terms are packed at a time."""
        return 4

    def rows_of_words(self, terms: Sequence[Vector]) -> list[Vector]:
        """The two rows of a panel for a register of columns of one part of four terms."""
        b, width = terms[0].builder, self.lanes.width
        early, late = bfloat16.words(*terms[:2]), bfloat16.words(*terms[2:])
        rows = []
        for half in (0, 2):
            columns = [first + half + k for first in range(0, width, 4) for k in (0, 1)]
            order = ir.Constant(ir.VectorType(i32, width), [c + w for c in columns for w in (0, width)])
            rows.append(early.new(b.shuffle_vector(early.value, late.value, order)))
        return rows

    def multiply_rows(self, b: Builder, n: int, results: Value, by: Factors, start: Value) -> None:
        """The sums of exactly n rows, as `RegisterTile` says; the last of an odd number is multiplied twice."""
        scalar = self.lanes.scalar
        targets = [at(b, load(b, results, integer(r), pointer), integer(0), scalar) for r in range(n)]
        adds = b.icmp_unsigned("==", b.ptrtoint(start, i64), integer(0))
        starts = [b.select(adds, target, b.bitcast(start, scalar.as_pointer())) for target in targets]
        steps = [integer(step) for step in range(0, self.columns, _SUMS.width)]
        initial = [[_SUMS.load(b, b.gep(place, [step])).value for step in steps] for place in starts]
        two = [(r, min(r + 1, n - 1)) for r in range(0, n, 2)]
        sums = [_in_halves(b, initial[r], initial[other]) for r, other in two]
        for parts in self.products:
            sums = self._add_terms(b, sums, by, parts, two)
        for (r, other), row in zip(two, sums, strict=True):
            found = {r: _FIRST, other: _SECOND} if other != r else {r: _FIRST}
            for line, order in found.items():
                for step, left, right in zip(steps, row[::2], row[1::2], strict=True):
                    value = Vector(_SUMS, b, _shuffled(b, left, right, order))
                    _SUMS.store(value, b.gep(targets[line], [step]))

    def _add_terms(
        self, b: Builder, sums: Sums, by: Factors, parts: tuple[int, int], two: list[tuple[int, int]]
    ) -> Sums:
        """To the sums of each two rows the terms of a part of A times a part of B."""
        quarter = ir.VectorType(i64, 2)  # four terms of two rows

        def step(j: Value, rows: Sums) -> Sums:
            place = b.add(by.since, b.mul(j, integer(2)))
            of_a, of_b = (b.add(b.mul(by.pairs, integer(part)), place) for part in parts)
            lines = [
                at(b, by.panel, b.mul(b.add(of_b, integer(r)), integer(self.columns)), _SUMS.scalar) for r in (0, 1)
            ]
            places = [b.gep(line, [integer(c)]) for c in range(0, self.columns, _SUMS.width) for line in lines]
            weights = [_SUMS.load(b, place) for place in places]
            found = []
            for (r, other), row in zip(two, rows, strict=True):
                terms: Value = ir.Constant(quarter, ir.Undefined)
                for k, line in enumerate((r, other)):
                    words = b.bitcast(b.gep(by.rows, [b.mul(by.line, integer(line))]), i32.as_pointer())
                    four = b.load(b.bitcast(b.gep(words, [of_a]), i64.as_pointer()))
                    four.align = 4
                    terms = b.insert_element(terms, four, ir.Constant(i32, k))
                factor = Vector(_SUMS, b, b.bitcast(terms, _SUMS.vector))
                found.append([self._mmla(b, s, factor, w) for s, w in zip(row, weights, strict=True)])
            return found

        return accumulate(b, "j", b.sdiv(b.sub(by.until, by.since), integer(2)), sums, step)

    def _mmla(self, b: Builder, sums: Value, rows: Vector, columns: Vector) -> Value:
        """Add the products of four terms of two rows and two columns."""
        if not self.emulated:
            eight = bfloat16.vector_type(2 * _SUMS.width)
            kind = ir.FunctionType(_SUMS.vector, [_SUMS.vector, eight, eight])
            operands = [sums, *(b.bitcast(x.value, eight) for x in (rows, columns))]
            return b.call(declare(b.module, "llvm.aarch64.neon.bfmmla", kind), operands)
        return b.call(_emulated_mmla(b.module), [sums, rows.value, columns.value])


def _emulated_mmla(module: Module) -> Function:
    """The function mmla(c, a, b) in plain instructions, made once a module, where it stays one: it is called often."""
    if known := module.globals.get("emulated_mmla"):
        return known
    made, b = function(module, "emulated_mmla", [_SUMS.vector] * 3, _SUMS.vector, inline=True)
    made.attributes.add("noinline")
    total, rows, columns = (Vector(_SUMS, b, value) for value in made.args)
    for word in (0, 1):
        own = _shuffled(b, rows.bits(), rows.bits(), [word, word, 2 + word, 2 + word])
        other = _shuffled(b, columns.bits(), columns.bits(), [word, 2 + word, word, 2 + word])
        terms = (bfloat16.terms_of(b, _SUMS, words) for words in (own, other))
        products = [bfloat16.flushed(bfloat16.flushed(x) * bfloat16.flushed(y)) for x, y in zip(*terms, strict=True)]
        total = bfloat16.added_to_odd(bfloat16.flushed(total), bfloat16.added_to_odd(*products))
    b.ret(total.value)
    return made


def _in_halves(b: Builder, upper: list[Value], lower: list[Value]) -> list[Value]:
    """Two rows of registers as registers of two columns of each; from those, the rows come back by the same orders."""
    return [_shuffled(b, *both, order) for both in zip(upper, lower, strict=True) for order in (_FIRST, _SECOND)]


def _shuffled(b: Builder, x: Value, y: Value, order: list[int]) -> Value:
    """Some lanes of two registers."""
    return b.shuffle_vector(x, y, ir.Constant(ir.VectorType(i32, len(order)), order))
