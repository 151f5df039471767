"""The loops over a sequence, forward and backward, as one function a thread calls for its share of the rows.

The sequences of a batch never meet, so each thread takes some of them from the first step to the last, and no
thread waits for another inside the sequence. Rows lie as in `cellwright.reference`; `batch_sizes` falls with t.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from cellwright.cells.definition import PER_SEQUENCE, Definition
from cellwright.compiler import rows
from cellwright.compiler.arguments import COMMON, ITEM, Block
from cellwright.compiler.code import BYTE, at, count, function, integer, load, minimum, pointer
from cellwright.compiler.program import Program
from cellwright.compiler.tile import Tile, define_product
from cellwright.compiler.vector import Lanes, Vector, i64


@dataclass(frozen=True)
class Layout:
    """Where the projections of a cell stand in its rows.

    inputs     the letters of x, in the order of their slots in a gate row
    recurrent  the letters of u, in the order of their columns in a product
    columns    backward: the slot of each cotangent, "x.i" and so on; where x and u only meet as a sum they share one.
               x's slots are one run from 0, u's one run from `recurrent_start`.
    """

    inputs: tuple[str, ...]
    recurrent: tuple[str, ...]
    columns: dict[str, int]
    recurrent_start: int

    @property
    def width(self) -> int:
        """How many slots a row of cotangents has."""
        return 1 + max(self.columns.values())


def layout(cell: Definition, backward: Program) -> Layout:
    """x alone, then x and u as a sum, then u alone: so that x's columns and u's are each one run."""
    at_x = {g: backward.outputs.get(f"x.{g}") for g in cell.projections}
    at_u = {g: backward.outputs.get(f"u.{g}") for g in cell.projections}
    apart = [g for g in cell.projections if at_x[g] is not None and at_x[g] != at_u[g]]
    shared = [g for g in cell.projections if at_x[g] is not None and at_x[g] == at_u[g]]
    alone = [g for g in cell.projections if at_u[g] is not None and at_x[g] != at_u[g]]
    columns = {f"x.{g}": k for k, g in enumerate(apart + shared)}
    columns |= {f"u.{g}": len(apart) + k for k, g in enumerate(shared + alone)}
    return Layout(tuple(apart + shared), tuple(shared + alone), columns, len(apart))


def direction_block(cell: Definition, program: Program, letters: Sequence[str] = ()) -> Block:
    """The words of a direction: COMMON, then by name the states, parameters, streams and letters."""
    names = [f"{kind}.{s}" for s in cell.states for kind in ("state", "final", "carry", "fresh")]
    names += [n for n in program.inputs() if n[:2] in ("p.", "m.")]
    return Block(*COMMON, *names, *(f"letter.{name}" for name in letters))


class Emitter:
    """What both loops share: the builder, the item's and the direction's words, and row addresses."""

    def __init__(self, module: Any, name: str, tile: Tile, block: Block) -> None:
        self.lanes: Lanes = tile.lanes
        self.tile = tile
        self.block = block
        self.product = define_product(module, tile)
        self.function, self.b = function(module, name, [pointer], inline=True)
        b = self.b
        (self.item,) = self.function.args
        self.direction = ITEM.address(b, self.item, "direction")
        for word in ("first", "last", "chunk", "capacity"):
            setattr(self, word, ITEM.number(b, self.item, word))
        for word in ("steps", "inputs", "hidden", "padded", "y_stride"):
            setattr(self, word, block.number(b, self.direction, word))
        self.row_bytes = b.mul(self.padded, integer(self.lanes.bytes))
        lists = ITEM.address(b, self.item, "lists")
        size = b.mul(self.capacity, integer(8))
        self.lists = [b.gep(lists, [b.mul(size, integer(k))]) for k in range(4)]

    first: Any
    last: Any
    chunk: Any
    capacity: Any
    steps: Any
    inputs: Any
    hidden: Any
    padded: Any
    y_stride: Any

    def address(self, name: str) -> Any:
        """The direction's address of that name."""
        return self.block.address(self.b, self.direction, name)

    def own(self, name: str) -> Any:
        """The item's address of that name."""
        return ITEM.address(self.b, self.item, name)

    def table(self, name: str, t: Any) -> Any:
        """Entry t of one of the tables over the steps."""
        return load(self.b, self.address(name), t)

    def row(self, name: str, index: Any, slots: int = 1) -> Any:
        """The address of a padded row of `slots` values a unit."""
        return self.b.gep(self.address(name), [self.b.mul(index, self.b.mul(self.row_bytes, integer(slots)))])

    def panels(self, columns: Any) -> Any:
        """How many panels hold that many columns."""
        wide = integer(self.tile.columns)
        return self.b.sdiv(self.b.add(columns, integer(self.tile.columns - 1)), wide)

    def stride_of_products(self, slots: int) -> Any:
        """Bytes between two rows of products: whole panels."""
        columns = self.panels(self.b.mul(self.padded, integer(slots)))
        return self.b.mul(columns, integer(self.tile.columns * self.lanes.bytes))

    def gate_row(self, base: Any, index: Any, slots: int) -> Any:
        """The address of a row of gates: whole panels, since the product of x writes those."""
        return self.b.gep(base, [self.b.mul(index, self.stride_of_products(slots))])

    def put(self, which: int, k: Any, address: Any) -> None:
        """Entry k of one of the item's lists of row addresses."""
        self.b.store(address, at(self.b, self.lists[which], k, pointer))

    def get(self, which: int, k: Any) -> Any:
        """Entry k of one of the item's lists of row addresses."""
        return load(self.b, self.lists[which], k, pointer)

    def clear(self, row: Any) -> None:
        """Set a padded row to zero."""
        b, lanes = self.b, self.lanes
        with count(b, integer(0), self.padded, integer(lanes.width)) as unit:
            lanes.store(Vector(lanes, b, lanes.constant(0.0)), at(b, row, unit, lanes.scalar))

    def copy(self, source: Any, row: Any) -> None:
        """Copy a padded row."""
        with count(self.b, integer(0), self.padded, integer(self.lanes.width)) as unit:
            self.writer(row)(unit, self.reader(source)(unit))

    def add(self, source: Any, row: Any) -> None:
        """Add a padded row to another."""
        with count(self.b, integer(0), self.padded, integer(self.lanes.width)) as unit:
            self.writer(row)(unit, self.reader(row)(unit) + self.reader(source)(unit))

    def if_reset(self, row: Any, then: Callable[[], None]) -> None:
        """Run `then` where there are resets and this row begins anew."""
        b, resets = self.b, self.address("resets")
        with b.if_then(b.icmp_unsigned("!=", b.ptrtoint(resets, i64), integer(0))):
            flag = b.load(b.gep(resets, [row]))
            with b.if_then(b.icmp_unsigned("!=", flag, ir.Constant(BYTE, 0))):
                then()

    # --- where a program's inputs come from and its outputs go -----------------------------------------
    def reader(self, row: Any, slot: int = 0) -> rows.Read:
        """Reads a slot of a padded row."""
        return lambda unit: self.lanes.load(self.b, self._place(row, slot, unit))

    def one(self, base: Any, slot: int) -> rows.Read:
        """Reads one number, the same for every unit."""
        b, lanes = self.b, self.lanes
        return lambda unit: lanes.splat(b, b.load(at(b, base, integer(slot), lanes.scalar)))

    def writer(self, row: Any, slot: int = 0) -> rows.Write:
        """Writes a slot of a padded row."""
        return lambda unit, value: self.lanes.store(value, self._place(row, slot, unit))

    def _place(self, row: Any, slot: int, unit: Any) -> Any:
        b = self.b
        shifted = b.add(unit, b.mul(self.padded, integer(slot))) if slot else unit
        return at(b, row, shifted, self.lanes.scalar)

    def inside(self, unit: Any) -> Any:
        """Which lanes at `unit` are units."""
        return rows.inside_mask(self.b, self.lanes, unit, self.hidden)

    def parameters(self, cell: Definition, program: Program, sequence: Any, row: Any) -> dict[str, rows.Read]:
        """The readers of the cell's own parameters and of its streams."""
        read: dict[str, rows.Read] = {}
        for name in program.inputs():
            if name.startswith("p."):
                read[name] = self.reader(self.address(name))
            elif name.startswith("m."):
                once = cell.streams[name[2:]] == PER_SEQUENCE
                read[name] = self.reader(self.row(name, sequence if once else row))
        return read


