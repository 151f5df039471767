"""Layers stacked on each other: what a batch asks of each, from the parameters as they now are.

`Recurrent` calls it on whole sequences, `nn.stream` on steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor

from cellwright.backends import custom_op, dispatch, precision, recompute
from cellwright.backends.call import Call, Result, Weights
from cellwright.backends.programs import constant_in_programs
from cellwright.cells import Definition
from cellwright.cells.derived import first_output
from cellwright.nn import checks, given, weights
from cellwright.nn.freezing import Freezes
from cellwright.nn.inputs import enter, reset_rows
from cellwright.nn.masks import regularise
from cellwright.nn.precision import HasPrecision
from cellwright.nn.quantization import LeftInFloat
from cellwright.nn.states import State, StateShape
from cellwright.nn.torch_names import ReadAsTorch
from cellwright.packing import Layout, Lengths, PackedLayout, PaddedLayout


class Stack(Freezes, HasPrecision, LeftInFloat, ReadAsTorch):
    """A module that holds the parameters of such layers. `Recurrent` is the one there is, and says what each means."""

    cell: Definition
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int
    heads: int
    rank: int
    recurrent_dropout: float
    _zoneout: dict[str, float]
    learn_initial_state: bool
    state_batch_first: bool
    checkpoint_every: int | None
    _names: list[dict[str, str]]  # of each layer's each direction: torch.nn's name -> this module's
    _flat: list[str]  # the parameters of all of them, in torch.nn's order
    _kept: Sequence[Any] = ()  # [what `keep` found], empty where an attribute has been set since

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        # Another list, and not this one without its contents: a thread may just be finding what goes there.
        vars(self)["_kept"] = []

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_kept"}

    def keep(self, find: Callable[[Self], Any]) -> Sequence[Any]:
        """What `find` makes of the layer's options, as `_kept` has it until one is set: for the shortest calls."""
        kept: list[Any] = vars(self).setdefault("_kept", [])
        kept.append(find(self))
        return kept

    @property
    def directions(self) -> int:
        """D."""
        return 2 if self.bidirectional else 1


def parameter_names(stack: Stack) -> list[str]:
    """The names of all parameters of the layers, in torch.nn's order."""
    return stack._flat


def weights_of(stack: Stack) -> list[list[Weights]]:
    """One a direction of each layer, as the parameters are now."""
    named = ({name: getattr(stack, here) for name, here in names.items()} for names in stack._names)
    flat = [weights.of_heads(weights.gather(stack.cell, one), stack.heads) for one in named]
    return [flat[k : k + stack.directions] for k in range(0, len(flat), stack.directions)]


def decision(stack: Stack, dtype: torch.dtype) -> precision.Decision:
    """How kernels multiply parameters of a type, and who says so: the layer's frozen weights before all others."""
    return stack.decided() or precision.decide(stack.matmul_precision, dtype)


def state_shape(stack: Stack) -> StateShape:
    """How the states of all layers lie."""
    outputs = stack.proj_size or stack.hidden_size
    sizes = {s: outputs if s == stack.cell.recurrent_state else stack.hidden_size for s in stack.cell.states}
    return StateShape(sizes, stack.num_layers * stack.directions, stack.state_batch_first)


def like(stack: Stack) -> Tensor:
    """A tensor of the type and on the device of the layers' parameters; torch's defaults where there is none."""
    return getattr(stack, stack._flat[0]) if stack._flat else torch.empty(0)


def initial_state(stack: Stack, batch: int | None) -> State:
    """What a call without a state begins from, as a user has it; see `Recurrent.initial_state`."""
    weight = like(stack)
    layout = PackedLayout(0, 1 if batch is None else batch, (), weight.device, single=batch is None)
    return state_shape(stack).leave(_initial(stack, layout, weight), layout)


