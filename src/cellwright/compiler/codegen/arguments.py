"""What a kernel is handed: structs of 64-bit fields, addresses and sizes by name.

    header     items, how many, how many are begun       one a call; the threads of the pool take items from it
    item       sequences first to last of one direction   one a thread, or several where threads share sequences
    direction  everything that belongs to one direction   shared by its items

The memory of an item, for three sequences a b c of lengths 3, 2, 1, in inference, chunk = 2 steps at a time:

    x          a0 b0 c0 a1 b1 a2      the call's rows, read where they stand
                 | times W, two steps ahead
    gates      a0 b0 c0 a1 b1         (rows of a chunk, slots × padded): x W + b; in training all rows, which are kept
                 | step by step, with
    products   a  b  c                (sequences of the item, filled up): h U + b' of this step, in the first cache
    within     a  b  c                (so once a product within the step): what comes of it, between two passes
                 |
    spill      one row                what the cell keeps between passes over a row, where it has a mean
    lists      4 × rows of a chunk    addresses: which rows the product multiplies, and where its results go
    operands   rows of a product      those rows in bfloat16 parts, where products have fewer bits

docs/compiler.md draws the passes of training likewise. `padded` is H rounded up to whole registers, `filled up` a width
rounded up to whole panels of the product. H = 20 in float32 with AVX-512 is padded to 32 (two registers of 16), its
four gates of 128 columns are two panels of 64.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

from llvmlite.ir import IRBuilder as Builder
from llvmlite.ir import Value

from cellwright.compiler.codegen.ir_builder import integer, load, pointer
from cellwright.compiler.codegen.vector import i64


class Struct:
    """64-bit fields by name; their order is the layout."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.offset = {name: k for k, name in enumerate(names)}

    def number(self, b: Builder, base: Value, name: str) -> Value:
        """The IR value of a size."""
        return load(b, base, integer(self.offset[name]), i64)

    def address(self, b: Builder, base: Value, name: str) -> Value:
        """The IR value of an address."""
        return load(b, base, integer(self.offset[name]), pointer)

    @property
    def bytes(self) -> int:
        """The size of one."""
        return 8 * len(self.names)

    def pack(self, rows: Iterable[Mapping[str, int]]) -> array[int]:
        """Some structs of this layout, one after another; raises KeyError where a field has no value."""
        # Made, and asked for its address, in a quarter of the time that an array of numpy takes.
        return array("q", [row[name] for row in rows for name in self.names])


def address(words: array[int]) -> int:
    """Where words are, as long as they live."""
    return words.buffer_info()[0]


HEADER = Struct("items", "count", "taken")

# direction       address of the item's direction
# first, last     its sequences
# chunk           how many steps of x are multiplied at once
# products        (rows, columns of u) the product of a step;   spill  what a row keeps between passes
# within          those within the step, one after another: (rows, columns) each
# gates           where they are not saved: (rows of a chunk, slots × padded)
# lists           four lists of row addresses
# operands        the rows of a product in the parts that are multiplied, where it has such
# own             backward only: (parameters, padded) sums of the cotangents of the cell's own parameters
# part, parts     which thread this is of how many that share the sequences
# met             how many of them have come to a meeting
# team, rest      functions of C: how many threads the pool gave, and one that lets others run
ITEM = Struct(
    *("direction", "first", "last", "chunk", "products", "within", "spill", "gates", "lists", "capacity", "operands"),
    "own",
    *("part", "parts", "met", "team", "rest"),
)

# Of states that are kept before some steps only (`backends.kernels.sparse`).
SPARSE = ("sparse_rows", "sparse_since", "sparse_reads", "sparse_begins", "sparse_kept")

# reverse                           whether the steps are taken from the last to the first
# steps, inputs, hidden, outputs    T, I, H, and P: H, or what it is projected to
# padded, operand_bytes             H rounded up to whole registers; bytes between two rows of what U multiplies
# batch_sizes, offsets (T,)         sequences alive at a step; the first row of a step
# state_rows (T,)                   the first row of a step in the states' buffers
# starts (alive,)                   the row in which each sequence begins
# resets (S,) bytes or 0            rows that begin anew
# x_places, y_places (S,)           the rows of x and of y in which the packed rows stand
# x (·, I)                          input_panels, input_starts: W and its bias, packed
# recurrent_panels, recurrent_starts  forward: U and its bias;  backward: U transposed, and zeros
# gates (S, slots × padded)         x W + b, overwritten by what is saved
# kept, halves (S, · × padded)      with halves: what is saved in 32 and in 16 bits
# half_state (S, padded)            with halves, of 16 bits: the state that U multiplies, before each step;
# turns (T,)                        then its rows in "state", those of two steps in turn
# sparse_rows (T,)                  of a state that is kept before some steps only, its first row of each step;
# sparse_since (T,)                 and the step, as they are computed, from which it is computed again;
# sparse_reads, sparse_begins (alive,)   that of each sequence's first step, and where it is kept of that;
# sparse_kept                       the first row of those steps before which it is kept
# rows (S, saved_rows)              what is saved of one number a row
# y (·, ·), y_stride in bytes       forward: the outputs;  backward: their cotangents
# since, until                      backward: the stretch of steps, numbered as forward computes them
# before                            backward: how many packed rows there are before those of its stretch
# columns (rows, ·)                 backward: the cotangents of x and u of a stretch; with halves of 16 bits
# projection_panels, projection_starts  where the output is projected: forward the projection, backward its transpose
# whole (·, padded)                 forward: the output before it is projected, saved or of one step
# projected (rows, ·)               backward: the cotangents of the projected output of a stretch
# operand.k (·, padded)             what product k within the step multiplies, saved or of one step;
#                                   product.k_panels, product.k_starts: as those of U
COMMON = (
    *("reverse", "steps", "inputs", "hidden", "outputs", "padded", "operand_bytes"),
    *("batch_sizes", "offsets", "state_rows", "starts", "resets", "x_places", "y_places"),
    *("x", "input_panels", "input_starts", "recurrent_panels", "recurrent_starts"),
    *("kept", "halves", "half_state", "turns", *SPARSE, "since", "until", "before"),
    *("gates", "rows", "y", "y_stride", "columns", "projection_panels", "projection_starts", "whole", "projected"),
)

# Of each state, ".h" and so on; `size` is H, or P of what U multiplies where it is projected:
# begin (B, size)                   forward: before the first step;  backward: cotangents of that after the last
# state (S, padded)                 before each step, or of two steps in turn
# carry (alive, padded)             forward: after a sequence's last step;  backward: cotangents from step to step
# final (B, size) or 0              `carry` when all is done; backward with what comes through U
# fresh (alive, padded)             forward: what a reset restores;  backward: the sum of its cotangents
# restored (alive, padded)          backward, of a state that is computed again: what a reset restores
# replayed (rows, padded)           backward, of such a state: that before each step of a stretch
STATE_KINDS = ("begin", "state", "carry", "final", "fresh", "restored", "replayed")