def define_forward(
    module: Any, cell: Definition, tile: Tile, program: Program, places: Layout, slots: int, saves: bool, block: Block
) -> Any:
    """Add the forward loop for one item. `slots` values a unit stand in a gate row; `saves` keeps them for backward."""
    e = Emitter(module, "forward", tile, block)
    b = e.b
    reverse = block.number(b, e.direction, "reverse")
    position = _counter(b)
    stride = e.stride_of_products(len(places.recurrent))
    with count(b, integer(0), b.sub(e.last, e.first)) as k:
        e.put(3, k, b.gep(e.own("products"), [b.mul(k, stride)]))

    with count(b, integer(0), e.steps, e.chunk) as begin:
        end = minimum(b, b.add(begin, e.chunk), e.steps)
        _project(e, places, slots, saves, reverse, begin, end, position)
        b.store(integer(0), position)
        with count(b, begin, end) as s:
            _step_forward(e, cell, program, places, reverse, s, position)
    b.ret_void()
    return e.function


def _counter(b: Any) -> Any:
    with b.goto_entry_block():
        return b.alloca(i64)


def _time(e: Emitter, reverse: Any, s: Any) -> Any:
    """The step of the sequence that is the s-th to be computed."""
    b = e.b
    return b.select(b.icmp_signed("!=", reverse, integer(0)), b.sub(b.sub(e.steps, integer(1)), s), s)