def calls(
    stack: Stack,
    input: given.Input,
    hx: State | None,
    lengths: Lengths | None = None,
    reset: Tensor | None = None,
    record: bool = False,
    inputs: given.Named | None = None,
    parameters: given.Named | None = None,
    every: bool = False,
) -> tuple[Layout, list[Call]]:
    """What a batch asks of each layer; all but the first still have the first one's rows.

    Of a cell with several outputs the first is all that a layer is asked for, but where `every` one is wanted the last
    layer. Checks what a user gave: raises as `Recurrent.forward` does. Many arguments: those of a layer's call.
    """
    who, cell = type(stack).__name__, stack.cell
    each = weights_of(stack)
    sequence, widths = given.sequences(who, cell, input, inputs)
    rows, layout = enter(who, sequence, lengths, stack.batch_first)
    weight = like(stack) if stack._flat else rows
    checks.rows(who, rows, None if widths else stack.input_size, weight)
    arithmetic = decision(stack, weight.dtype).arithmetic
    streams = given.streams(who, cell, stack.hidden_size, layout, rows, widths, inputs, parameters)
    if not cell.multiplies_input:
        rows = _no_columns(rows)
    state = _initial(stack, layout, rows) if hx is None else state_shape(stack).enter(who, hx, layout, rows)
    resets = None if reset is None else reset_rows(who, layout, reset)[: stack.directions]
    packed = stack.packed()
    found = []
    for k in range(stack.num_layers):
        here = slice(k * stack.directions, (k + 1) * stack.directions)
        call = Call(
            cell=cell if every and k == stack.num_layers - 1 else _of_one_output(cell),
            rows=rows,
            batch_sizes=layout.batch_sizes,
            state=[s[here] for s in state],
            weights=each[k],
            resets=resets,
            fresh=[s[here] for s in _learned(stack, layout)] if resets and stack.learn_initial_state else None,
            streams=[streams] * stack.directions if streams else None,
            record=record,
            input_index=layout.inner if k == 0 else None,
            output_index=layout.inner if k == stack.num_layers - 1 else None,
            arithmetic=arithmetic,
            packed=packed[k],
            heads=stack.heads,
        )
        found.append(regularise(call, layout.steps, stack.recurrent_dropout, stack._zoneout, training=stack.training))
    return layout, found


def _no_columns(rows: Tensor) -> Tensor:
    """The rows as no W multiplies them, (·, 0): without a gradient, which would be zeros for all that they were."""
    return rows.detach()[..., :0]


@constant_in_programs
def _of_one_output(cell: Definition) -> Definition:
    return first_output(cell)


def above(call: Call, rows: Tensor) -> Call:
    """The call of a layer on the outputs of the one below it, (S, D·H); a cell without W reads them as its input."""
    if call.cell.multiplies_input:
        return replace(call, rows=rows)
    name = f"x.{call.cell.inputs[0]}"
    return replace(call, rows=_no_columns(rows), streams=[{**one, name: rows} for one in call.streams or ()])


def results(call: Call, rows: Tensor) -> dict[str, Tensor]:
    """Each of the cell's results (·, D·H), of the rows (·, D·K·H) that a backend gave."""
    names, directions = call.cell.results, len(call.weights)
    if len(names) == 1:
        return {names[0]: rows}
    parts = rows.view(*rows.shape[:-1], directions, len(names), -1)
    return {name: parts[..., k, :].flatten(-2) for k, name in enumerate(names)}


def compute(stack: Stack, call: Call, layout: Layout) -> Result:
    """The result of one layer's call."""
    if isinstance(layout, PaddedLayout):
        return custom_op.layer(call, layout.lengths)
    if stack.checkpoint_every is not None:
        return recompute.layer(call, stack.checkpoint_every)
    return dispatch.layer(call)


def _learned(stack: Stack, layout: Layout) -> list[Tensor]:
    """The learned initial state of every sequence, (L·D, B, ·) each."""
    learned = [getattr(stack, f"initial_{letter}") for letter in stack.cell.states]
    return [s[:, None].expand(-1, layout.batch, -1) for s in learned]


def _initial(stack: Stack, layout: Layout, rows: Tensor) -> list[Tensor]:
    """The state that a call without one begins from, (L·D, B, ·) each."""
    return _learned(stack, layout) if stack.learn_initial_state else state_shape(stack).zeros(layout, rows)
