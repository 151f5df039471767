"""The forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cellwright.backends.call import Call, Packed, Result, Weights
from cellwright.backends.kernels.binding import DirectionArguments, Launch, LayerBinding, compact
from cellwright.backends.kernels.int8_panels import refuse_gradients
from cellwright.backends.kernels.panels import give_projection, pack_weights
from cellwright.backends.kernels.workspace import workspace
from cellwright.compiler.kernel import Loop


class Saved(NamedTuple):
    """What one direction's backward pass reads, each tensor as the kernel laid it out.

    gates (S, slots × padded), rows (S, values a row), whole (S, padded) the output before its projection (empty where
    there is none), one (S, padded) a state: that before each step, and one (S, padded) a product within the step: what
    it multiplied.
    """

    gates: Tensor
    rows: Tensor
    whole: Tensor
    states: list[Tensor]
    operands: list[Tensor]

    @property
    def tensors(self) -> list[Tensor]:
        """All of them."""
        return [self.gates, self.rows, self.whole, *self.states, *self.operands]

    @classmethod
    def of(cls, tensors: Sequence[Tensor], states: int) -> Saved:
        """From the list that `tensors` gave, of a cell of so many states."""
        gates, rows, whole, *others = tensors
        return cls(gates, rows, whole, others[:states], others[states:])


def forward(call: Call, *, saves: bool) -> tuple[Result, list[Saved]]:
    """Run a call that kernels can compute; `saves` keeps what `backward` reads, one a direction."""
    y, launch = prepare(call, saves=saves)
    launch.run()
    workspace.give(launch.packed)
    binding, directions = launch.binding, launch.directions
    letters = binding.kernel.letters if call.record else ()
    result = Result(
        y,
        tuple(_final(binding, directions, s) for s in range(len(call.state))),
        [{name: compact(d.tensors[f"letter.{name}"][:, : binding.hidden]) for name in letters} for d in directions],
    )
    return result, [_saved(d) for d in directions] if saves else []


def prepare(call: Call, *, saves: bool) -> tuple[Tensor, Launch]:
    """The rows to be computed (N', D·P), and what computes them."""
    if saves:
        refuse_gradients(call)
    binding = LayerBinding(call, shares=not (saves or call.record))
    letters = binding.kernel.letters if call.record else ()
    loop = binding.kernel.forward(
        saves=saves, projects=binding.projects, letters=letters, scalars=binding.scalars, heads=call.heads
    )
    kept = None if saves else call.packed
    packed = _packed(binding, kept)
    each = len(packed) // len(binding.directions)
    outputs = [
        binding.new_rows(binding.output_index, len(binding.directions) * call.columns) for _ in range(binding.parts)
    ]
    first, *others = [
        [_direction(binding, loop, y, saves, letters, packed[each * d : each * (d + 1)], d) for d in binding.directions]
        for y in outputs
    ]
    # What is kept lives on after the launch, and is nobody's room.
    return outputs[0], Launch(binding, first, loop, others=others, packed=packed if kept is None else ())


def _packed(binding: LayerBinding, kept: Packed | None) -> list[Tensor]:
    """Each direction's `_matrices` as the loop reads them: those that are kept, or packed now."""
    if kept is not None and binding.kernel in kept:
        return kept[binding.kernel]
    matrices = [m for weights in binding.call.weights for m in _matrices(binding, weights)]
    packed = pack_weights(binding, matrices) if matrices else []
    if kept is not None:
        kept[binding.kernel] = packed
    return packed


def _matrices(binding: LayerBinding, weights: Weights) -> list[tuple[Tensor, tuple[str, ...]]]:
    """Of each of `_factors` the matrix and its bias, with the projections in the order of their slots."""
    found: list[tuple[Tensor, tuple[str, ...]]] = []
    for matrix, bias, letters in _factors(binding, weights).values():
        found += [(matrix, letters), (matrix.new_zeros(matrix.shape[0]) if bias is None else bias, letters)]
    return found


def _factors(binding: LayerBinding, weights: Weights) -> dict[str, tuple[Tensor, Tensor | None, tuple[str, ...]]]:
    """The loop's factors by name: W, and U's rows for the state before the step and for each product within it."""
    places, found = binding.kernel.layout, dict[str, tuple[Tensor, Tensor | None, tuple[str, ...]]]()
    if weights.input is not None:
        found["input"] = weights.input, weights.input_bias, places.inputs
    if weights.recurrent is not None:
        for name, letters in places.factors_of_u.items():
            found[name] = weights.recurrent, weights.recurrent_bias, letters
    return found


def _direction(
    binding: LayerBinding, loop: Loop, y: Tensor, saves: bool, letters: Sequence[str], packed: Sequence[Tensor], d: int
) -> DirectionArguments:
    """Everything the loop reads and writes for direction d.

    Many arguments: what the loop reads and writes, handed over once.
    """
    rows = binding.rows
    direction = DirectionArguments(binding, loop, d)
    direction.give("x", rows)
    direction.give_output(y)
    factors = _factors(binding, binding.call.weights[d])
    names = (f"{name}_{part}" for name in factors for part in ("panels", "starts"))
    for name, tensor in zip(names, packed, strict=True):
        direction.give(name, tensor)
    for s in range(len(binding.call.state)):
        _give_state(direction, s, saves)
    if saves:
        direction.give("gates", rows.new_empty(binding.count, binding.gate_columns(loop)))
        direction.give("rows", rows.new_empty(binding.count, loop.step.saved_rows))
    kept = binding.count if saves else binding.alive
    direction.give("whole", rows.new_empty(kept if binding.projects else 0, binding.padded))
    for k in range(len(binding.kernel.layout.products)):
        direction.give(f"operand.{k}", rows.new_empty(kept, binding.padded))
    give_projection(direction, transposed=True)
    for letter in letters:
        direction.give(f"letter.{letter}", rows.new_empty(binding.count, binding.padded))
    return direction


def _give_state(direction: DirectionArguments, s: int, saves: bool) -> None:
    """The states before each step: all of them where they are saved, else those of two steps in turn; and the last."""
    binding, d = direction.binding, direction.d
    call, name = binding.call, binding.call.cell.states[s]
    initial = binding.whole_state(name, call.state[s][d, : binding.alive])
    if call.resets:
        fresh = torch.zeros_like(initial)
        if call.fresh:
            fresh = binding.whole_state(name, call.fresh[s][d, : binding.alive])
        direction.give(f"fresh.{name}", fresh)
        initial = torch.where(call.resets[d][binding.starts[d]][:, None], fresh, initial)
    if saves:
        before = initial.new_empty(binding.count, initial.shape[1])
        before[binding.starts[1] if d else slice(binding.alive)] = initial
    else:
        before = torch.cat([initial, initial])
        direction.give("state_rows", binding.tables.turns)
    direction.give(f"state.{name}", before)
    direction.give(f"final.{name}", torch.empty_like(initial))


def _final(binding: LayerBinding, directions: Sequence[DirectionArguments], s: int) -> Tensor:
    """The final states (D, B, ·); sequences of no step keep theirs."""
    name, initial = f"final.{binding.call.cell.states[s]}", binding.call.state[s]
    finals = [d.tensors[name][None, :, : initial.shape[2]] for d in directions]
    ended = torch.cat(finals)
    return ended if ended.shape[1] == initial.shape[1] else torch.cat([ended, initial[:, ended.shape[1] :]], 1)


def _saved(direction: DirectionArguments) -> Saved:
    tensors, binding = direction.tensors, direction.binding
    states = [tensors[f"state.{name}"] for name in binding.call.cell.states]
    operands = [tensors[f"operand.{k}"] for k in range(len(binding.kernel.layout.products))]
    return Saved(tensors["gates"], tensors["rows"], tensors["whole"], states, operands)
