"""The loop backward over the steps of a sequence: the cotangents of x and u for every row.

It takes a stretch of the steps at a time, the last first, so that only the cotangents of a stretch are held. What goes
from one to the next are `carry` and `fresh`: at the end of a stretch, what its cotangents hand to the step before is
added to `carry`, in the order in which that step would add it, so that a row has the same bits wherever steps are cut.
States that are kept before some steps only are first computed again, before every step of the stretch.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite.ir import Function, Module, Value

from cellwright.cells.definition import PER_SEQUENCE
from cellwright.compiler.codegen import pointwise
from cellwright.compiler.codegen.gate_layout import LoopSpec
from cellwright.compiler.codegen.ir_builder import at, count, integer, minimum
from cellwright.compiler.codegen.loop_builder import LoopBuilder
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Vector
from cellwright.compiler.ir.program import Program

# The item's lists of row addresses: projected cotangents, or of what products within the step multiply, and what the
# projected ones become; cotangents of u; products.
PROJECTED, WHOLE, COLUMNS, PRODUCTS = 0, 1, 2, 3


def define_backward(module: Module, tile: Tile, step: LoopSpec) -> Function:
    """Add the backward loop for one item."""
    e = LoopBuilder(module, "backward", tile, step)
    b = e.b
    if step.places.recurrent:
        stride, whole = e.panels_bytes(e.outputs), e.panels_bytes(e.padded)
        past = b.gep(e.own("products"), [b.mul(b.sub(e.last, e.first), stride)])
        with count(b, integer(0), b.sub(e.last, e.first)) as k:
            e.put(PRODUCTS, k, b.gep(e.own("products"), [b.mul(k, stride)]))
            e.put(WHOLE, k, b.gep(past, [b.mul(k, whole)]))
    since, until = (e.block.number(b, e.direction, name) for name in ("since", "until"))
    with b.if_then(b.icmp_signed("==", until, e.steps)):
        _begin(e)
    with count(b, integer(0), b.sub(until, since)) as back:
        s = b.sub(b.sub(until, integer(1)), back)
        if step.replayed:
            _replay_before(e, s, until)
        _step(e, s, until)
    goes_on = _hand_on(e, since)
    with e.if_wanted(f"final.{step.cell.states[0]}"):
        _finish(e, goes_on, _last_alive(e, since, until))
    return e.end()


def _replay_before(e: LoopBuilder, s: Value, until: Value) -> None:
    """Where step s ends a run of steps, compute states that are kept before its first only before each of them.

    A run is computed again just before its own derivative, which then finds in the cache what both read.
    """
    b = e.b
    more, following = e.following(s, until)
    since = e.table("sparse_since", e.time(s))
    with b.if_then(b.or_(b.not_(more), b.icmp_signed("!=", e.table("sparse_since", following), since))):
        _replay(e, since, b.add(s, integer(1)))


def _replay(e: LoopBuilder, since: Value, until: Value) -> None:
    """Of a run of steps those states, before each of them, as the pass forward had them.

    From what is kept, or where a sequence begins, they go on step by step.
    """
    b, step = e.b, e.step
    with count(b, since, until) as s:
        t = e.time(s)
        offset, alive = e.table("offsets", t), e.alive(t)
        with count(b, e.first, alive) as n:
            _take_kept(e, n, b.add(offset, n), t)
        more, following = e.following(s, until)
        goes_on = b.select(more, minimum(b, alive, e.table("batch_sizes", following)), e.first)
        after = e.table("offsets", following)
        with count(b, e.first, goes_on) as n:
            write = {f"state.{name}": e.writer(e.replayed_row(name, b.add(after, n))) for name in step.replayed}
            e.run(step.replay, _readers(e, step.replay, n, b.add(offset, n)), write)


def _take_kept(e: LoopBuilder, n: Value, row: Value, t: Value) -> None:
    """What a sequence begins or goes on from at a packed row, where that is kept, or where it begins anew."""
    b = e.b
    begins = b.icmp_signed("==", row, e.table("starts", n))
    first = e.table("sparse_rows", t)
    kept = b.icmp_signed(">=", first, e.block.number(b, e.direction, "sparse_kept"))
    with b.if_then(b.or_(begins, kept)):
        for name in e.step.replayed:
            there = b.select(begins, e.table("sparse_begins", n), b.add(first, n))
            e.copy(e.state_row("state", name, there), e.replayed_row(name, row), e.padded)

    def restore() -> None:
        for name in e.step.replayed:
            e.copy(e.state_row("restored", name, n), e.replayed_row(name, row), e.padded)

    e.if_reset(row, restore)


def _begin(e: LoopBuilder) -> None:
    """What is carried back begins as the cotangents of the final states, and those of the fresh ones as zero."""
    with count(e.b, e.first, e.last) as n:
        for name in e.step.cell.states:
            e.begin(name, n, e.state_row("carry", name, n))
            with e.if_wanted("resets"):
                e.clear(e.state_row("fresh", name, n), e.width(name))


def _hand_on(e: LoopBuilder, since: Value) -> Value:
    """At the end of a stretch, carry what its first step hands to the one before.

    Gives one past the last of the item's sequences that have such a step.
    """
    b, t = e.b, e.time(since)
    more = b.icmp_signed(">", since, integer(0))
    before = e.time(b.select(more, b.sub(since, integer(1)), since))
    goes_on = b.select(more, minimum(b, e.alive(t), e.table("batch_sizes", before)), e.first)
    if e.step.places.recurrent:
        _through_weights(e, t, goes_on)
    with count(b, e.first, goes_on) as n:
        e.if_reset(b.add(e.table("offsets", t), n), lambda n=n: _cut(e, n))  # type: ignore[misc]
        if e.step.places.recurrent:
            _carry_products(e, n, b.sub(n, e.first))
    return b.select(b.icmp_signed("<", goes_on, e.first), e.first, goes_on)


def _last_alive(e: LoopBuilder, since: Value, until: Value) -> Value:
    """One past the last of the item's sequences that have a step in the stretch: its first or last has most."""
    b = e.b
    one, other = (e.alive(e.time(s)) for s in (since, b.sub(until, integer(1))))
    return b.select(b.icmp_signed("<", one, other), other, one)


