"""The backward pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels.binding import DirectionArguments, Launch, LayerBinding, compact
from cellwright.backends.kernels.forward import Saved
from cellwright.backends.kernels.int8_panels import refuse_gradients
from cellwright.backends.kernels.panels import give_projection, transpose_weights
from cellwright.backends.kernels.products import Factor, product, products_of_rows, sums_of_products
from cellwright.cells.definition import PER_SEQUENCE, PER_UNIT


@dataclass
class Gradients:
    """Of the rows (N, I), of each state and fresh state (D, B, ·), and of each direction's `Weights.flat` and streams.

    None where they were not wanted.
    """

    rows: Tensor | None
    state: Sequence[Tensor | None]
    fresh: Sequence[Tensor | None]
    weights: list[list[Tensor]]
    streams: list[list[Tensor | None]]


def backward(
    call: Call,
    saved: Sequence[Saved],
    d_rows: Tensor,
    d_state: Sequence[Tensor],
    *,
    wants_rows: bool,
    wants_state: bool,
) -> Gradients:
    """The gradients of a call from the cotangents of its rows (N', D·P) and final states (D, B, ·)."""
    refuse_gradients(call)
    binding = LayerBinding(call)
    loop = binding.kernel.backward(projects=binding.projects, scalars=binding.scalars, heads=call.heads)
    dy = d_rows.contiguous()
    directions = [DirectionArguments(binding, loop, d) for d in binding.directions]
    for d, direction in enumerate(directions):
        _give(direction, saved[d], dy, [s[d] for s in d_state])
    own = [dy.new_zeros(len(loop.step.own), binding.padded) for _ in binding.tables.items if call.cell.parameters]
    Launch(binding, directions, loop, own).run()
    nothing = [None] * len(call.state), [None] * len(call.fresh or ())
    state, fresh = _of_states(binding, directions, d_state) if wants_state else nothing
    return Gradients(
        _of_rows(binding, directions) if wants_rows else None,
        state,
        fresh,
        _of_weights(binding, directions, saved, own),
        [_of_streams(direction) for direction in directions],
    )


def _give(direction: DirectionArguments, saved: Saved, dy: Tensor, d_final: Sequence[Tensor]) -> None:
    """Everything the loop reads and writes."""
    binding, d = direction.binding, direction.d
    places = binding.kernel.layout
    direction.give_output(dy)
    direction.give("gates", saved.gates)
    direction.give("rows", saved.rows)
    direction.give("columns", dy.new_empty(binding.count, places.width * binding.padded))
    recurrent = binding.call.weights[d].recurrent
    if recurrent is not None:
        for name, letters in places.factors_of_u.items():
            panels = transpose_weights(binding, recurrent, letters)
            direction.give(f"{name}_panels", panels)
            direction.give(f"{name}_starts", dy.new_zeros(panels.shape[0] * panels.shape[2]))
    for name in binding.call.wanted:
        once = binding.call.cell.streams[name] == PER_SEQUENCE
        rows = dy.new_zeros(binding.call.state[0].shape[1], binding.padded) if once else None
        direction.give(f"grad.{name}", dy.new_empty(binding.count, binding.padded) if rows is None else rows)
    if binding.projects:
        direction.give("projected", dy.new_empty(binding.count, binding.operand_columns))
    give_projection(direction, transposed=False)
    for name, before, last in zip(binding.call.cell.states, saved.states, d_final, strict=True):
        direction.give(f"state.{name}", before)
        carry = direction.give(f"carry.{name}", binding.whole_state(name, last[: binding.alive]).clone())
        if binding.call.resets:
            direction.give(f"fresh.{name}", torch.zeros_like(carry))


def _at_x(direction: DirectionArguments) -> Tensor:
    """The cotangents of x (S, slots × padded)."""
    return _columns(direction, 0, len(direction.binding.kernel.layout.inputs))


def _at_u(direction: DirectionArguments) -> Tensor:
    """The cotangents of u as far as it multiplies the state before the step (S, slots × padded)."""
    places = direction.binding.kernel.layout
    return _columns(direction, places.recurrent_start, len(places.recurrent))


def _columns(direction: DirectionArguments, start: int, slots: int) -> Tensor:
    """A run of cotangents (S, slots × padded)."""
    padded = direction.binding.padded
    return direction.tensors["columns"][:, start * padded : (start + slots) * padded]


def _of_rows(binding: LayerBinding, directions: Sequence[DirectionArguments]) -> Tensor:
    """The gradient of the rows: through W, summed over the directions."""
    letters = binding.kernel.layout.inputs
    matrices = [weights.input for weights in binding.call.weights if weights.input is not None]
    if not matrices:
        return torch.zeros_like(binding.rows)
    factors = [transpose_weights(binding, matrix, letters) for matrix in matrices]
    return products_of_rows(binding, [_at_x(direction) for direction in directions], factors, binding.rows.shape[1])


def _of_weights(
    binding: LayerBinding, directions: Sequence[DirectionArguments], saved: Sequence[Saved], own: Sequence[Tensor]
) -> list[list[Tensor]]:
    """The gradients of each direction's weights, in the order of `Weights.flat`."""
    cell = binding.call.cell
    factors = [f for d, direction in enumerate(directions) for f in _factors(binding, direction, saved[d])]
    results = iter(sums_of_products(binding, factors) if factors else [])
    found = []
    for d, weights in enumerate(binding.call.weights):
        of_products = []
        for matrix, bias, runs in (
            (weights.input, weights.input_bias, [binding.kernel.layout.inputs]),
            (weights.recurrent, weights.recurrent_bias, [*binding.kernel.layout.factors_of_u.values()]),
        ):
            if matrix is not None:
                parts = [next(results) for _ in runs]
                of_products.append((bias, tuple(_restore(binding, each, runs) for each in zip(*parts, strict=True))))
        gradients = [matrix for _, (matrix, _) in of_products]
        gradients += [sums for bias, (_, sums) in of_products if bias is not None]
        if weights.projection is not None:
            gradients.append(compact(next(results)[0]))
        if cell.parameters:
            gradients += _of_parameters(binding, directions[d], own)
        found.append(gradients)
    return found


def _factors(binding: LayerBinding, direction: DirectionArguments, saved: Saved) -> Iterator[Factor]:
    """What the gradients of a direction's matrices are products of, in the order of `Weights.flat`."""
    weights, packed, cell = binding.call.weights[direction.d], binding.packed_index.index, binding.call.cell
    places = binding.kernel.layout
    if weights.input is not None:
        yield Factor(_at_x(direction), binding.rows, binding.rows.shape[1], binding.input_index.index)
    if places.recurrent:
        operand = saved.states[cell.states.index(cell.recurrent_state)]
        yield Factor(_at_u(direction), operand, binding.outputs, packed)
    for (letters, start), operand in zip(places.products, saved.operands, strict=True):
        yield Factor(_columns(direction, start, len(letters)), operand, binding.hidden, packed)
    if weights.projection is not None:
        projected = direction.tensors["projected"][:, : binding.outputs]
        yield Factor(projected, saved.whole, binding.hidden, packed)


def _restore(binding: LayerBinding, values: Sequence[Tensor], runs: Sequence[tuple[str, ...]]) -> Tensor:
    """(slots × padded, …) a run of letters back to torch's rows (G·H, …); projections without a cotangent are zero."""
    hidden, projections = binding.hidden, binding.call.cell.projections
    parts = [
        each.view(len(letters), binding.padded, *each.shape[1:])[:, :hidden]
        for each, letters in zip(values, runs, strict=True)
    ]
    if list(runs) == [projections]:
        return compact(parts[0].flatten(0, 1))
    place = {
        letter: one
        for part, letters in zip(parts, runs, strict=True)
        for letter, one in zip(letters, part, strict=True)
    }
    nothing = values[0].new_zeros(hidden, *values[0].shape[1:])
    return torch.cat([place.get(letter, nothing) for letter in projections])


def _of_parameters(binding: LayerBinding, direction: DirectionArguments, own: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of the cell's further parameters, from each item's sums; one without a cotangent is zero."""
    cell, hidden = binding.call.cell, binding.hidden
    mine = [sums for sums, item in zip(own, binding.tables.items, strict=True) if item[0] == direction.d]
    sums = torch.stack(mine).sum(0)
    place = {name: sums[number, :hidden] for number, name in enumerate(direction.loop.step.own)}
    nothing = sums.new_zeros(hidden)
    return [
        compact(place[f"p.{name}"])
        if shape == PER_UNIT
        else torch.cat([place.get(f"p.{name}.{g}", nothing) for g in cell.projections])
        for name, shape in cell.parameters.items()
    ]


def _of_streams(direction: DirectionArguments) -> list[Tensor | None]:
    """The gradients of a direction's streams; what is one number for all units gets the sum over them."""
    binding = direction.binding
    given = binding.call.streams[direction.d] if binding.call.streams else {}
    found: list[Tensor | None] = []
    for name in given:
        if name not in binding.call.wanted:
            found.append(None)
        else:
            each = direction.tensors[f"grad.{name}"][:, : binding.hidden]
            found.append(each.sum(-1, keepdim=True) if name in binding.scalars else compact(each))
    return found


def _of_states(
    binding: LayerBinding, directions: Sequence[DirectionArguments], d_state: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """The gradients of the initial and of the fresh states; sequences of no step hand theirs through."""
    call, alive = binding.call, binding.alive
    initial = [torch.cat([torch.empty_like(s[:, :alive]), s[:, alive:]], 1) for s in d_state]
    fresh = [torch.zeros_like(f) for f in call.fresh or ()]
    for d, direction in enumerate(directions):
        starts = binding.starts[d]
        for s, name in enumerate(call.cell.states):
            size = call.state[s].shape[2]
            gradient = direction.tensors[f"carry.{name}"][:, :size]
            if binding.kernel.layout.recurrent and name == call.cell.recurrent_state:
                panels = direction.tensors["recurrent_panels"]
                gradient = gradient + product(binding, _at_u(direction)[starts], panels, size)
            if call.resets:
                anew = call.resets[d][starts][:, None]
                if fresh:
                    later = direction.tensors[f"fresh.{name}"][:, :size]
                    fresh[s][d, :alive] = later + gradient * anew
                gradient = gradient.masked_fill(anew, 0.0)
            initial[s][d, :alive] = gradient
    return initial, fresh
