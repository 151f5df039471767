"""The matrix product of the kernels in fewer bits: float32 rows times float32 weights, multiplied as bfloat16 parts.

    product(m, A, C, k, panels, starts, begin, end, operands)       as in `microkernel`

A row of A is split into parts, once a call, into `operands`; weights are split when they are packed. Of the products of
parts those are added that count, the smallest first (`ORDER`):

    parts   products                              error, of the largest value, of 512 terms
    1       1                                     2e-3
    2       3: 01 10 00                           4e-6
    3       6: 02 11 20 01 10 00                  4e-7; float32's own is 1e-6

(Ootomo and Yokota 2022, Recovering single precision accuracy from Tensor Cores; Henry, Tang and Heinecke 2019,
Leveraging the bfloat16 artificial intelligence datatype.) Sums are float32, begin with the bias, and are added to in
one order whatever the rows beside, so that a row's bits are its own.

    operands   row r   part 0: k terms, filled up to whole blocks of 32; part 1; …    bfloat16
    panel              part 0: a row for two terms, a word of 32 bits a column; part 1; …

A panel's rows are as long as those of float32, and half as many for each part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import bfloat16, pointwise
from cellwright.compiler.codegen.ir_builder import at, count, element_at, function, integer, load, pointer
from cellwright.compiler.codegen.microkernel import PART, Tile
from cellwright.compiler.codegen.vector import Vector, i64
from cellwright.compiler.target import LINE

# (part of A, part of B) of each product, by how many parts there are
ORDER = {1: ((0, 0),), 2: ((0, 1), (1, 0), (0, 0)), 3: ((0, 2), (1, 1), (2, 0), (0, 1), (1, 0), (0, 0))}
MULTIPLY = [i64, pointer, i64, pointer, pointer, pointer, *[i64] * 5]  # the arguments of `define_multiply`
TERMS = 32  # of a block
MOST = 32  # rows that are multiplied at a time
WORD = 4  # bytes


@dataclass(frozen=True)
class Bfloat16Tile(Tile):
    """How float32 is multiplied as bfloat16, whatever the instruction: `AmxTile`, `DotTile`, `MatrixTile`.

    parts      in how many parts a number is split
    native     the processor rounds to bfloat16 itself
    emulated   plain instructions stand in for those that multiply
    """

    parts: int = 1
    native: bool = False
    emulated: bool = False

    def define_multiply(self, module: Module) -> Function:
        """Add multiply(m, C, pairs, operands, panels, starts, begin, end, stride, since, until): of rows split already.

        Of each part's `pairs` those from `since` on up to `until` are multiplied, whole blocks of them. C are the
        addresses of the results, or where they are `stride` bytes apart the first; a stride of 0 says that they are
        not. There are no rows where m <= 0. Added once a module.
        """
        raise NotImplementedError

    @property
    def products(self) -> tuple[tuple[int, int], ...]:
        """The parts of A and B that are multiplied, in order."""
        return ORDER[self.parts]

    @property
    def halves(self) -> bool:
        """Whether rows may be given in 16 bits, since no more of them counts."""
        return self.parts == 1

    @property
    def together(self) -> int:
        """How many terms are packed at a time: two in each word of a row."""
        return 2

    @property
    def plain(self) -> Tile:
        """The tile of the same shape that multiplies in the type itself."""
        return Tile(self.lanes, self.vectors)

    # --- sizes ----------------------------------------------------------------------------------------
    def whole(self, terms: int) -> int:
        """The terms of a panel, those that fill it up included."""
        return -(-terms // TERMS) * TERMS

    def depth(self, terms: int) -> int:
        """The rows of a panel."""
        return self.parts * self.whole(terms) // 2

    def operand_bytes(self, rows: int, terms: int) -> int:
        """Room for so many rows of A."""
        return (-(-rows // MOST) * MOST) * (self.depth(terms) * WORD + LINE)

    def pairs(self, b: Builder, terms: Value) -> Value:
        """The rows of one part of a panel."""
        blocks = b.sdiv(b.add(terms, integer(TERMS - 1)), integer(TERMS))
        return b.mul(blocks, integer(TERMS // 2))

    def panel_bytes(self, b: Builder, pairs: Value) -> Value:
        """Bytes of a panel, of so many rows a part."""
        return b.mul(pairs, integer(self.parts * self.columns * WORD))

    def operand_line(self, b: Builder, pairs: Value) -> Value:
        """Bytes from one row of the operands to the next: by a power of two, rows would share few cache sets."""
        return b.add(b.mul(pairs, integer(self.parts * WORD)), integer(LINE))

    # --- what a loop does -------------------------------------------------------------------------------
    def define_product(self, module: Module, *, halves: bool = False) -> Function:
        """Add the product to a module, of rows that are bfloat16 already where `halves` says so."""
        multiply = self.define_multiply(module)
        kinds = [i64, pointer, pointer, i64, pointer, pointer, i64, i64, pointer]
        made, b = function(module, "product_of_halves" if halves else "product", kinds, inline=True)
        m, rows, results, k, panels, starts, begin, end, operands = made.args
        pairs = self.pairs(b, k)
        self.make_ready(b, m, rows, k, operands, halves=halves)
        b.call(multiply, [m, results, pairs, operands, panels, starts, begin, end, integer(0), integer(0), pairs])
        b.ret_void()
        return made

    def make_ready(self, b: Builder, m: Value, rows: Value, k: Value, operands: Value, *, halves: bool) -> None:
        """Split m rows of k terms. Many arguments: rows, and where their parts go."""
        pairs = self.pairs(b, k)
        with count(b, integer(0), m) as r:
            row, target = load(b, rows, r, pointer), element_at(b, operands, r, self.operand_line(b, pairs))
            (self._copy_row if halves else self._split_row)(b, row, k, target, pairs)

    def runs(self, b: Builder, given: list[tuple[Value, Value]]) -> list[tuple[Value, Value]]:
        """In whole blocks, none of them in two runs: what terms are more are zero, or those of another run."""
        found = list[tuple[Value, Value]]()
        done: Value = integer(0)
        for first, terms in given:
            begin, end = b.sub(first, b.srem(first, integer(TERMS))), self.filled(b, b.add(first, terms))
            begin = b.select(b.icmp_signed("<", begin, done), done, begin)
            found.append((begin, b.sub(end, begin)))
            done = end
        return found

    def define_part(self, module: Module) -> Function:
        """Add the product of some of the terms to a module, of rows that are ready."""
        multiply = self.define_multiply(module)
        made, b = function(module, "part", PART, inline=True)
        m, _, results, k, panels, starts, p, first, terms, operands = made.args
        since, until = (b.sdiv(edge, integer(2)) for edge in (first, b.add(first, terms)))
        panel = [self.pairs(b, k), operands, panels, starts, p, b.add(p, integer(1)), integer(0)]
        b.call(multiply, [m, results, *panel, since, until])
        b.ret_void()
        return made

    def _split_row(self, b: Builder, row: Value, k: Value, target: Value, pairs: Value) -> None:
        """The parts of k terms of a row, zero up to the end of the last block."""
        lanes, width = self.lanes, self.lanes.width
        whole = b.sub(k, b.srem(k, integer(width)))
        with count(b, integer(0), whole, integer(width)) as j:
            self.store_terms(lanes.load(b, at(b, row, j, lanes.scalar)), target, j, pairs)
        with count(b, whole, b.mul(pairs, integer(2)), integer(width)) as j:
            mask = pointwise.inside_mask(b, lanes, j, k)
            self.store_terms(lanes.load(b, at(b, row, j, lanes.scalar), mask), target, j, pairs)

    def _copy_row(self, b: Builder, row: Value, k: Value, target: Value, pairs: Value) -> None:
        """k terms of a row of bfloat16, zero up to the end of the last block; there is one part."""
        lanes, i16 = self.lanes, bfloat16.i16
        with count(b, integer(0), b.mul(pairs, integer(2)), integer(lanes.width)) as j:
            mask = pointwise.inside_mask(b, lanes, j, k)
            terms = bfloat16.load(b, lanes, at(b, row, j, i16), mask)
            self.store_terms(terms, target, j, pairs)

    def store_terms(self, terms: Vector, target: Value, j: Value, pairs: Value) -> None:
        """Split a register of terms of a row, the j-th and on, and store each part in its place."""
        b = terms.builder
        for p, part in enumerate(bfloat16.parts(terms, self.parts, self.native)):
            place = b.add(b.mul(pairs, integer(2 * p)), j)
            address = at(b, target, place, bfloat16.i16)
            kind = ir.VectorType(bfloat16.i16, self.lanes.width).as_pointer()
            b.store(bfloat16.halves(part), b.bitcast(address, kind)).align = 2

    def rows_of_words(self, terms: Sequence[Vector]) -> list[Vector]:
        """The rows of a panel for a register of columns of one part of `together` terms, one after another."""
        return [bfloat16.words(*terms)]

    def _store_words(self, terms: Sequence[Vector], place: Value, pairs: Value) -> None:
        """Split a register of columns of `together` terms, and store the words of each part in its rows."""
        b = terms[0].builder
        split = (bfloat16.parts(term, self.parts, self.native) for term in terms)
        for p, part in enumerate(zip(*split, strict=True)):
            first = b.gep(place, [b.mul(pairs, integer(p * self.columns))])
            for r, words in enumerate(self.rows_of_words(part)):
                self.lanes.store(words, b.gep(first, [integer(r * self.columns)]))

    def store_rows(self, rows: list[list[Vector]], panel: Value, k: Value, terms: Value) -> None:
        """Store the rows of a panel that begin with term k: the columns of `together` terms."""
        b = rows[0][0].builder
        pairs = self.pairs(b, terms)
        for step, *columns in zip(self.steps, *rows, strict=True):
            place = b.add(b.mul(b.sdiv(k, integer(2)), integer(self.columns)), step)
            self._store_words(columns, at(b, panel, place, self.lanes.scalar), pairs)

    def store_block(self, b: Builder, block: list[Vector], target: Value, terms: Value, k: Value) -> None:
        """Store a register of columns for each of some terms from k on, of which those past the last are zero."""
        pairs = self.pairs(b, terms)
        for i in range(0, len(block), self.together):
            row = b.add(b.sdiv(k, integer(2)), integer(i // 2))
            place = at(b, target, b.mul(row, integer(self.columns)), self.lanes.scalar)
            self._store_words(block[i : i + self.together], place, pairs)

    def filled(self, b: Builder, terms: Value) -> Value:
        """The terms of a panel, filled up."""
        return b.mul(self.pairs(b, terms), integer(2))

    def panel_rows(self, b: Builder, terms: Value) -> Value:
        """The rows of a panel."""
        return b.mul(self.pairs(b, terms), integer(self.parts))


class Factors(NamedTuple):
    """What is multiplied: rows of A, `line` bytes apart, and a panel, `pairs` rows for each part.

    Of those the ones from `since` on, up to `until`.
    """

    rows: Value
    line: Value
    panel: Value
    pairs: Value
    since: Value
    until: Value


class Rows(NamedTuple):
    """Some rows of results from the first on, and the byte where the columns of a panel begin."""

    first: Value
    number: Value
    column: Value


def result_row(b: Builder, results: Value, stride: Value, rows: Rows, k: Value) -> Value:
    """The columns of the k-th of some rows of C, as `define_multiply` is given them."""
    r = b.add(rows.first, k)
    with b.if_else(b.icmp_signed("!=", stride, integer(0))) as (regular, by_list):
        with regular:
            there, after_regular = element_at(b, results, r, stride), b.block
        with by_list:
            listed, after_list = load(b, results, r, pointer), b.block
    address = b.phi(pointer)
    address.add_incoming(there, after_regular)
    address.add_incoming(listed, after_list)
    return b.gep(address, [rows.column])
