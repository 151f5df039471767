"""The operator `cellwright::layer`: what torch.compile, torch.export and torch.jit.trace see of a layer, one node.

    layer           (cell, input (T, B, I), lengths (B), state, weights, …) -> output (T, B, D·P), *state, *letters
    layer_backward  (the same, and the gradients of output and state) -> those of input, *state, *weights, *fresh,
                    *streams, zeros of masks

Resets, fresh states and streams are None where there are none: AOTInductor hands an empty list over as None, which an
operator that asks for a list refuses (torch 2.13).

Packed rows are as many as the lengths add up to, which no program can know when it is written down; so the operator
takes the padded batch, whose shapes it knows, and finds the rows in it when it runs. It takes the cell by its key
(`cellwright.cells.registry`) and the backend that `dispatch.choose` finds when it runs; how kernels multiply is
written down when the program is, and is the same in both passes.

A process that loads an exported program, or a package of AOTInductor, imports `cellwright.nn`, which registers the
operator, first, and the modules that define its cells.

Layers that run at once do not come by here: they find the rows of a stack once, and the call of a Python operator costs
13 µs, with gradients 60 µs, of the 200 µs that the smallest layer takes.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from cellwright.backends import dispatch, torch_native
from cellwright.backends.call import Call, Result, Weights, in_full_precision
from cellwright.backends.precision import Arithmetic
from cellwright.backends.programs import constant_in_programs
from cellwright.cells import registry
from cellwright.cells.definition import PER_STEP, Definition
from cellwright.packing import PackedLayout, ragged

_R = TypeVar("_R")


def applies() -> bool:
    """Whether a program is being traced, and not under torch.func's transformations, which know no such operator."""
    return (torch.compiler.is_compiling() or by_jit()) and not torch._C._are_functorch_transforms_active()


def by_jit() -> bool:
    """Whether torch.jit is tracing, to which the sizes of a tensor are tensors."""
    return torch._C._get_tracing_state() is not None


@in_full_precision
def layer(call: Call, lengths: Tensor | None) -> Result:
    """`dispatch.layer` of a padded call in a program that is being traced.

    Each (S, ·) of the call and of the result is (T, B, ·), sequences in any order, of `lengths` (B,) int64, or of T
    steps each; batch_sizes are not looked at. resets is one mask (T, B), of which each direction's is made.
    Output and letters are zero beyond each length; letters and masks carry no gradient.

    Programs of torch.jit and of torch.onnx.export are read by others than this library, so that they are given torch's
    own operation where there is one. Raises RuntimeError where torch.onnx.export would have to write another.
    """
    cell, streams = call.cell, call.streams or ()
    if _leaves_us():
        obstacle = torch_native.unknown(call) or _padding(call, lengths)
        if obstacle is None:
            return torch_native.padded(call)
        if _onnx():
            raise RuntimeError(
                f"torch.onnx.export writes torch.nn's layers of whole batches only, and {obstacle}; expected "
                "cellwright.to_onnx, which writes any cell, lengths= and reset= included"
            )
    found = torch.ops.cellwright.layer(
        cell.key,
        call.rows,
        lengths,
        [*call.state],
        [w for one in call.weights for w in one.flat],
        [*call.resets] if call.resets else None,
        [*call.fresh] if call.fresh else None,
        [one[name] for one in streams for name in cell.streams] or None,
        call.arithmetic,
        call.record,
    )
    end = 1 + len(call.state)
    names = _letters(cell) if call.record else ()
    letters = [
        dict(zip(names, found[k : k + len(names)], strict=True)) for k in range(end, len(found), len(names) or 1)
    ]
    return Result(found[0], tuple(found[1:end]), letters)


def _leaves_us() -> bool:
    return by_jit() or _onnx()


@constant_in_programs  # a trace asks for the answer, not how it is found
def _onnx() -> bool:
    """Whether torch.onnx.export is tracing; it is imported by those who call it only."""
    onnx: Any = sys.modules.get("torch.onnx")
    return onnx is not None and bool(onnx.is_in_onnx_export())


def _padding(call: Call, lengths: Tensor | None) -> str | None:
    if lengths is not None:
        return "the call has lengths"
    return "the call has resets" if call.resets else None


def _untraced(function: Callable[..., _R]) -> Callable[..., _R]:
    """Let torch.jit, to which an operator is one node, write nothing down of what `function` computes in it."""

    @functools.wraps(function)
    def inner(*args: Any) -> _R:
        torch_c: Any = torch._C  # whose types leave the second of the two out
        state = torch_c._get_tracing_state()
        if state is None:
            return function(*args)
        torch_c._set_tracing_state(None)
        try:
            return function(*args)
        finally:
            torch_c._set_tracing_state(state)

    return inner