def _alive(e: Emitter, t: Any) -> Any:
    """One past the last of the item's sequences alive at t."""
    return minimum(e.b, e.last, e.table("batch_sizes", t))


def _project(
    e: Emitter, places: Layout, slots: int, saves: bool, reverse: Any, begin: Any, end: Any, position: Any
) -> None:
    """Gate rows = x W + b for the steps from begin to end; list 1 then holds the rows' addresses."""
    b, lanes = e.b, e.lanes
    b.store(integer(0), position)
    input_bytes = b.mul(e.inputs, integer(lanes.bytes))
    with count(b, begin, end) as s:
        t = _time(e, reverse, s)
        offset = e.table("offsets", t)
        with count(b, e.first, _alive(e, t)) as n:
            k, row = b.load(position), b.add(offset, n)
            e.put(0, k, b.gep(e.address("x"), [b.mul(row, input_bytes)]))
            e.put(1, k, e.gate_row(e.address("gates"), row, slots) if saves else e.gate_row(e.own("gates"), k, slots))
            b.store(b.add(k, integer(1)), position)
    panels = e.panels(b.mul(e.padded, integer(len(places.inputs))))
    arguments = [e.inputs, e.address("input_panels"), e.address("input_starts"), panels]
    b.call(e.product, [b.load(position), e.lists[0], e.lists[1], *arguments])


def _step_forward(
    e: Emitter, cell: Definition, program: Program, places: Layout, reverse: Any, s: Any, position: Any
) -> None:
    """One step: the products of the states before, then the cell for each sequence alive."""
    b = e.b
    t = _time(e, reverse, s)
    alive, offset = _alive(e, t), e.table("offsets", t)
    state_offset = e.table("state_rows", t)
    with count(b, e.first, alive) as n:
        e.put(2, b.sub(n, e.first), e.row(f"state.{cell.operand}", b.add(state_offset, n)))
    panels = e.panels(b.mul(e.padded, integer(len(places.recurrent))))
    arguments = [e.hidden, e.address("recurrent_panels"), e.address("recurrent_starts"), panels]
    b.call(e.product, [b.sub(alive, e.first), e.lists[2], e.lists[3], *arguments])
    after = b.add(s, integer(1))
    following = _time(e, reverse, minimum(b, after, b.sub(e.steps, integer(1))))
    with count(b, e.first, alive) as n:
        more = b.and_(b.icmp_signed("<", after, e.steps), b.icmp_signed("<", n, e.table("batch_sizes", following)))
        gates = e.get(1, b.load(position))
        b.store(b.add(b.load(position), integer(1)), position)
        _cell_forward(e, cell, program, places, n, offset, state_offset, following, more, gates)


