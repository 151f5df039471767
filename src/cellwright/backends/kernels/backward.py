"""The backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels.binding import DirectionArguments, Launch, LayerBinding, compact
from cellwright.backends.kernels.forward import Saved
from cellwright.backends.kernels.panels import give_projection, transpose_weights
from cellwright.backends.kernels.products import Factor, product, products_of_rows, sums_of_products
from cellwright.cells.definition import PER_UNIT


@dataclass
class Gradients:
    """Of the rows (N, I), of each state and fresh state (D, B, ·), and of each direction's `Weights.flat`.

    None where they were not wanted.
    """

    rows: Tensor | None
    state: Sequence[Tensor | None]
    fresh: Sequence[Tensor | None]
    weights: list[list[Tensor]]


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
    binding = LayerBinding(call)
    loop = binding.kernel.backward(projects=binding.projects)
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
    )


def _give(direction: DirectionArguments, saved: Saved, dy: Tensor, d_final: Sequence[Tensor]) -> None:
    """Everything the loop reads and writes."""
    binding, d = direction.binding, direction.d
    places = binding.kernel.layout
    direction.give_output(dy)
    direction.give("gates", saved.gates)
    direction.give("rows", saved.rows)
    direction.give("columns", dy.new_empty(binding.count, places.width * binding.padded))
    panels = transpose_weights(binding, binding.call.weights[d].recurrent, places.recurrent)
    direction.give("recurrent_panels", panels)
    direction.give("recurrent_starts", dy.new_zeros(panels.shape[0] * panels.shape[2]))
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
    places = direction.binding.kernel.layout
    return direction.tensors["columns"][:, : len(places.inputs) * direction.binding.padded]


def _at_u(direction: DirectionArguments) -> Tensor:
    """The cotangents of u (S, slots × padded)."""
    return direction.tensors["columns"][:, direction.binding.kernel.layout.recurrent_start * direction.binding.padded :]


def _of_rows(binding: LayerBinding, directions: Sequence[DirectionArguments]) -> Tensor:
    """The gradient of the rows: through W, summed over the directions."""
    letters = binding.kernel.layout.inputs
    factors = [transpose_weights(binding, weights.input, letters) for weights in binding.call.weights]
    return products_of_rows(binding, [_at_x(direction) for direction in directions], factors, binding.rows.shape[1])


def _of_weights(
    binding: LayerBinding, directions: Sequence[DirectionArguments], saved: Sequence[Saved], own: Sequence[Tensor]
) -> list[list[Tensor]]:
    """The gradients of each direction's weights, in the order of `Weights.flat`."""
    cell, places = binding.call.cell, binding.kernel.layout
    operand = cell.states.index(cell.recurrent_state)
    factors = []
    for d, direction in enumerate(directions):
        packed = binding.packed_index.index
        factors.append(Factor(_at_x(direction), binding.rows, binding.rows.shape[1], binding.input_index.index))
        factors.append(Factor(_at_u(direction), saved[d].states[operand], binding.outputs, packed))
        if binding.projects:
            projected = direction.tensors["projected"][:, : binding.outputs]
            factors.append(Factor(projected, saved[d].whole, binding.hidden, packed))
    results = iter(sums_of_products(binding, factors))
    found = []
    for d, weights in enumerate(binding.call.weights):
        (input, input_bias), (recurrent, recurrent_bias) = next(results), next(results)
        gradients = [_restore(binding, input, places.inputs), _restore(binding, recurrent, places.recurrent)]
        if weights.input_bias is not None:
            gradients.append(_restore(binding, input_bias, places.inputs))
        if weights.recurrent_bias is not None:
            gradients.append(_restore(binding, recurrent_bias, places.recurrent))
        if weights.projection is not None:
            gradients.append(compact(next(results)[0]))
        if cell.parameters:
            gradients += _of_parameters(binding, directions[d], own)
        found.append(gradients)
    return found


def _restore(binding: LayerBinding, values: Tensor, letters: Sequence[str]) -> Tensor:
    """(slots × padded, …) back to torch's rows (G·H, …); projections without a cotangent are zero."""
    hidden, projections = binding.hidden, binding.call.cell.projections
    parts = values.view(len(letters), binding.padded, *values.shape[1:])[:, :hidden]
    if tuple(letters) == projections:
        return compact(parts.flatten(0, 1))
    place = dict(zip(letters, parts, strict=True))
    nothing = values.new_zeros(hidden, *values.shape[1:])
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
            if name == call.cell.recurrent_state:
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