def _carry_products(e: LoopBuilder, n: Value, place: Value) -> None:
    """Add to what sequence n carries what came through U, in the row at `place`."""
    state = e.step.cell.recurrent_state
    e.add(e.get(PRODUCTS, place), e.state_row("carry", state, n), e.width(state))


def _finish(e: LoopBuilder, first: Value, last: Value) -> None:
    """Of the sequences that begin in the stretch, the cotangents of the states before their first step.

    Where one began anew those are the fresh states'.
    """
    b, cell = e.b, e.step.cell
    if e.step.places.recurrent:
        _multiply_columns(e, integer(0), (first, last), lambda n: e.table("starts", n))
    with count(b, first, last) as n:
        if e.step.places.recurrent:
            _carry_products(e, n, b.sub(n, first))
        e.if_reset(e.table("starts", n), lambda n=n: _hand_to_fresh(e, n))  # type: ignore[misc]
        for name in cell.states:
            e.finish(name, n, e.state_row("carry", name, n))


def _step(e: LoopBuilder, s: Value, until: Value) -> None:
    """One step back: what the step after hands to this one's states, then the cell's derivative.

    What one of a later stretch hands on is carried already.
    """
    b = e.b
    t = e.time(s)
    alive = e.alive(t)
    more, following = e.following(s, until)
    goes_on = minimum(b, alive, e.table("batch_sizes", following))  # sequences of which the step after is a part
    goes_on = b.select(more, goes_on, e.first)
    if e.step.places.recurrent:
        _through_weights(e, following, goes_on)
        with count(b, b.select(b.icmp_signed("<", goes_on, e.first), e.first, goes_on), alive) as n:
            e.clear(e.get(PRODUCTS, b.sub(n, e.first)), e.width(e.step.cell.recurrent_state))
    with count(b, e.first, goes_on) as n:
        e.if_reset(b.add(e.table("offsets", following), n), lambda n=n: _cut(e, n))  # type: ignore[misc]
    if e.step.projects:
        _through_projection(e, t, alive)
    for phase in e.step.phases:
        with count(b, e.first, alive) as n:
            _cell(e, phase.program, n, t, last=phase is e.step.phases[-1])
        for product in phase.products:
            _through_product(e, product, t, alive)


