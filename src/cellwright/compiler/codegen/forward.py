"""The loop forward over the steps of a sequence."""

from __future__ import annotations

from llvmlite import ir
from llvmlite.ir import Function, Module, Value
from llvmlite.ir import IRBuilder as Builder

from cellwright.compiler.codegen import pointwise
from cellwright.compiler.codegen.gate_layout import LoopSpec
from cellwright.compiler.codegen.ir_builder import at, count, integer, minimum
from cellwright.compiler.codegen.loop_builder import LoopBuilder
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.vector import Vector, i64
from cellwright.compiler.ir.program import Program

# The item's lists of row addresses. While x W is computed: rows of x, rows of gates. In a step: targets of the
# projection, or of a product within the step, in place of the rows of x, which are done with; rows that are multiplied;
# rows of products.
X, GATES, TARGETS, OPERANDS, PRODUCTS = 0, 1, 0, 2, 3


def define_forward(module: Module, tile: Tile, step: LoopSpec) -> Function:
    """Add the forward loop for one item: x W + b for some steps ahead, then those steps one by one."""
    e = LoopBuilder(module, "forward", tile, step)
    b = e.b
    with b.goto_entry_block():
        position = b.alloca(i64)  # the row of gates that comes next
    _begin(e)
    with count(b, integer(0), e.steps, e.chunk) as begin:
        end = minimum(b, b.add(begin, e.chunk), e.steps)
        if e.team is not None:
            e.team.barrier()  # nobody reads the last chunk's gates any more
        if step.places.inputs:
            _project_inputs(e, begin, end, position)
        b.store(integer(0), position)
        with count(b, begin, end) as s:
            _step(e, s, position)
    _finish(e)
    return e.end()


def _begin(e: LoopBuilder) -> None:
    """The states before each sequence's first step; of two steps in turn both, since it may begin in either."""
    with count(e.b, e.first, e.last) as n:
        start = e.table("starts", n)
        for name in e.step.cell.states:
            for place in _first_rows(e, name, n, start):
                e.begin(name, n, place)
                e.if_reset(start, lambda name=name, place=place, n=n: _restore(e, name, n, place))  # type: ignore[misc]


def _first_rows(e: LoopBuilder, name: str, n: Value, start: Value) -> list[Value]:
    """Where the state before the first step of sequence n stands, that of packed row `start`."""
    if e.step.saves and name in e.step.replayed:  # where that step reads it, and for the pass back
        return [e.state_row("state", name, e.table(rows, n)) for rows in ("sparse_reads", "sparse_begins")]
    if e.step.saves and not e.step.is_half(name):
        return [e.state_row("state", name, start)]
    return [e.state_row("state", name, row) for row in (n, e.b.add(n, e.table("batch_sizes", integer(0))))]


def _finish(e: LoopBuilder) -> None:
    """The states after each sequence's last step, where they are wanted."""
    with count(e.b, e.first, e.last) as n:
        for name in e.step.cell.states:
            with e.if_wanted(f"final.{name}"):
                e.finish(name, n, e.state_row("carry", name, n))


def _next(b: Builder, position: Value) -> Value:
    """The position, moved on by one."""
    k = b.load(position)
    b.store(b.add(k, integer(1)), position)
    return k


def _project_inputs(e: LoopBuilder, begin: Value, end: Value, position: Value) -> None:
    """Rows of gates = x W + b for the steps from begin to end."""
    b = e.b
    b.store(integer(0), position)
    with count(b, begin, end) as s:
        t = e.time(s)
        offset = e.table("offsets", t)
        with count(b, e.first, e.alive(t)) as n:
            k, row = _next(b, position), b.add(offset, n)
            e.put(X, k, e.x_row(row))
            base, index = (e.address("gates"), row) if e.step.in_gates else (e.own("gates"), k)
            e.put(GATES, k, e.gate_row(base, index))
    e.multiply_together(b.load(position), X, GATES, e.inputs, "input", e.slots_wide(len(e.step.places.inputs)))


