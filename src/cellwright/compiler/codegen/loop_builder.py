"""What the loops over a sequence share: an item's words, row addresses, and where programs read and write.

The sequences of a batch never meet, so each thread takes some of them from the first step to the last, and no thread
waits for another inside the sequence; where there are few, several threads share them (`team`). Rows lie as in
`backends.call`; `batch_sizes` falls with t.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from llvmlite import ir
from llvmlite.ir import Function, Module, Value

from cellwright.cells.definition import PER_SEQUENCE
from cellwright.compiler.codegen import bfloat16, pointwise
from cellwright.compiler.codegen.arguments import ITEM
from cellwright.compiler.codegen.bfloat16_tile import Bfloat16Tile
from cellwright.compiler.codegen.gate_layout import LoopSpec
from cellwright.compiler.codegen.ir_builder import (
    BYTE,
    Span,
    at,
    count,
    function,
    integer,
    load,
    minimum,
    pointer,
)
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.team import Team
from cellwright.compiler.codegen.vector import Lanes, Vector, i64
from cellwright.compiler.ir.program import Program

HALF = 2  # bytes of a number of 16 bits


class LoopBuilder:
    """A loop being written, for one item of work."""

    def __init__(self, module: Module, name: str, tile: Tile, step: LoopSpec) -> None:
        self.tile, self.step = tile, step
        self.lanes: Lanes = tile.lanes
        self.block = step.block()
        places = step.places
        if places.inputs or places.recurrent or places.products:
            self.product = tile.define_product(module)
            self._part = tile.define_part(module) if step.heads > 1 else None
        self.product_of_halves = tile.define_product(module, halves=True) if step.halves and step.back else None
        self.function, self.b = function(module, name, [pointer], inline=True)
        b = self.b
        (self.item,) = self.function.args
        self.team = Team(module, b, self.item) if places.recurrent and (step.splits or not step.saves) else None
        tile.begin(b)
        self.direction = ITEM.address(b, self.item, "direction")
        self.first, self.last, self.chunk = (ITEM.number(b, self.item, word) for word in ("first", "last", "chunk"))
        self.steps, self.inputs, self.hidden = self._sizes("steps", "inputs", "hidden")
        self.padded, self.outputs, self.operand_bytes = self._sizes("padded", "outputs", "operand_bytes")
        self.y_stride, self.reverse = self._sizes("y_stride", "reverse")
        self.row_bytes = b.mul(self.padded, integer(self.lanes.bytes))
        self._units = self._of_this_part() if self.team is not None and step.saves else (integer(0), None)
        size = b.mul(ITEM.number(b, self.item, "capacity"), integer(8))
        lists = self.own("lists")
        self.lists = [b.gep(lists, [b.mul(size, integer(k))]) for k in range(4)]

    def _of_this_part(self) -> tuple[Value, Value]:
        """The first of this part's units, and the one after its last, in whole registers."""
        assert self.team is not None
        wide = integer(self.lanes.width)
        first, last = self.team.share(self.b.sdiv(self.padded, wide))
        return self.b.mul(first, wide), self.b.mul(last, wide)

    def _sizes(self, *words: str) -> list[Value]:
        return [self.block.number(self.b, self.direction, word) for word in words]

    # --- addresses ------------------------------------------------------------------------------------
    def address(self, name: str) -> Value:
        """The direction's address of that name."""
        return self.block.address(self.b, self.direction, name)

    def own(self, name: str) -> Value:
        """The item's address of that name."""
        return ITEM.address(self.b, self.item, name)

    def table(self, name: str, k: Value) -> Value:
        """Entry k of one of the tables over the steps, or over the packed rows."""
        return load(self.b, self.address(name), k)

    def row(self, name: str, index: Value, slots: int = 1) -> Value:
        """The address of a padded row of `slots` values a unit."""
        return self.b.gep(self.address(name), [self.b.mul(index, self.b.mul(self.row_bytes, integer(slots)))])

    def state_row(self, kind: str, state: str, index: Value) -> Value:
        """The address of a row of a state's buffer; the operand's rows have a width of their own."""
        if state != self.step.cell.recurrent_state:
            return self.row(f"{kind}.{state}", index)
        return self.b.gep(self.address(f"{kind}.{state}"), [self.b.mul(index, self.operand_bytes)])

    def gate_row(self, base: Value, index: Value) -> Value:
        """The address of a row of gates: whole panels where the product of x writes those."""
        wide = self.slots_wide(self.step.slots)
        size = self.panels_bytes(wide) if self.step.places.inputs else self.b.mul(wide, integer(self.lanes.bytes))
        return self.b.gep(base, [self.b.mul(index, size)])

    def half_row(self, name: str, index: Value, slots: int = 1) -> Value:
        """The address of a padded row of `slots` values a unit, in 16 bits each."""
        size = self.b.mul(self.padded, integer(HALF * slots))
        return self.b.gep(self.address(name), [self.b.mul(index, size)])

    def columns_row(self, index: Value, slot: int = 0) -> Value:
        """The address of the cotangents of a packed row, from a slot on."""
        places, b = self.step.places, self.b
        row = (self.half_row if self.step.halves else self.row)("columns", self.in_stretch(index), places.width)
        size = HALF if self.step.halves else self.lanes.bytes
        return b.gep(row, [b.mul(self.padded, integer(slot * size))]) if slot else row

    def in_stretch(self, index: Value) -> Value:
        """Which row of its stretch a packed row is."""
        return self.b.sub(index, self.block.number(self.b, self.direction, "before"))

    def before(self, state: str, t: Value, sequence: Value) -> Value:
        """The row in which a state stands before step t."""
        rows = "state_rows"
        if self.step.saves and state in self.step.replayed:
            rows = "sparse_rows"
        elif self.step.saves and self.step.is_half(state):
            rows = "turns"
        return self.b.add(self.table(rows, t), sequence)

    def replayed_row(self, state: str, index: Value) -> Value:
        """The address of such a state before the step of a packed row, where it is computed again."""
        return self.row(f"replayed.{state}", self.in_stretch(index))

    def x_row(self, index: Value) -> Value:
        """The address of the input of a packed row."""
        width = self.b.mul(self.inputs, integer(self.lanes.bytes))
        return self.b.gep(self.address("x"), [self.b.mul(self.table("x_places", index), width)])

    def y_row(self, index: Value, result: str) -> Value:
        """The address of an output of a packed row, or of its cotangent: those of a row stand side by side."""
        row = self.b.mul(self.table("y_places", index), self.y_stride)
        number = self.step.cell.results.index(result)
        before = self.b.mul(self.outputs, integer(number * self.lanes.bytes))
        return self.b.gep(self.address("y"), [self.b.add(row, before) if number else row])

    def slots_wide(self, slots: int) -> Value:
        """The columns of so many slots."""
        return self.b.mul(self.padded, integer(slots))

    def panels(self, columns: Value) -> Value:
        """How many panels hold that many columns."""
        wide = integer(self.tile.columns)
        return self.b.sdiv(self.b.add(columns, integer(self.tile.columns - 1)), wide)

    def panels_bytes(self, columns: Value) -> Value:
        """Bytes of a row of whole panels that hold that many columns."""
        return self.b.mul(self.panels(columns), integer(self.tile.columns * self.lanes.bytes))

    def within_row(self, product: int, place: Value) -> Value:
        """Where the result of a product within the step stands for the sequence at `place` of the item."""
        sizes = [self.panels_bytes(self.slots_wide(len(p.letters))) for p in self.step.places.products[: product + 1]]
        b, row = self.b, self.own("within")
        for size in sizes[:-1]:
            row = b.gep(row, [b.mul(b.sub(self.last, self.first), size)])
        return b.gep(row, [b.mul(place, sizes[-1])])

    def put(self, which: int, k: Value, address: Value) -> None:
        """Entry k of one of the item's lists of row addresses."""
        self.b.store(address, at(self.b, self.lists[which], k, pointer))

    def get(self, which: int, k: Value) -> Value:
        """Entry k of one of the item's lists of row addresses."""
        return load(self.b, self.lists[which], k, pointer)

    def multiply(
        self, m: Value, a: int, c: int, k: Value, factor: str, columns: Value, *, cotangents: bool = False
    ) -> None:
        """The first m rows of list c = those of list a times the panels `factor`, from its starts.

        Many arguments: a product. `cotangents` are rows of 16 bits with halves.
        """
        product = (self.product_of_halves if cotangents else None) or self.product
        self._multiply(m, a, c, k, factor, (integer(0), self.panels(columns)), product)

    def multiply_together(self, m: Value, a: int, c: int, k: Value, factor: str, columns: Value) -> None:
        """The same, of which each part computes some panels, then has all."""
        self._multiply(m, a, c, k, factor, self._shared(columns), self.product)
        if self.team is not None:
            self.team.barrier()

    def multiply_to_and_fro(self, s: Value, m: Value, a: int, c: int, k: Value, columns: Value) -> None:
        """The same with U at the s-th step: from the first panel to the last and, the next time, back.

        So of a U that is larger than the second cache what was read last is still there, and is read first. Many
        arguments: as `multiply_together`.
        """
        b, (first, last) = self.b, self._shared(columns)
        back = b.trunc(s, ir.IntType(1))
        product = self.product_of_halves or self.product
        if self.team is not None and self.step.saves:
            self.team.barrier()  # for the other parts' units of the rows, and until they have read the last products
        self._multiply(m, a, c, k, "recurrent", (b.select(back, last, first), b.select(back, first, last)), product)
        if self.team is not None:
            self.team.barrier()

    def _shared(self, columns: Value) -> tuple[Value, Value]:
        """The first of this part's panels, and the one after its last."""
        panels = self.panels(columns)
        return (integer(0), panels) if self.team is None else self.team.share(panels)

    def _multiply(
        self, m: Value, a: int, c: int, k: Value, factor: str, panels: tuple[Value, Value], product: Function
    ) -> None:
        """Call a product. Many arguments: what it is handed."""
        if factor in self.step.places.factors_of_u and self._part is not None:
            halves = product is self.product_of_halves
            self.tile.make_ready(self.b, m, self.lists[a], k, self.own("operands"), halves=halves)
            self._multiply_heads(self._part, m, (a, c), k, factor, panels)
            return
        operands = [k, self.address(f"{factor}_panels"), self.address(f"{factor}_starts")]
        self.b.call(product, [m, self.lists[a], self.lists[c], *operands, *panels, self.own("operands")])

    def _multiply_heads(
        self, part: Function, m: Value, lists: tuple[int, int], k: Value, factor: str, panels: tuple[Value, Value]
    ) -> None:
        """The same of heads: of each panel only those rows that are of its columns' heads; all others are zero."""
        b, span = self.b, Span(self.b, *panels)
        with count(b, span.first, span.last) as n:
            p, starts = span.place(n), self.address(f"{factor}_starts")
            for run in self.tile.runs(b, self._of_heads(factor, b.mul(p, integer(self.tile.columns)), k)):
                matrices = [*(self.lists[which] for which in lists), k, self.address(f"{factor}_panels")]
                b.call(part, [m, *matrices, starts, p, *run, self.own("operands")])
                starts = ir.Constant(pointer, None)  # what follows is added

    def _of_heads(self, factor: str, column: Value, k: Value) -> list[tuple[Value, Value]]:
        """The runs of a panel's k rows that are not zero, from the panel's first column: each run's first and number.

        Forward the rows are units, and the columns those of U's letters one after another; where a panel is of two
        letters, all its rows are taken. Backward it is the other way round.
        """
        b, wide = self.b, integer(self.tile.columns)
        unit = column if self.step.back else b.srem(column, self.padded)
        size = b.sdiv(self.hidden, integer(self.step.heads))
        last = b.sub(minimum(b, b.add(unit, wide), self.hidden), integer(1))
        first = minimum(b, b.mul(b.sdiv(unit, size), size), self.hidden)
        terms = b.sub(b.mul(b.add(b.sdiv(last, size), integer(1)), size), first)
        if self.step.back:
            letters = self.step.places.factors_of_u[factor]
            return [(b.add(self.slots_wide(slot), first), terms) for slot in range(len(letters))]
        crosses = b.icmp_signed(">", b.add(unit, wide), self.padded)
        return [(b.select(crosses, integer(0), first), b.select(crosses, k, terms))]

    def end(self) -> Function:
        """End the function, which is what it gives."""
        self.tile.end(self.b)
        self.b.ret_void()
        return self.function

    # --- the course of the steps ----------------------------------------------------------------------
    def time(self, s: Value) -> Value:
        """The step of the sequence that is the s-th to be computed."""
        b = self.b
        mirrored = b.sub(b.sub(self.steps, integer(1)), s)
        return b.select(b.icmp_signed("!=", self.reverse, integer(0)), mirrored, s)

    def alive(self, t: Value) -> Value:
        """One past the last of the item's sequences alive at t."""
        return minimum(self.b, self.last, self.table("batch_sizes", t))

    def following(self, s: Value, end: Value) -> tuple[Value, Value]:
        """Whether a step before `end` comes after the s-th, and which of the sequence it is."""
        b, after = self.b, self.b.add(s, integer(1))
        last = b.sub(end, integer(1))
        return b.icmp_signed("<", after, end), self.time(minimum(b, after, last))

    def if_reset(self, row: Value, then: Callable[[], None]) -> None:
        """Run `then` where there are resets and this row begins anew."""
        b = self.b
        with self.if_wanted("resets"):
            flag = b.load(b.gep(self.address("resets"), [row]))
            with b.if_then(b.icmp_unsigned("!=", flag, ir.Constant(BYTE, 0))):
                then()

    # --- whole rows -----------------------------------------------------------------------------------
    def width(self, state: str) -> Value:
        """How many numbers a row of a state's buffer holds, filled up."""
        if state != self.step.cell.recurrent_state:
            return self.padded
        return self.b.sdiv(self.operand_bytes, integer(self.lanes.bytes))

    def units(self, width: Value) -> AbstractContextManager[Value]:
        """A loop over a row of so many numbers, a register at a time: over those that this part computes."""
        return count(self.b, *self._computed(width), integer(self.lanes.width))

    def _computed(self, width: Value) -> tuple[Value, Value]:
        """The first of so many numbers that this part computes, and the one after its last."""
        first, last = self._units
        return first, width if last is None else minimum(self.b, width, last)

    def clear(self, row: Value, width: Value) -> None:
        """Set a row to zero."""
        b, lanes = self.b, self.lanes
        with self.units(width) as unit:
            lanes.store(Vector(lanes, b, lanes.constant(0.0)), at(b, row, unit, lanes.scalar))

    def copy(self, source: Value, row: Value, width: Value) -> None:
        """Copy a row."""
        with self.units(width) as unit:
            self.writer(row)(unit, self.reader(source)(unit))

    def add(self, source: Value, row: Value, width: Value) -> None:
        """Add a row to another."""
        with self.units(width) as unit:
            self.writer(row)(unit, self.reader(row)(unit) + self.reader(source)(unit))

    def size(self, state: str) -> Value:
        """How many numbers a state has, without what fills it up."""
        return self.outputs if state == self.step.cell.recurrent_state else self.hidden

    def edge_row(self, kind: str, state: str, sequence: Value) -> Value:
        """The address of the state of a sequence before its first step or after its last, in rows without padding."""
        size = self.b.mul(self.size(state), integer(self.lanes.bytes))
        return self.b.gep(self.address(f"{kind}.{state}"), [self.b.mul(sequence, size)])

    def begin(self, state: str, sequence: Value, row: Value) -> None:
        """Set a row to what a state begins from, its padding to zero."""
        b, lanes, source, size = self.b, self.lanes, self.edge_row("begin", state, sequence), self.size(state)
        with self.units(self.width(state)) as unit:
            value = lanes.load(b, at(b, source, unit, lanes.scalar), self.inside(unit, size))
            self.writer(row)(unit, value)

    def finish(self, state: str, sequence: Value, row: Value) -> None:
        """Hand out a row as what a state ends as."""
        b, lanes, target, size = self.b, self.lanes, self.edge_row("final", state, sequence), self.size(state)
        with self.units(size) as unit:
            lanes.store(self.reader(row)(unit), at(b, target, unit, lanes.scalar), self.inside(unit, size))

    def if_wanted(self, name: str) -> AbstractContextManager[Any]:
        """What is written here is done where the address of that name is not 0."""
        b = self.b
        return b.if_then(b.icmp_unsigned("!=", b.ptrtoint(self.address(name), i64), integer(0)))

    # --- where a program's inputs come from and its outputs go -----------------------------------------
    def reader(self, row: Value, slot: int = 0) -> pointwise.Read:
        """Reads a slot of a padded row."""
        return lambda unit: self.lanes.load(self.b, self._place(row, slot, unit, self.lanes.scalar))

    def writer(self, row: Value, slot: int = 0) -> pointwise.Write:
        """Writes a slot of a padded row."""
        return lambda unit, value: self.lanes.store(value, self._place(row, slot, unit, self.lanes.scalar))

    def half_reader(self, row: Value, slot: int = 0, *, share: bool = False) -> pointwise.Read:
        """Reads a slot of a padded row of 16 bits; of a `share`, what is kept by its distance from 1."""

        def read(unit: Value) -> Vector:
            found = bfloat16.load(self.b, self.lanes, self._place(row, slot, unit, bfloat16.i16))
            return bfloat16.as_share(found) if share else found

        return read

    def half_writer(self, row: Value, slot: int = 0, *, share: bool = False) -> pointwise.Write:
        """Writes a slot of a padded row of 16 bits, likewise."""
        native = isinstance(self.tile, Bfloat16Tile) and self.tile.native

        def write(unit: Value, value: Vector) -> None:
            kept = bfloat16.of_share(value) if share else value
            bfloat16.store(kept, self._place(row, slot, unit, bfloat16.i16), native)

        return write

    def saved_reader(self, name: str, gates: Value, row: Value) -> pointwise.Read:
        """Reads what was saved in a row, or in one of gates."""
        half, rest = self.step.kept
        if self.step.in_gates:
            return self.reader(gates, int(name.removeprefix("saved.")))
        if name in half:
            return self.half_reader(self.half_row("halves", row, len(half)), half[name], share=self.step.halves[name])
        return self.reader(self.row("kept", row, len(rest)), rest[name])

    def saved_writer(self, name: str, gates: Value, row: Value) -> pointwise.Write:
        """Writes what is saved, likewise."""
        half, rest = self.step.kept
        if self.step.in_gates:
            return self.writer(gates, int(name.removeprefix("saved.")))
        if name in half:
            return self.half_writer(self.half_row("halves", row, len(half)), half[name], share=self.step.halves[name])
        return self.writer(self.row("kept", row, len(rest)), rest[name])

    def _place(self, row: Value, slot: int, unit: Value, kind: ir.Type) -> Value:
        """Where a unit of a slot is in a row of numbers of this type."""
        b = self.b
        shifted = b.add(unit, self.slots_wide(slot)) if slot else unit
        return at(b, row, shifted, kind)

    def saved_number(self, row: Value, which: int) -> Value:
        """The address of one of the numbers that a row saves."""
        first = self.b.mul(row, integer(self.step.saved_rows))
        return at(self.b, self.address("rows"), self.b.add(first, integer(which)), self.lanes.scalar)

    def inside(self, unit: Value, size: Value) -> Value:
        """Which lanes at `unit` are below a size."""
        return pointwise.inside_mask(self.b, self.lanes, unit, size)

    def given(self, sequence: Value, row: Value) -> dict[str, pointwise.Read]:
        """The readers of the cell's own parameters and of its streams."""
        read: dict[str, pointwise.Read] = {}
        for name in self.step.program.inputs():
            if name in self.step.cell.streams:
                index = sequence if self.step.cell.streams[name] == PER_SEQUENCE else row
                read[name] = (
                    self._number(name, index) if name in self.step.scalars else self.reader(self.row(name, index))
                )
            elif name.startswith("p."):
                read[name] = self.reader(self.address(name))
        return read

    def _number(self, name: str, index: Value) -> pointwise.Read:
        """Reads one number of a stream, the same for every unit."""
        place = at(self.b, self.address(name), index, self.lanes.scalar)
        return lambda unit: self.lanes.splat(self.b, self.b.load(place))

    def run(self, program: Program, read: dict[str, pointwise.Read], write: dict[str, pointwise.Write]) -> None:
        """Run the program, or a part of it, over the units of a row."""
        units = self._computed(self.padded)
        row = pointwise.Row(self.hidden, self.padded, units, read, write, scratch=self.own("spill"))
        pointwise.emit(self.b, self.lanes, program, row)
