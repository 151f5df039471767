"""Any cell as ONNX: a Scan over time, whose body is the traced step. A step beyond a length changes no state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellwright.cells.definition import PER_STEP
from cellwright.onnx.directions import Direction
from cellwright.onnx.operations import step
from cellwright.onnx.writer import Writer

if TYPE_CHECKING:
    import onnx_ir as ir


class _Inputs:
    """Values that the body is given, and what it knows them by: OpenVINO lets it read only constants from outside."""

    def __init__(self, body: Writer) -> None:
        self.body = body
        self.given: list[ir.Value] = []
        self.known: list[ir.Value] = []

    def add(self, value: ir.Value, name: str, *, truth: bool = False) -> ir.Value:
        """The value as the body knows it: of the writer's type, or a truth value."""
        self.given.append(value)
        self.known.append(self.body.truth(name) if truth else self.body.input(name))
        return self.known[-1]


def write(w: Writer, one: Direction) -> tuple[ir.Value, list[ir.Value]]:
    """One direction: (T, B, P), and the state after, (B, ·) each."""
    states = one.cell.states
    body = Writer(w.dtype)
    carried, scanned = _Inputs(body), _Inputs(body)  # what a step hands to the next; what has a part a step
    before = {name: carried.add(s, f"{name}_before") for name, s in zip(states, one.state, strict=True)}
    streams = {}
    for name, value in one.streams.items():
        inputs = scanned if one.cell.streams[name] == PER_STEP else carried
        streams[name] = inputs.add(value, name.replace(".", "_"))
    begun = before if one.resets is None else _begun(body, one, before, carried, scanned)
    x = None
    if one.weights.input is not None:  # (T, B, G·H)
        of_all = _plus(w, w.op("MatMul", one.input, w.transposed(one.weights.input)), one.weights.input_bias)
        x = scanned.add(of_all, "x")
    found = _step(w, body, one, x, begun, streams)
    new, output = {name: found[name] for name in states}, body.join([found[name] for name in one.cell.results], -1)
    if one.within is not None:
        alive = scanned.add(one.within, "alive", truth=True)
        new = {name: body.op("Where", alive, value, before[name]) for name, value in new.items()}
        output = body.op("Where", alive, output, body.number(0.0))
    results = [*new.values(), *carried.known[len(states) :], output]  # what is no state is handed on as it is
    *end, rows = w.several(
        "Scan",
        len(results),
        *carried.given,
        *scanned.given,
        # Each result is a value of its own.
        body=body.body([*carried.known, *scanned.known], [body.op("Identity", value) for value in results]),
        num_scan_inputs=len(scanned.given),
    )
    return rows, end[: len(states)]


def _begun(
    body: Writer, one: Direction, before: dict[str, ir.Value], carried: _Inputs, scanned: _Inputs
) -> dict[str, ir.Value]:
    """The states before a step, begun anew where one resets."""
    assert one.resets is not None
    reset = scanned.add(one.resets, "reset", truth=True)
    fresh = [carried.add(s, f"{name}_fresh") for name, s in zip(before, one.fresh, strict=False)]
    fresh = fresh or [body.number(0.0)] * len(before)
    return {name: body.op("Where", reset, new, s) for (name, s), new in zip(before.items(), fresh, strict=True)}


def _step(
    w: Writer,
    body: Writer,
    one: Direction,
    x: ir.Value | None,
    before: dict[str, ir.Value],
    streams: dict[str, ir.Value],
) -> dict[str, ir.Value]:
    """The new states and outputs; w writes what is made of the weights, once, and body the rest."""
    cell, weights = one.cell, one.weights
    given = {f"s.{name}": s for name, s in before.items()} | _own(w, one) | streams
    if x is not None:
        given |= _parts(body, one, "x", x)
    if weights.recurrent is not None and cell.multiplies_before:
        product = body.op("MatMul", before[cell.recurrent_state], w.transposed(weights.recurrent))
        given |= _parts(body, one, "u", _plus(body, product, weights.recurrent_bias))

    def within(name: str, operand: ir.Value) -> ir.Value:
        matrix = w.transposed(_rows(w, one, weights.recurrent, name[2:]))
        bias = weights.recurrent_bias and _rows(w, one, weights.recurrent_bias, name[2:])
        return _plus(body, body.op("MatMul", operand, matrix), bias)

    def whole(value: ir.Value) -> ir.Value:
        return body.op("Expand", value, body.op("Shape", before[cell.states[0]]))

    new = step(body, cell, given, within, whole)
    if weights.projection is not None:
        new[cell.recurrent_state] = body.op("MatMul", new[cell.recurrent_state], w.transposed(weights.projection))
    return new


def _plus(w: Writer, value: ir.Value, bias: ir.Value | None) -> ir.Value:
    return value if bias is None else w.op("Add", value, bias)


def _parts(w: Writer, one: Direction, letter: str, values: ir.Value) -> dict[str, ir.Value]:
    """(…, G·H) by projection, (…, H) each: "x.i", …"""
    names = one.cell.projections
    found = [values] if len(names) == 1 else w.several("Split", len(names), values, axis=-1, num_outputs=len(names))
    return {f"{letter}.{name}": part for name, part in zip(names, found, strict=True)}


def _own(w: Writer, one: Direction) -> dict[str, ir.Value]:
    """The cell's own parameters: "p.name" (H), or of one a projection "p.name.i"."""
    found: dict[str, ir.Value] = {}
    for name, value in one.weights.extra_parameters.items():
        if one.cell.per_unit(name):
            found[f"p.{name}"] = value
            continue
        for part in one.cell.projections:
            found[f"p.{name}.{part}"] = _rows(w, one, value, part)
    return found


def _rows(w: Writer, one: Direction, value: Any, projection: str) -> ir.Value:
    """The rows (H, …) of a projection among (G·H, …): a Slice, since no optimizer computes a Split beforehand."""
    k, hidden = one.cell.projections.index(projection), int(value.shape[0]) // len(one.cell.projections)
    return w.op("Slice", value, w.integers([k * hidden]), w.integers([(k + 1) * hidden]))