def _step(e: LoopBuilder, s: Value, position: Value) -> None:
    """One step: the products of the states before, then the cell for each sequence alive, then its projection."""
    b = e.b
    t = e.time(s)
    alive = e.alive(t)
    here = b.sub(alive, e.first)
    if e.step.places.recurrent:
        _multiply_states(e, t, s, alive)
    for phase in e.step.phases:
        last = phase is e.step.phases[-1]
        with count(b, e.first, alive) as n:
            _cell(e, phase.program, n, t, s, _gates(e, n, t, position, last=last))
        for product in phase.products:
            _multiply_within(e, product, t, alive)
    if e.step.projects:
        e.multiply(here, OPERANDS, TARGETS, e.hidden, "projection", e.outputs)
        with count(b, e.first, alive) as n:
            _copy_output(e, e.get(TARGETS, b.sub(n, e.first)), b.add(e.table("offsets", t), n))
    _begin_anew(e, s, alive)


def _multiply_states(e: LoopBuilder, t: Value, s: Value, alive: Value) -> None:
    """Products = the states before the step, through U."""
    b, name = e.b, e.step.cell.recurrent_state
    with count(b, e.first, alive) as n:
        place = b.sub(n, e.first)
        e.put(OPERANDS, place, e.state_row("state", name, e.before(name, t, n)))
        e.put(PRODUCTS, place, _product_row(e, s, place))
    columns = e.slots_wide(len(e.step.places.recurrent))
    e.multiply_to_and_fro(s, b.sub(alive, e.first), OPERANDS, PRODUCTS, e.outputs, columns)


def _multiply_within(e: LoopBuilder, product: int, t: Value, alive: Value) -> None:
    """What a product within the step gives: its operands, through U's rows of its letters."""
    b = e.b
    with count(b, e.first, alive) as n:
        place = b.sub(n, e.first)
        e.put(OPERANDS, place, _operand_row(e, product, n, t))
        e.put(TARGETS, place, e.within_row(product, place))
    columns = e.slots_wide(len(e.step.places.products[product].letters))
    e.multiply_together(b.sub(alive, e.first), OPERANDS, TARGETS, e.hidden, f"product.{product}", columns)


def _operand_row(e: LoopBuilder, product: int, n: Value, t: Value) -> Value:
    """What a product within the step multiplies of sequence n: kept for the gradient of U, or of this step alone."""
    return e.row(f"operand.{product}", e.b.add(e.table("offsets", t), n) if e.step.saves else n)


def _gates(e: LoopBuilder, n: Value, t: Value, position: Value, *, last: bool) -> Value:
    """The row of gates of sequence n: that of the product of x, or where there is none the one for what is saved.

    The last part of the step moves the position on.
    """
    if e.step.places.inputs:
        b = e.b
        return e.get(GATES, _next(b, position) if last else b.add(b.load(position), b.sub(n, e.first)))
    return e.gate_row(e.address("gates"), e.b.add(e.table("offsets", t), n))


def _product_row(e: LoopBuilder, s: Value, place: Value) -> Value:
    """Where the product of the sequence at `place` goes: where parts share it, to two places in turn."""
    b = e.b
    row = place
    if e.team is not None:
        second = b.and_(e.team.several, b.trunc(s, ir.IntType(1)))
        row = b.select(second, b.add(place, b.sub(e.last, e.first)), place)
    return b.gep(e.own("products"), [b.mul(row, e.panels_bytes(e.slots_wide(len(e.step.places.recurrent))))])


def _targets(e: LoopBuilder, s: Value, n: Value) -> dict[str, Value]:
    """Where the new states of sequence n go: the next step's rows, or where it ends what it ends with."""
    b = e.b
    more, following = e.following(s, e.steps)
    more = b.and_(more, b.icmp_signed("<", n, e.table("batch_sizes", following)))
    rows = {name: e.state_row("state", name, e.before(name, following, n)) for name in e.step.cell.states}
    return {name: b.select(more, row, e.state_row("carry", name, n)) for name, row in rows.items()}