def _letters(cell: Definition) -> tuple[str, ...]:
    """What a recorded call writes down, in order."""
    return (*dict.fromkeys([*cell.trace.letters, *cell.states]),)


# --- the operator --------------------------------------------------------------------------------------
class _Arguments(NamedTuple):
    """What both operators are given first, in the order of their schema, by which torch checks the types."""

    cell: str
    input: Tensor
    lengths: Tensor | None
    state: Sequence[Tensor]
    weights: Sequence[Tensor]
    resets: Sequence[Tensor] | None
    fresh: Sequence[Tensor] | None
    streams: Sequence[Tensor] | None
    arithmetic: Arithmetic


_GIVEN = """str cell, Tensor input, Tensor? lengths, Tensor[] state, Tensor[] weights,
            Tensor[]? resets, Tensor[]? fresh, Tensor[]? streams, str arithmetic"""


@torch.library.custom_op("cellwright::layer", mutates_args=(), schema=f"({_GIVEN}, bool record) -> Tensor[]")
@_untraced
def _layer(*given: Any) -> list[Tensor]:
    *first, record = given
    layout, call = _packed(_Arguments(*first), record)
    with torch.no_grad():
        rows, end, letters = dispatch.layer(call)
    padded = [layout.pad(values).contiguous() for one in letters for values in one.values()]
    return [layout.unflatten(rows), *map(layout.unsort, end), *padded]


@_layer.register_fake
def _(*given: Any) -> list[Tensor]:
    *first, record = given
    arguments = _Arguments(*first)
    input, state = arguments.input, arguments.state
    call = _call(arguments)
    directions = len(state[0])
    widths = {name: s.shape[-1] for name, s in zip(call.cell.states, state, strict=True)}
    recorded = [widths.get(name, call.hidden) for name in _letters(call.cell)] * directions if record else []
    return [
        input.new_empty(*input.shape[:2], directions * call.columns),
        *(torch.empty_like(s, memory_format=torch.contiguous_format) for s in state),
        *(input.new_empty(*input.shape[:2], width) for width in recorded),
    ]


@torch.library.custom_op(
    "cellwright::layer_backward",
    mutates_args=(),
    schema=f"({_GIVEN}, Tensor d_output, Tensor[] d_state, bool wants_input) -> Tensor[]",
)
def _layer_backward(*given: Any) -> list[Tensor]:
    *first, d_output, d_state, wants_input = given
    arguments = _Arguments(*first)
    # The forward pass is computed anew: what the kernels keep has the size of the packed rows.
    layout, call = _packed(arguments, False)
    d_rows, d_end = layout.flatten(d_output), [layout.sort(d) for d in d_state]
    found = dispatch.gradients(call, d_rows, d_end, wants_rows=wants_input)
    streams = arguments.streams or ()
    (d_input,), d_initial, d_weights, d_fresh, d_streams = _split(
        found, (1, len(call.state), len(arguments.weights), len(call.fresh or ()), len(streams))
    )
    d_padded = layout.unflatten(d_input) if wants_input else arguments.input.new_empty(0)
    d_states = [layout.unsort(d) for d in (*d_initial, *d_fresh)]
    flat = [d_padded, *d_states[: len(d_state)], *d_weights, *d_states[len(d_state) :]]
    for k, (stream, d) in enumerate(zip(streams, d_streams, strict=True)):
        per_step = call.cell.streams[_stream(call.cell, k)] == PER_STEP
        flat.append(torch.zeros_like(stream) if d is None else layout.pad(d) if per_step else layout.unsort(d[None])[0])
    # An operator's results share no memory, and lie as the fake ones do.
    return [(d.clone() if d._is_view() else d).contiguous() for d in flat]


@_layer_backward.register_fake
def _(*given: Any) -> list[Tensor]:
    *first, _, _, wants_input = given
    _, input, _, state, weights, _, fresh, streams, _ = _Arguments(*first)
    lists = (*state, *weights, *(fresh or ()), *(streams or ()))
    like = [torch.empty_like(t, memory_format=torch.contiguous_format) for t in lists]
    return [input.new_empty(input.shape if wants_input else 0), *like]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    cell, input, lengths, *lists, arithmetic, _ = inputs
    ctx.cell, ctx.arithmetic, ctx.sizes = cell, arithmetic, [None if one is None else len(one) for one in lists]
    ctx.save_for_backward(input, lengths, *(t for one in lists for t in one or ()))
    ctx.mark_non_differentiable(*output[1 + len(lists[0]) :])


