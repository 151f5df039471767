"""Any cell as ONNX: a Scan over time, whose body is the traced step.

A step beyond a length changes no state and gives zeros. So in reverse, where a Scan begins at the padding, a sequence
begins at its own last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellwright.cells.definition import PER_STEP
from cellwright.export.operations import step
from cellwright.export.writer import Writer

if TYPE_CHECKING:
    import onnx_ir as ir

    from cellwright.export.layer import Asked


def write(w: Writer, asked: Asked) -> list[ir.Value]:
    """The layer as one Scan a direction: output (T, B, D·P) and the state after (D, B, ·) each."""
    sides = [_direction(w, asked, d) for d in range(len(asked.weights))]
    states = [w.stack(parts) for parts in zip(*(end for _, end in sides), strict=True)]
    return [w.join([output for output, _ in sides], 2), *states]


def _direction(w: Writer, asked: Asked, d: int) -> tuple[ir.Value, list[ir.Value]]:
    """One direction: (T, B, P), and the state after, (B, ·) each."""
    cell, weights = asked.cell, asked.weights[d]
    x = _plus(w, w.op("MatMul", asked.input, w.transposed(weights.input)), weights.input_bias)  # (T, B, G·H)
    recurrent = w.transposed(weights.recurrent)
    projection = None if weights.projection is None else w.transposed(weights.projection)
    fresh = [w.select(s, d) for s in asked.fresh] if asked.fresh else [w.number(0.0) for _ in cell.states]
    own = _own(w, asked, d)

    body = Writer(asked.dtype)
    states = {name: body.input(f"{name}_before") for name in cell.states}
    scanned: list[tuple[ir.Value, ir.Value]] = [(x, body.input("x"))]  # the whole, and its step
    if asked.lengths is not None:
        scanned.append((w.within(asked.input, asked.lengths), alive := body.truth("alive")))
    if asked.reset is not None:
        scanned.append((_cuts(w, asked, d), cut := body.truth("cut")))
    streams = {}
    for name, value in (asked.streams[d] if asked.streams else {}).items():
        if cell.streams[name] == PER_STEP:
            scanned.append((value, value := body.input(name)))
        streams[f"m.{name}"] = value

    before = states
    if asked.reset is not None:
        begun = zip(states.items(), fresh, strict=True)
        before = {name: body.op("Where", cut, new, s) for (name, s), new in begun}
    u = _plus(body, body.op("MatMul", before[cell.operand], recurrent), weights.recurrent_bias)
    given = {f"s.{name}": s for name, s in before.items()} | own | streams
    given |= _parts(body, asked, "x", scanned[0][1]) | _parts(body, asked, "u", u)
    new = step(body, cell, given)
    if projection is not None:
        new[cell.operand] = body.op("MatMul", new[cell.operand], projection)
    output = new[cell.states[0]]
    if asked.lengths is not None:
        new = {name: body.op("Where", alive, value, states[name]) for name, value in new.items()}
        output = body.op("Where", alive, output, body.number(0.0))
    after = [body.op("Identity", value) for value in (*new.values(), output)]  # each of a body's results is its own

    *end, rows = w.several(
        "Scan",
        len(after),
        *(w.select(s, d) for s in asked.state),
        *(whole for whole, _ in scanned),
        body=body.body([*states.values(), *(part for _, part in scanned)], after),
        num_scan_inputs=len(scanned),
        scan_input_directions=[d] * len(scanned),
        scan_output_directions=[d],
    )
    return rows, end


def _plus(w: Writer, value: ir.Value, bias: ir.Value | None) -> ir.Value:
    return value if bias is None else w.op("Add", value, bias)


def _parts(w: Writer, asked: Asked, letter: str, values: ir.Value) -> dict[str, ir.Value]:
    """(…, G·H) by projection, (…, H) each: "x.i", …"""
    names = asked.cell.projections
    found = [values] if len(names) == 1 else w.several("Split", len(names), values, axis=-1, num_outputs=len(names))
    return {f"{letter}.{name}": part for name, part in zip(names, found, strict=True)}


def _own(w: Writer, asked: Asked, d: int) -> dict[str, ir.Value]:
    """The cell's own parameters: "p.name" (H), or of one a projection "p.name.i"."""
    found: dict[str, ir.Value] = {}
    for name, value in asked.weights[d].own.items():
        if asked.cell.per_unit(name):
            found[f"p.{name}"] = value
            continue
        for k, part in enumerate(asked.cell.projections):  # a Slice, since no optimizer computes a Split beforehand
            ends = w.integers([k * asked.hidden]), w.integers([(k + 1) * asked.hidden])
            found[f"p.{name}.{part}"] = w.op("Slice", value, *ends)
    return found


def _cuts(w: Writer, asked: Asked, d: int) -> ir.Value:
    """Where this direction begins anew, (T, B, 1), as `packing.Layout.cuts` has it."""
    assert asked.reset is not None
    reset = w.unsqueeze(asked.reset, 2)
    if d == 0:
        return reset
    if asked.lengths is not None:
        reset = w.op("And", reset, w.within(asked.input, asked.lengths))
    later = w.op("Slice", reset, w.integers([1]), w.integers([2**31 - 1]), w.integers([0]))
    first = w.op("Slice", reset, w.integers([0]), w.integers([1]), w.integers([0]))
    return w.op("Concat", later, w.op("And", first, w.op("Not", first)), axis=0)  # nothing begins anew at the last step
