"""The matrix product of the kernels with weights of 8 bits: float32 rows, in whole numbers of 16 bits, times int8.

    product(m, A, C, k, panels, starts, begin, end, operands)       as in `microkernel`

    a = s q,  q = 256 high + low         a row of A: a scale s of its own, and two signed bytes a number
    w = t v                              a column of B: a scale t, and one signed byte a number
    C = start + s t (256 Σ high v + Σ low v)

Both sums are of whole numbers and exact in 32 bits, in any order and by any instruction: so a row's bits are its own,
and the same on every processor. What errs are the weights, by half of t; the rows, at 16 bits, err by 256 times less.
The weights are read once for both bytes: where memory is what a product waits for, the second costs nothing.

    operands   row r   high of each term, filled up to whole blocks; low of each; s            bytes, float32
    panel              a row for four terms, a word of 32 bits a column; t; -128 Σ v           float32, int32

The dot products of x86 take bytes without a sign from A, so they are given each byte plus 128, and sums begin with what
that is too much. Arm's take bytes with a sign, and sums begin with zero. A row that holds an infinity or NaN gives NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import pointwise
from cellwright.compiler.codegen.byte_products import WORD, dot, takes_signed
from cellwright.compiler.codegen.ir_builder import (
    BYTE,
    Span,
    accumulate,
    at,
    choose,
    count,
    element,
    element_at,
    function,
    integer,
    load,
    pointer,
)
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Vector, declare, i32, i64
from cellwright.compiler.target import LINE

LEVELS = 127  # of a weight: v is in -LEVELS … LEVELS
ROW_LEVELS = LEVELS * 256 + 127  # of a number of A
BLOCK = 16  # terms that a row is filled up to
ROWS = 3  # of A that are multiplied at a time: six of bytes
MOST_TERMS = (2**31 - 1) // (255 * LEVELS)  # of a sum of 32 bits
_LEAST = 1e-30  # a row whose largest number is smaller counts as zero: its scale could not be divided by
_INFINITY_BITS, _MAGNITUDE_BITS = 0x7F800000, 0x7FFFFFFF


@dataclass(frozen=True)
class Int8Tile(Tile):
    """How float32 rows are multiplied by int8 weights.

    unit   what multiplies (`byte_products`)
    """

    unit: str = "plain"

    @property
    def block(self) -> int:
        """Terms that a row is filled up to whole blocks of."""
        return BLOCK

    @property
    def signed(self) -> bool:
        """Whether the bytes of A are multiplied with their sign, rather than plus 128."""
        return takes_signed(self.unit)

    # --- sizes ----------------------------------------------------------------------------------------
    @property
    def together(self) -> int:
        """How many terms lie in one row of a panel."""
        return WORD

    @property
    def plain(self) -> Tile:
        """The tile of the same shape that multiplies in the type itself."""
        return Tile(self.lanes, self.vectors)

    def whole(self, terms: int) -> int:
        """The terms of a panel, those that fill it up included."""
        return -(-terms // self.block) * self.block

    def depth(self, terms: int) -> int:
        """The rows of a panel: its words, scales and corrections."""
        return self.whole(terms) // WORD + 2

    def operand_bytes(self, rows: int, terms: int) -> int:
        """Room for so many rows of A."""
        return rows * (2 * self.whole(terms) + LINE)

    # --- what a loop does -------------------------------------------------------------------------------
    def define_part(self, module: Module) -> None:
        """None: rows are put into bytes whole."""

    def define_product(self, module: Module, *, halves: bool = False) -> Function:
        """Add the product to a module."""
        quantise = _define_quantise(module, self)
        few = self.define_sums(module)
        kinds = [i64, pointer, pointer, i64, pointer, pointer, i64, i64, pointer]
        made, b = function(module, "product", kinds, inline=True)
        m, rows, results, k, panels, starts, begin, end, operands = made.args
        whole = b.mul(b.sdiv(b.add(k, integer(self.block - 1)), integer(self.block)), integer(self.block))
        line = b.add(b.mul(whole, integer(2)), integer(LINE))
        with count(b, integer(0), m) as r:
            b.call(quantise, [load(b, rows, r, pointer), k, element_at(b, operands, r, line), whole])
        words = b.sdiv(whole, integer(WORD))
        panel_bytes = b.mul(b.add(words, integer(2)), integer(self.columns * WORD))
        adds = b.icmp_unsigned("==", b.ptrtoint(starts, i64), integer(0))
        span = Span(b, begin, end)
        with count(b, span.first, span.last) as turn, self.rows_together(b, m) as (first, number):
            p = span.place(turn)
            column = b.mul(p, integer(self.columns * WORD))
            targets = at(b, results, first, pointer)
            start = b.select(adds, starts, b.gep(starts, [column]))
            factors = [element_at(b, operands, first, line), words, element_at(b, panels, p, panel_bytes)]
            b.call(few, [number, b.bitcast(targets, pointer), column, *factors, start])
        b.ret_void()
        return made

    @contextmanager
    def rows_together(self, b: Builder, m: Value) -> Iterator[tuple[Value, Value]]:
        """The code within is run for those of m rows that are multiplied at a time: their first, and their number."""
        tiles = b.sdiv(b.add(m, integer(ROWS - 1)), integer(ROWS))
        with count(b, integer(0), tiles) as t:
            first, last = (b.sdiv(b.mul(m, edge), tiles) for edge in (t, b.add(t, integer(1))))
            yield first, b.sub(last, first)

    def define_sums(self, module: Module) -> Function:
        """Add sums(m, C, column, operands, words, panel, start): rows that are multiplied at a time, by a panel."""
        made, b = function(module, "sums", SUMS, inline=True)
        m, results, column, operands, words, panel, start = made.args
        by, to = Factors(operands, words, panel), Results(results, column, start)
        choose(b, made, m, ROWS, lambda n: _multiply(b, self, n, to, by))
        return made


SUMS = [i64, pointer, i64, pointer, i64, pointer, pointer]


class Factors(NamedTuple):
    """What is multiplied: rows of A, `words` words of four terms for each byte of a number, and a panel."""

    rows: Value
    words: Value
    panel: Value

    def bytes(self, b: Builder) -> Value:
        """Of the high bytes of a row, after which the low ones stand, and then its scale."""
        return b.mul(self.words, integer(WORD))

    def line(self, b: Builder) -> Value:
        """Bytes from a row to the next."""
        return b.add(b.mul(self.bytes(b), integer(2)), integer(LINE))

    def after(self, b: Builder, columns: int, row: int) -> Value:
        """Of what stands behind the words of a panel, the scales (row 0) or the corrections (row 1)."""
        return element(b, self.panel, b.add(self.words, integer(row)), columns * WORD)


class Results(NamedTuple):
    """Where sums go: to `column` of the results in a list, from `start`, or where it is 0 from what is there."""

    rows: Value
    column: Value
    start: Value


# --- rows in bytes -------------------------------------------------------------------------------------
def _define_quantise(module: Module, tile: Int8Tile) -> Function:
    """Add quantise(row, k, target, whole): the bytes of k terms of a row, zero up to `whole` of them, and its scale."""
    made, b = function(module, "quantise", [pointer, i64, pointer, i64], inline=True)
    row, k, target, whole = made.args
    lanes, width = tile.lanes, integer(tile.lanes.width)
    largest = _largest(b, tile, row, k)
    finite = b.icmp_signed("<", largest, ir.Constant(i32, _INFINITY_BITS))
    size = b.bitcast(largest, lanes.scalar)
    counts = b.and_(finite, b.fcmp_ordered(">=", size, ir.Constant(lanes.scalar, lanes.round(_LEAST))))
    levels, nothing = ir.Constant(lanes.scalar, float(ROW_LEVELS)), ir.Constant(lanes.scalar, 0.0)
    inverse = b.select(counts, b.fdiv(levels, size), nothing)
    scale = b.select(counts, b.fdiv(size, levels), nothing)
    scale = b.select(finite, scale, ir.Constant(lanes.scalar, float("nan")))
    b.store(scale, b.bitcast(b.gep(target, [b.mul(whole, integer(2))]), lanes.scalar.as_pointer()))
    factor = lanes.splat(b, inverse)
    with b.if_else(finite) as (numbers, none):
        with numbers, count(b, integer(0), whole, width) as j:
            _store_bytes(tile, _terms(b, tile, row, j, k) * factor, target, j, whole)
        with none, count(b, integer(0), whole, width) as j:
            _store_bytes(tile, Vector(lanes, b, lanes.constant(0.0)), target, j, whole)
    b.ret_void()
    return made


def _terms(b: Builder, tile: Int8Tile, row: Value, j: Value, k: Value) -> Vector:
    """A register of a row from term j on, zero from k on."""
    mask = pointwise.inside_mask(b, tile.lanes, j, k)
    return tile.lanes.load(b, at(b, row, j, tile.lanes.scalar), mask)


def _largest(b: Builder, tile: Int8Tile, row: Value, k: Value) -> Value:
    """The bits of the largest magnitude in a row: as whole numbers they stand in its order, NaN last."""
    lanes = tile.lanes
    with b.goto_entry_block():
        place = b.alloca(lanes.integers)
    b.store(lanes.integer(0), place)
    with count(b, integer(0), k, integer(lanes.width)) as j:
        bits = b.and_(_terms(b, tile, row, j, k).bits(), lanes.integer(_MAGNITUDE_BITS))
        before = b.load(place)
        b.store(b.select(b.icmp_signed(">", bits, before), bits, before), place)
    kind = ir.FunctionType(i32, [lanes.integers])
    return b.call(declare(b.module, f"llvm.vector.reduce.smax.v{lanes.width}i32", kind), [b.load(place)])


def _store_bytes(tile: Int8Tile, terms: Vector, target: Value, j: Value, whole: Value) -> None:
    """The two bytes of a register of terms, each plus 128 where no sign is taken, from term j on."""
    b, lanes = terms.builder, terms.lanes
    kind = ir.VectorType(BYTE, lanes.width)
    numbers = b.fptosi(terms.call("roundeven").value, lanes.integers)
    high = b.ashr(b.add(numbers, lanes.integer(128)), lanes.integer(8))
    for part, start in ((high, j), (numbers, b.add(whole, j))):
        taken = b.trunc(part, kind)
        if not tile.signed:
            taken = b.xor(taken, ir.Constant(kind, [128] * lanes.width))
        b.store(taken, b.bitcast(b.gep(target, [start]), kind.as_pointer())).align = 1


# --- the sums ------------------------------------------------------------------------------------------
def _multiply(b: Builder, tile: Int8Tile, n: int, to: Results, by: Factors) -> None:
    """The sums of exactly so many rows."""
    size, line, scalar = by.bytes(b), by.line(b), tile.lanes.scalar
    rows = [b.gep(by.rows, [b.mul(line, integer(r))]) for r in range(n)]
    corrections = [v.bits() for v in tile.load(b, b.bitcast(by.after(b, tile.columns, 1), scalar.as_pointer()))]
    if tile.signed:
        corrections = [tile.lanes.integer(0)] * tile.vectors
    halves = [b.gep(row, [offset]) for row in rows for offset in (integer(0), size)]
    sums = _sums(b, tile, [list(corrections) for _ in halves], halves, by)
    for r, row in enumerate(rows):
        store_sums(b, tile, (sums[2 * r], sums[2 * r + 1]), row, (integer(r), to), by)


def store_sums(
    b: Builder,
    tile: Int8Tile,
    sums: tuple[list[Value], list[Value]],
    row: Value,
    to: tuple[Value, Results],
    by: Factors,
) -> None:
    """Store a result: of the sums of a row's high and of its low bytes, which of the results it is, and of which.

    Many arguments: what a result is made of, from four places.
    """
    lanes, scalar = tile.lanes, tile.lanes.scalar
    r, (results, column, start) = to
    adds = b.icmp_unsigned("==", b.ptrtoint(start, i64), integer(0))
    target = at(b, b.gep(load(b, results, r, pointer), [column]), integer(0), scalar)
    initial = tile.load(b, b.select(adds, target, b.bitcast(start, scalar.as_pointer())))
    scales = tile.load(b, b.bitcast(by.after(b, tile.columns, 0), scalar.as_pointer()))
    scale = b.bitcast(b.gep(row, [b.mul(by.bytes(b), integer(2))]), scalar.as_pointer())
    own = lanes.splat(b, b.load(scale))
    high, low = ([Vector(lanes, b, b.sitofp(v, lanes.vector)) for v in half] for half in sums)
    total = [h.fma(256.0, l) for h, l in zip(high, low, strict=True)]
    tile.store(b, target, [t.fma(own * scale, i) for t, scale, i in zip(total, scales, initial, strict=True)])


def _sums(b: Builder, tile: Int8Tile, initial: list[list[Value]], rows: list[Value], by: Factors) -> list[list[Value]]:
    """The rows of `initial`, unrolled, and to each the words of a row times those of the panel."""
    lanes = tile.lanes

    def step(j: Value, sums: list[list[Value]]) -> list[list[Value]]:
        weights = tile.load(b, at(b, by.panel, b.mul(j, integer(tile.columns)), lanes.scalar))
        found = []
        for place, row in zip(rows, sums, strict=True):
            word = lanes.splat(b, load(b, place, j, lanes.scalar)).bits()
            found.append(
                [dot(b, lanes, tile.unit, value, word, w.bits()) for w, value in zip(weights, row, strict=True)]
            )
        return found

    return accumulate(b, "w", by.words, initial, step)