def _differentiate(ctx: Any, gradients: list[Tensor]) -> tuple[Any, ...]:
    input, lengths, *rest = ctx.saved_tensors
    states, weights, resets, fresh, streams = ctx.sizes
    lists = _split(rest, ctx.sizes)
    wants_input = ctx.needs_input_grad[1]
    d_output, *d_state = gradients[: 1 + states]
    given = ctx.cell, input, lengths, *lists, ctx.arithmetic
    found = torch.ops.cellwright.layer_backward(*given, d_output, d_state, wants_input)
    d_state, d_weights, d_fresh, d_streams = _split(found[1:], (states, weights, fresh, streams))
    d_input = found[0] if wants_input else None
    d_resets = None if resets is None else [None] * resets
    if d_streams is not None:
        cell = registry.find(ctx.cell)
        d_streams = [d if _stream(cell, k) in cell.differentiable_streams else None for k, d in enumerate(d_streams)]
    return None, d_input, None, d_state, d_weights, d_resets, d_fresh, d_streams, None, None


_layer.register_autograd(_differentiate, setup_context=_keep)


# --- from lists to a call ------------------------------------------------------------------------------
def _call(arguments: _Arguments) -> Call:
    """The operator's arguments as a call, its tensors still padded and in the user's order."""
    cell, input, _, state, weights, _, fresh, streams, arithmetic = arguments
    definition = registry.find(cell)
    each = len(weights) // len(state[0])
    return Call(
        cell=definition,
        rows=input,
        batch_sizes=(),
        state=state,
        weights=[weights_of(definition, weights[d * each : (d + 1) * each]) for d in range(len(state[0]))],
        fresh=fresh or None,
        streams=streams_of(definition, streams) if streams else None,
        arithmetic=arithmetic,
    )


def _packed(arguments: _Arguments, record: bool) -> tuple[PackedLayout, Call]:
    """The operator's arguments as a call on rows."""
    call, input, lengths, resets = _call(arguments), arguments.input, arguments.lengths, arguments.resets
    time, batch = input.shape[:2]
    directions = len(call.weights)
    if lengths is None:
        layout = PackedLayout(time, batch, (batch,) * time, input.device)
    else:
        layout = ragged(call.cell.name, lengths, time, batch, input.device)
    return layout, replace(
        call,
        rows=layout.flatten(input),
        batch_sizes=layout.batch_sizes,
        state=[layout.sort(s) for s in call.state],
        resets=layout.reset_masks(resets[0])[:directions] if resets else None,
        fresh=[layout.sort(f) for f in call.fresh] if call.fresh else None,
        streams=[_packed_streams(layout, call.cell, one) for one in call.streams] if call.streams else None,
        record=record,
        input_index=layout.inner,
        output_index=layout.inner,
    )


def weights_of(cell: Definition, flat: Sequence[Any]) -> Weights:
    """One direction's weights from `Weights.flat`, of tensors or what stands for them: their number tells which."""
    split = len(flat) - len(cell.parameters)
    there = (cell.multiplies_input, cell.multiplies_state)
    matrices, others = flat[: sum(there)], flat[sum(there) : split]
    biases = others[: sum(there)] if len(others) >= sum(there) else ()
    projection = others[-1] if len(others) > len(biases) else None
    rest = iter((*matrices, *biases))
    of_products = [next(rest, None) if one else None for one in (*there, *there)]
    own = dict(zip(cell.parameters, flat[split:], strict=True))
    input, recurrent, input_bias, recurrent_bias = of_products
    return Weights(input, recurrent, input_bias, recurrent_bias, projection, own)


def streams_of(cell: Definition, flat: Sequence[Any]) -> list[dict[str, Any]]:
    """Each direction's streams by name, of those of all directions one after the other."""
    each = len(cell.streams)
    return [dict(zip(cell.streams, flat[k : k + each], strict=True)) for k in range(0, len(flat), each)]


def _stream(cell: Definition, k: int) -> str:
    """The name of the k-th of the streams of all directions."""
    return (*cell.streams,)[k % len(cell.streams)]


def _packed_streams(layout: PackedLayout, cell: Definition, named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: layout.pack(value) if cell.streams[name] == PER_STEP else layout.sort(value[None])[0]
        for name, value in named.items()
    }


def _split(flat: Sequence[Any], sizes: Sequence[int | None]) -> list[Any]:
    """The lists of these sizes that stand one after the other; None for a size of None."""
    rest = iter(flat)
    return [None if size is None else [next(rest) for _ in range(size)] for size in sizes]