def _cell_forward(
    e: Emitter,
    cell: Definition,
    program: Program,
    places: Layout,
    n: Any,
    offset: Any,
    state_offset: Any,
    following: Any,
    more: Any,
    gates: Any,
) -> None:
    """The cell for sequence n: its new states go to the next step's row, or where it ends to the final states."""
    b, lanes = e.b, e.lanes
    row = b.add(offset, n)
    products = e.get(3, b.sub(n, e.first))
    next_row = b.add(e.table("state_rows", following), n)
    read = e.parameters(cell, program, n, row)
    read |= {f"x.{g}": e.reader(gates, k) for k, g in enumerate(places.inputs)}
    read |= {f"u.{g}": e.reader(products, k) for k, g in enumerate(places.recurrent)}
    read |= {f"s.{s}": e.reader(e.row(f"state.{s}", b.add(state_offset, n))) for s in cell.states}
    write: dict[str, rows.Write] = {}
    targets = {}
    for s in cell.states:
        targets[s] = b.select(more, e.row(f"state.{s}", next_row), e.row(f"final.{s}", n))
        write[f"state.{s}"] = e.writer(targets[s])
    y = b.gep(e.address("y"), [b.mul(row, e.y_stride)])
    output = write[f"state.{cell.states[0]}"]

    def write_output(unit: Any, value: Vector) -> None:
        output(unit, value)
        lanes.store(value, at(b, y, unit, lanes.scalar), e.inside(unit))

    write[f"state.{cell.states[0]}"] = write_output
    for name in program.outputs:
        kind, _, which = name.partition(".")
        if kind == "saved":
            write[name] = e.writer(gates, int(which))
        elif kind == "letter":
            write[name] = e.writer(e.row(name, row))
        elif kind == "row":
            write[name] = _write_one(e, b.mul(row, integer(_rows_saved(program))), int(which))
    rows.emit(b, lanes, program, e.hidden, e.padded, read, write, e.own("spill"))

    def begin_anew() -> None:
        for s in cell.states:
            e.copy(e.row(f"fresh.{s}", n), targets[s])

    with b.if_then(more):
        e.if_reset(b.add(e.table("offsets", following), n), begin_anew)


def _rows_saved(program: Program) -> int:
    return sum(name.startswith("row.") for name in [*program.outputs, *program.inputs()])


def _write_one(e: Emitter, first: Any, which: int) -> rows.Write:
    """Writes one number of a row: that of its first lane."""
    b = e.b
    place = at(b, e.address("rows"), b.add(first, integer(which)), e.lanes.scalar)
    return lambda unit, value: b.store(b.extract_element(value.value, integer(0)), place) and None


def define_backward(
    module: Any, cell: Definition, tile: Tile, program: Program, places: Layout, slots: int, block: Block
) -> Any:
    """Add the backward loop for one item: the cotangents of x and u for every row, and of the states carried back."""
    e = Emitter(module, "backward", tile, block)
    b = e.b
    reverse = block.number(b, e.direction, "reverse")
    stride = e.stride_of_products(1)
    with count(b, integer(0), b.sub(e.last, e.first)) as k:
        e.put(3, k, b.gep(e.own("products"), [b.mul(k, stride)]))
    with count(b, integer(0), e.steps) as back:
        s = b.sub(b.sub(e.steps, integer(1)), back)
        _step_backward(e, cell, program, places, slots, reverse, s)
    b.ret_void()
    return e.function


def _step_backward(
    e: Emitter, cell: Definition, program: Program, places: Layout, slots: int, reverse: Any, s: Any
) -> None:
    """One step back: what the step after hands to this one's states, then the cell's derivative."""
    b = e.b
    t = _time(e, reverse, s)
    alive, after = _alive(e, t), b.add(s, integer(1))
    following = _time(e, reverse, minimum(b, after, b.sub(e.steps, integer(1))))
    goes_on = minimum(b, alive, e.table("batch_sizes", following))  # sequences of which the step after is a part
    goes_on = b.select(b.icmp_signed("<", after, e.steps), goes_on, e.first)
    rows_after = e.table("offsets", following)
    first_column = b.mul(e.row_bytes, integer(places.recurrent_start))
    with count(b, e.first, goes_on) as n:
        columns = e.row("columns", b.add(rows_after, n), places.width)
        e.put(2, b.sub(n, e.first), b.gep(columns, [first_column]))
    k = b.mul(e.padded, integer(len(places.recurrent)))
    arguments = [k, e.address("recurrent_panels"), e.address("recurrent_starts"), e.panels(e.padded)]
    b.call(e.product, [b.sub(goes_on, e.first), e.lists[2], e.lists[3], *arguments])
    with count(b, e.first, alive) as n:
        products = e.get(3, b.sub(n, e.first))
        ended = b.icmp_signed(">=", n, goes_on)
        with b.if_then(ended):
            e.clear(products)
        with b.if_then(b.not_(ended)):
            cut = functools.partial(_cut, e, cell, n, products)
            e.if_reset(b.add(rows_after, n), cut)
        _cell_backward(e, cell, program, places, slots, n, t, products)