def _cell(e: LoopBuilder, program: Program, n: Value, t: Value, s: Value, gates: Value) -> None:
    """The cell, or a part of it, for sequence n.

    Many arguments: where the sequence stands in each of the tables.
    """
    b, step = e.b, e.step
    cell, places, place = step.cell, step.places, b.sub(n, e.first)
    row = b.add(e.table("offsets", t), n)
    read = e.given(n, row)
    read |= {f"x.{g}": e.reader(gates, k) for k, g in enumerate(places.inputs)}
    if places.recurrent:
        products = e.get(PRODUCTS, place)
        read |= {f"u.{g}": e.reader(products, k) for k, g in enumerate(places.recurrent)}
    for product, laid in enumerate(places.products):
        result = e.within_row(product, place)
        read |= {f"u.{g}": e.reader(result, k) for k, g in enumerate(laid.letters)}
    states = {name: e.state_row("state", name, e.before(name, t, n)) for name in cell.states}
    read |= {f"s.{name}": e.reader(state) for name, state in states.items()}
    if step.saves and program is step.phases[0].program:
        _keep_halves(e, states, row)
    targets = _targets(e, s, n)
    write: dict[str, pointwise.Write] = {f"state.{name}": e.writer(target) for name, target in targets.items()}
    if step.projects:
        whole = e.row("whole", row if step.saves else n)
        write[f"state.{cell.states[0]}"] = e.writer(whole)
        e.put(OPERANDS, place, whole)
        e.put(TARGETS, place, targets[cell.recurrent_state])
    else:
        for name in cell.results:
            given = _given(e, e.y_row(row, name))
            kind = "state" if name in cell.states else "out"
            write[f"{kind}.{name}"] = _both(write[f"state.{name}"], given) if name in cell.states else given
    for name in program.outputs:
        kind, _, which = name.partition(".")
        if kind == "saved":
            write[name] = e.saved_writer(name, gates, row)
        elif kind == "operand":
            write[name] = e.writer(_operand_row(e, int(which), n, t))
        elif kind == "letter":
            write[name] = e.writer(e.row(name, row))
        elif kind == "row":
            write[name] = _number(e, row, int(which))
    e.run(program, read, write)


def _keep_halves(e: LoopBuilder, states: dict[str, Value], row: Value) -> None:
    """The state that U multiplies as it is before the step, where that is kept in 16 bits."""
    for name, state in states.items():
        if e.step.is_half(name):
            read, write = e.reader(state), e.half_writer(e.half_row("half_state", row))
            with e.units(e.padded) as unit:
                write(unit, read(unit))


def _given(e: LoopBuilder, y: Value) -> pointwise.Write:
    """Writes an output to the row of outputs, which is not filled up."""
    return lambda unit, value: e.lanes.store(value, at(e.b, y, unit, e.lanes.scalar), e.inside(unit, e.outputs))


def _both(one: pointwise.Write, other: pointwise.Write) -> pointwise.Write:
    """Writes a value to two places."""

    def write(unit: Value, value: Vector) -> None:
        one(unit, value)
        other(unit, value)

    return write


def _number(e: LoopBuilder, row: Value, which: int) -> pointwise.Write:
    """Writes one number of a row: that of its first lane."""
    b, place = e.b, e.saved_number(row, which)
    return lambda unit, value: b.store(b.extract_element(value.value, integer(0)), place)


def _copy_output(e: LoopBuilder, state: Value, row: Value) -> None:
    """The projected state to the row of outputs."""
    b, lanes, y = e.b, e.lanes, e.y_row(row, e.step.cell.results[0])
    with count(b, integer(0), e.outputs, integer(lanes.width)) as unit:
        value = e.reader(state)(unit)
        lanes.store(value, at(b, y, unit, lanes.scalar), e.inside(unit, e.outputs))


def _begin_anew(e: LoopBuilder, s: Value, alive: Value) -> None:
    """Where the next step of a sequence begins anew, the state before it is the fresh one."""
    b = e.b
    more, following = e.following(s, e.steps)
    row = e.table("offsets", following)
    with (
        b.if_then(more),
        count(b, e.first, minimum(b, alive, e.table("batch_sizes", following))) as n,
    ):

        def begin(n: Value = n) -> None:
            for name in e.step.cell.states:
                _restore(e, name, n, e.state_row("state", name, e.before(name, following, n)))

        e.if_reset(b.add(row, n), begin)


def _restore(e: LoopBuilder, name: str, n: Value, row: Value) -> None:
    """A state in a row becomes the fresh one of sequence n."""
    e.copy(e.state_row("fresh", name, n), row, e.width(name))