def _through_product(e: LoopBuilder, product: int, t: Value, alive: Value) -> None:
    """The cotangents of what a product within the step multiplies: those of its letters, through U's rows of them."""
    b, places = e.b, e.step.places
    letters, start = places.products[product]
    with count(b, e.first, alive) as n:
        place = b.sub(n, e.first)
        e.put(COLUMNS, place, e.columns_row(b.add(e.table("offsets", t), n), start))
        e.put(PROJECTED, place, e.within_row(product, place))
    terms = e.slots_wide(len(letters))
    e.multiply(b.sub(alive, e.first), COLUMNS, PROJECTED, terms, f"product.{product}", e.hidden, cotangents=True)


def _through_weights(e: LoopBuilder, following: Value, goes_on: Value) -> None:
    """Products = the cotangents of the step after's u, through U."""
    rows_after = e.table("offsets", following)
    _multiply_columns(e, following, (e.first, goes_on), lambda n: e.b.add(rows_after, n))


def _multiply_columns(
    e: LoopBuilder, s: Value, sequences: tuple[Value, Value], row_of: Callable[[Value], Value]
) -> None:
    """Products = the cotangents of u in a row of each of these sequences, through U."""
    b, places, (first, last) = e.b, e.step.places, sequences
    with count(b, first, last) as n:
        e.put(COLUMNS, b.sub(n, first), e.columns_row(row_of(n), places.recurrent_start))
    terms = e.slots_wide(len(places.recurrent))
    e.multiply_to_and_fro(s, b.sub(last, first), COLUMNS, PRODUCTS, terms, e.outputs)


def _cut(e: LoopBuilder, n: Value) -> None:
    """The step after began anew: what it hands back is the fresh state's, and not this step's."""
    cell = e.step.cell
    if e.step.places.recurrent:
        products = e.get(PRODUCTS, e.b.sub(n, e.first))
        e.add(products, e.state_row("fresh", cell.recurrent_state, n), e.width(cell.recurrent_state))
        e.clear(products, e.width(cell.recurrent_state))
    _hand_to_fresh(e, n)


def _hand_to_fresh(e: LoopBuilder, n: Value) -> None:
    """What is carried back is the fresh state's."""
    for name in e.step.cell.states:
        carry = e.state_row("carry", name, n)
        e.add(carry, e.state_row("fresh", name, n), e.width(name))
        e.clear(carry, e.width(name))


def _through_projection(e: LoopBuilder, t: Value, alive: Value) -> None:
    """The cotangents of the projected output, kept for the gradient of the projection, and through it the cell's."""
    b, lanes, cell = e.b, e.lanes, e.step.cell
    with count(b, e.first, alive) as n:
        place, row = b.sub(n, e.first), b.add(e.table("offsets", t), n)
        projected = b.gep(e.address("projected"), [b.mul(e.in_stretch(row), e.operand_bytes)])
        e.put(PROJECTED, place, projected)
        carry = e.state_row("carry", cell.recurrent_state, n)
        read = _cotangent(e, carry, e.get(PRODUCTS, place), e.y_row(row, e.step.cell.results[0]))
        with count(b, integer(0), e.outputs, integer(lanes.width)) as unit:
            e.writer(projected)(unit, read(unit))
        e.clear(carry, e.width(cell.recurrent_state))
    e.multiply(b.sub(alive, e.first), PROJECTED, WHOLE, e.outputs, "projection", e.padded)


def _cell(e: LoopBuilder, program: Program, n: Value, t: Value, *, last: bool) -> None:
    """The derivative of the cell, or a part of it, for sequence n."""
    b, step = e.b, e.step
    row = b.add(e.table("offsets", t), n)
    columns = e.columns_row(row)
    write: dict[str, pointwise.Write] = {}
    for name in program.outputs:
        if name in step.cell.streams:
            write[name] = _of_stream(e, name, n, row)
        elif name.startswith("p."):
            write[name] = _adder(e, e.own("own"), step.own.index(name))
        elif name.startswith("s."):
            write[name] = e.writer(e.state_row("carry", name[2:], n))
        else:
            write[name] = _inside_writer(e, columns, step.places.columns[name])
    e.run(program, _readers(e, program, n, row), write)
    for name in step.cell.states:
        if last and f"s.{name}" not in program.outputs:  # only the products depend on this state
            e.clear(e.state_row("carry", name, n), e.width(name))