def _cut(e: Emitter, cell: Definition, n: Any, products: Any) -> None:
    """The step after began anew: what it hands back is the fresh state's, and not this step's."""
    e.add(products, e.row(f"fresh.{cell.operand}", n))
    e.clear(products)
    for s in cell.states:
        e.add(e.row(f"carry.{s}", n), e.row(f"fresh.{s}", n))
        e.clear(e.row(f"carry.{s}", n))


def _cell_backward(
    e: Emitter, cell: Definition, program: Program, places: Layout, slots: int, n: Any, t: Any, products: Any
) -> None:
    b, lanes = e.b, e.lanes
    row = b.add(e.table("offsets", t), n)
    gates = e.gate_row(e.address("gates"), row, slots)
    columns = e.row("columns", row, places.width)
    dy = b.gep(e.address("y"), [b.mul(row, e.y_stride)])
    carry = {s: e.row(f"carry.{s}", n) for s in cell.states}
    read = e.parameters(cell, program, n, row)
    for name in program.inputs():
        kind, _, which = name.partition(".")
        if kind == "saved":
            read[name] = e.reader(gates, int(which))
        elif kind == "row":
            saved = b.mul(row, b.mul(integer(_rows_saved(program)), integer(lanes.bytes)))
            read[name] = e.one(b.gep(e.address("rows"), [saved]), int(which))
        elif kind == "s":
            read[name] = e.reader(e.row(f"state.{which}", b.add(e.table("state_rows", t), n)))
        elif kind == "d":
            read[name] = _cotangent(e, cell, which, carry[which], products, dy)

    write: dict[str, rows.Write] = {}
    for name in program.outputs:
        if name.startswith("p."):
            write[name] = _adder(e, own_parameters(program).index(name))
        elif name.startswith("s."):
            write[name] = e.writer(carry[name[2:]])
        else:
            write[name] = _inside_writer(e, columns, places.columns[name])
    rows.emit(b, lanes, program, e.hidden, e.padded, read, write, e.own("spill"))
    for s in cell.states:
        if f"s.{s}" not in program.outputs:  # only the products depend on this state
            e.clear(carry[s])


def own_parameters(program: Program) -> list[str]:
    """The cell's own parameters whose cotangents a backward program gives, in the order of an item's sums."""
    return [name for name in program.outputs if name.startswith("p.")]


def _cotangent(e: Emitter, cell: Definition, state: str, carry: Any, products: Any, dy: Any) -> rows.Read:
    """The cotangent of a new state: carried back, through U, and from the output."""
    b, lanes = e.b, e.lanes

    def read(unit: Any) -> Vector:
        value = e.reader(carry)(unit)
        if state == cell.operand:
            value = value + e.reader(products)(unit)
        if state == cell.states[0]:
            value = value + lanes.load(b, at(b, dy, unit, lanes.scalar), e.inside(unit))
        return value

    return read


def _inside_writer(e: Emitter, row: Any, slot: int) -> rows.Write:
    """Writes a slot, zero in the padding: the next product reads it."""
    return lambda unit, value: e.writer(row, slot)(unit, value.select(e.inside(unit), 0.0))


def _adder(e: Emitter, slot: int) -> rows.Write:
    """Adds to the item's sum of a parameter's cotangents."""
    row = e.own("own")
    return lambda unit, value: e.writer(row, slot)(unit, e.reader(row, slot)(unit) + value)
