"""The backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels.forward import Saved
from cellwright.backends.kernels.products import Factor, products_of_rows, sums_of_products
from cellwright.backends.kernels.setting import Direction, Setting, Work, compact
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
    setting = Setting(call)
    loop = setting.kernel.backward(projects=setting.projects)
    dy = d_rows.contiguous()
    directions = [Direction(setting, loop, d) for d in setting.directions]
    for d, direction in enumerate(directions):
        _give(direction, saved[d], dy, [s[d] for s in d_state])
    own = [dy.new_zeros(len(loop.step.own), setting.padded) for _ in setting.tables.items if call.cell.parameters]
    Work(setting, directions, loop, own).run()
    nothing = [None] * len(call.state), [None] * len(call.fresh or ())
    state, fresh = _of_states(setting, directions, d_state) if wants_state else nothing
    return Gradients(
        _of_rows(setting, directions) if wants_rows else None,
        state,
        fresh,
        _of_weights(setting, directions, saved, own),
    )


def _give(direction: Direction, saved: Saved, dy: Tensor, d_final: Sequence[Tensor]) -> None:
    """Everything the loop reads and writes."""
    setting, d = direction.setting, direction.d
    places = setting.kernel.layout
    direction.give_output(dy)
    direction.give("gates", saved.gates)
    direction.give("rows", saved.rows)
    direction.give("columns", dy.new_empty(setting.count, places.width * setting.padded))
    panels = setting.transposed(setting.call.weights[d].recurrent, places.recurrent)
    direction.give("recurrent_panels", panels)
    direction.give("recurrent_starts", dy.new_zeros(panels.shape[0] * panels.shape[2]))
    if setting.projects:
        direction.give("projected", dy.new_empty(setting.count, setting.operand_columns))
    direction.give_projection(transposed=False)
    for name, before, last in zip(setting.call.cell.states, saved.states, d_final, strict=True):
        direction.give(f"state.{name}", before)
        carry = direction.give(f"carry.{name}", setting.whole_state(name, last[: setting.alive]).clone())
        if setting.call.resets:
            direction.give(f"fresh.{name}", torch.zeros_like(carry))


def _at_x(direction: Direction) -> Tensor:
    """The cotangents of x (S, slots × padded)."""
    places = direction.setting.kernel.layout
    return direction.tensors["columns"][:, : len(places.inputs) * direction.setting.padded]


def _at_u(direction: Direction) -> Tensor:
    """The cotangents of u (S, slots × padded)."""
    return direction.tensors["columns"][:, direction.setting.kernel.layout.recurrent_start * direction.setting.padded :]


def _of_rows(setting: Setting, directions: Sequence[Direction]) -> Tensor:
    """The gradient of the rows: through W, summed over the directions."""
    letters = setting.kernel.layout.inputs
    factors = [setting.transposed(weights.input, letters) for weights in setting.call.weights]
    return products_of_rows(setting, [_at_x(direction) for direction in directions], factors, setting.rows.shape[1])


def _of_weights(
    setting: Setting, directions: Sequence[Direction], saved: Sequence[Saved], own: Sequence[Tensor]
) -> list[list[Tensor]]:
    """The gradients of each direction's weights, in the order of `Weights.flat`."""
    cell, places = setting.call.cell, setting.kernel.layout
    operand = cell.states.index(cell.operand)
    factors = []
    for d, direction in enumerate(directions):
        packed = setting.packed_places.index
        factors.append(Factor(_at_x(direction), setting.rows, setting.rows.shape[1], setting.places.index))
        factors.append(Factor(_at_u(direction), saved[d].states[operand], setting.outputs, packed))
        if setting.projects:
            projected = direction.tensors["projected"][:, : setting.outputs]
            factors.append(Factor(projected, saved[d].whole, setting.hidden, packed))
    results = iter(sums_of_products(setting, factors))
    found = []
    for d, weights in enumerate(setting.call.weights):
        (input, input_bias), (recurrent, recurrent_bias) = next(results), next(results)
        gradients = [_restore(setting, input, places.inputs), _restore(setting, recurrent, places.recurrent)]
        if weights.input_bias is not None:
            gradients.append(_restore(setting, input_bias, places.inputs))
        if weights.recurrent_bias is not None:
            gradients.append(_restore(setting, recurrent_bias, places.recurrent))
        if weights.projection is not None:
            gradients.append(compact(next(results)[0]))
        if cell.parameters:
            gradients += _of_parameters(setting, directions[d], own)
        found.append(gradients)
    return found


def _restore(setting: Setting, values: Tensor, letters: Sequence[str]) -> Tensor:
    """(slots × padded, …) back to torch's rows (G·H, …); projections without a cotangent are zero."""
    hidden, projections = setting.hidden, setting.call.cell.projections
    parts = values.view(len(letters), setting.padded, *values.shape[1:])[:, :hidden]
    if tuple(letters) == projections:
        return compact(parts.flatten(0, 1))
    place = dict(zip(letters, parts, strict=True))
    nothing = values.new_zeros(hidden, *values.shape[1:])
    return torch.cat([place.get(letter, nothing) for letter in projections])


def _of_parameters(setting: Setting, direction: Direction, own: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of the cell's own parameters, from each item's sums; one without a cotangent is zero."""
    cell, hidden = setting.call.cell, setting.hidden
    mine = [sums for sums, item in zip(own, setting.tables.items, strict=True) if item[0] == direction.d]
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
    setting: Setting, directions: Sequence[Direction], d_state: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """The gradients of the initial and of the fresh states; sequences of no step hand theirs through."""
    call, alive, letters = setting.call, setting.alive, setting.kernel.layout.recurrent
    initial = [torch.cat([torch.empty_like(s[:, :alive]), s[:, alive:]], 1) for s in d_state]
    fresh = [torch.zeros_like(f) for f in call.fresh or ()]
    for d, direction in enumerate(directions):
        starts = setting.starts[d]
        for s, name in enumerate(call.cell.states):
            size = call.state[s].shape[2]
            gradient = direction.tensors[f"carry.{name}"][:, :size]
            if name == call.cell.operand:
                gradient = gradient + _at_u(direction)[starts] @ setting.stacked(call.weights[d].recurrent, letters)
            if call.resets:
                anew = call.resets[d][starts][:, None]
                if fresh:
                    later = direction.tensors[f"fresh.{name}"][:, :size]
                    fresh[s][d, :alive] = later + gradient * anew
                gradient = gradient.masked_fill(anew, 0.0)
            initial[s][d, :alive] = gradient
    return initial, fresh