def _readers(e: LoopBuilder, program: Program, n: Value, row: Value) -> dict[str, pointwise.Read]:
    """Where the derivative's inputs stand."""
    gates = e.gate_row(e.address("gates"), row)
    read = e.given(n, row)
    for name in program.inputs():
        kind, _, which = name.partition(".")
        if kind == "saved":
            read[name] = e.saved_reader(name, gates, row)
        elif kind == "row":
            read[name] = _number(e, row, int(which))
        elif kind == "s":
            read[name] = _state_reader(e, which, row)
        elif kind == "d":
            read[name] = _cotangent_of(e, which, n, row)
    return read


def _state_reader(e: LoopBuilder, name: str, row: Value) -> pointwise.Read:
    """Reads a state before the step of a packed row."""
    if name in e.step.replayed:
        return e.reader(e.replayed_row(name, row))
    if e.step.is_half(name):
        return e.half_reader(e.half_row("half_state", row))
    return e.reader(e.state_row("state", name, row))


def _cotangent_of(e: LoopBuilder, name: str, n: Value, row: Value) -> pointwise.Read:
    """The cotangent of a new state, of what a product within the step multiplies, or of an output."""
    if name.startswith("operand."):
        return e.reader(e.within_row(int(name.removeprefix("operand.")), e.b.sub(n, e.first)))
    return _of_state(e, name, n, row) if name in e.step.cell.states else _of_output(e, name, row)


def _of_state(e: LoopBuilder, state: str, n: Value, row: Value) -> pointwise.Read:
    """The cotangent of a new state: carried back, and of the output also through U and from outside."""
    cell, place = e.step.cell, e.b.sub(n, e.first)
    carry = e.state_row("carry", state, n)
    if e.step.projects and state == cell.recurrent_state:
        return e.reader(e.get(WHOLE, place))
    through = e.step.places.recurrent and state == cell.recurrent_state
    products = e.get(PRODUCTS, place) if through else None
    return _cotangent(e, carry, products, e.y_row(row, state) if state in cell.results else None)


def _cotangent(e: LoopBuilder, carry: Value, products: Value | None, dy: Value | None) -> pointwise.Read:
    """Reads the sum of what is carried, of the products, and of the outputs' cotangents, where there are any."""

    def read(unit: Value) -> Vector:
        value = e.reader(carry)(unit)
        if products is not None:
            value = value + e.reader(products)(unit)
        if dy is not None:
            outside = at(e.b, dy, unit, e.lanes.scalar)
            value = value + e.lanes.load(e.b, outside, e.inside(unit, e.outputs))
        return value

    return read


def _of_output(e: LoopBuilder, name: str, row: Value) -> pointwise.Read:
    """The cotangent of an output that is no state."""
    y = e.y_row(row, name)
    return lambda unit: e.lanes.load(e.b, at(e.b, y, unit, e.lanes.scalar), e.inside(unit, e.outputs))


def _number(e: LoopBuilder, row: Value, which: int) -> pointwise.Read:
    """Reads one number of a row, the same for every unit."""
    place = e.saved_number(row, which)
    return lambda unit: e.lanes.splat(e.b, e.b.load(place))


def _inside_writer(e: LoopBuilder, row: Value, slot: int) -> pointwise.Write:
    """Writes a slot, zero in the padding: the next product reads it."""
    write = e.half_writer(row, slot) if e.step.halves else e.writer(row, slot)
    return lambda unit, value: write(unit, value.select(e.inside(unit, e.hidden), 0.0))


def _of_stream(e: LoopBuilder, name: str, n: Value, row: Value) -> pointwise.Write:
    """Writes the cotangent of a stream, or of one given once adds it to the sum of its steps."""
    once = e.step.cell.streams[name] == PER_SEQUENCE
    place = e.row(f"grad.{name}", n if once else row)
    return _adder(e, place) if once else e.writer(place)


def _adder(e: LoopBuilder, row: Value, slot: int = 0) -> pointwise.Write:
    """Adds to a slot of a row of sums."""
    return lambda unit, value: e.writer(row, slot)(unit, e.reader(row, slot)(unit) + value)
