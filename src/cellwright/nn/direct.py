"""The short way to torch's own kernels: a whole stack, or a single step, handed over as torch.nn's modules do it.

A small call of torch.nn takes some 10 µs beside its kernel; `Recurrent` and `RecurrentCell` take several times that
before they compute anything. What goes this way is what `dispatch.choose` gives to torch's kernels. Everything else
gets None and goes the long way, wrong input included, which is refused there.

Behind a kernel the caches hold that kernel's code, and every function of Python that a call goes through takes a
microsecond. So there are few of them here, and what a size alone decides is remembered (`bounds`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from cellwright.backends import bounds, dispatch
from cellwright.backends.bounds import Size, lifted
from cellwright.backends.call import differentiates
from cellwright.backends.dispatch import asked_for
from cellwright.backends.surroundings import PLAIN, disturbed
from cellwright.backends.torch_native import STEPS, TorchLayers, limits, standard
from cellwright.cells import Definition
from cellwright.nn.stack import Stack, parameter_names
from cellwright.nn.states import State, as_tuple
from cellwright.packing import Lengths, as_lengths

Outputs = tuple[Tensor | PackedSequence, State]
FLOATS = (torch.float32, torch.float64)
autocast_is_on = torch._C._is_any_autocast_enabled  # found once, as all that the shortest calls look up


class _Module(Protocol):
    """What is read of a layer or of a single step."""

    cell: Definition
    hidden_size: int
    bias: bool
    _parameters: dict[str, torch.nn.Parameter | None]


def step(module: _Module, input: Tensor, hx: State | None) -> State | None:
    """The new state of a single step, input (B, I) or (I,), or None.

    A kernel takes 20 µs, in which it looks at sizes and devices itself: what it refuses goes the long way, too.
    """
    kernel = STEPS.get(module.cell.name) if standard(module.cell) else None
    if kernel is None or type(input) not in PLAIN or disturbed():
        return None
    # No size of a single step is for the kernels, so that only who asks for them gets them.
    if (asked_for() or lifted()) and not dispatch.asks_for_torch():
        return None
    dtype, dim = input.dtype, input.dim()
    if dim == 1:
        new = step(module, input.unsqueeze(0), _each(hx, 0))
        return None if new is None else _left([s.squeeze(0) for s in as_tuple(new)])
    weights = list(map(module._parameters.get, _NAMES if module.bias else _NAMES[:2]))
    if (
        not PLAIN.issuperset(map(type, weights))
        or dim != 2
        or dtype not in FLOATS
        or not input.numel()
        or autocast_is_on()
    ):
        return None
    if hx is None:
        zeros = input.new_zeros(input.shape[0], module.hidden_size)
        hx = (zeros,) * len(module.cell.states)
    states = (hx,) if isinstance(hx, Tensor) else hx
    if type(states) not in (tuple, list):
        return None
    for s in states:
        if type(s) not in PLAIN or s.dtype != dtype or s.dim() != 2:  # which the kernel would take
            return None
    try:
        state: State = kernel(input, states if len(states) > 1 else states[0], *weights)
    except (RuntimeError, TypeError):
        return None
    return state


_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _each(hx: State | None, dim: int) -> State | None:
    """The states of one sequence alone, with a batch dimension; what is no such state stays, and is refused later."""
    if hx is None:
        return None
    states = as_tuple(hx)
    return tuple(s.unsqueeze(dim) if isinstance(s, Tensor) and s.dim() == dim + 1 else s for s in states)


def _left(state: Sequence[Tensor]) -> State:
    return state[0] if len(state) == 1 else tuple(state)


class _Options(NamedTuple):
    """What a layer's options come to for torch's kernels: found once, and kept until an attribute of it is set."""

    kernels: TorchLayers
    names: Sequence[str]  # of its parameters, in torch.nn's order
    stack: int  # L·D
    features: int
    hidden: int
    states: int
    batch_first: bool


def layers(layer: Stack, input: Any, hx: State | None, lengths: Lengths | None) -> Outputs | None:
    """Output and state of a layer's call, or None."""
    if disturbed():
        return None
    options: _Options | None = (layer._kept or layer.keep(_options))[0]
    if options is None or layer._zoneout:  # which may be written into
        return None
    # As they now are; one that is not there to be had by name, as a parametrised one, is None.
    weights: list[Any] = list(map(layer._parameters.get, options.names))
    if not PLAIN.issuperset(map(type, weights)):
        return None
    if isinstance(input, PackedSequence):
        return _packed(layer, options, weights, input, hx) if lengths is None else None
    if type(input) not in PLAIN:
        return None
    if lengths is None:
        return _padded(layer, options, weights, input, hx)
    return _ragged(layer, options, weights, input, hx, lengths)


def _options(layer: Stack) -> _Options | None:
    """None where the layer does something that torch.nn's does not."""
    if not standard(layer.cell) or (
        layer.recurrent_dropout
        or layer.learn_initial_state
        or layer.state_batch_first
        or layer.checkpoint_every
        or layer.proj_size
        or layer.heads > 1
        or layer.rank
        or layer.decided()
    ):
        return None
    dropout = layer.dropout if layer.training else 0.0
    kernels = TorchLayers(layer.cell.name, layer.num_layers, layer.bias, layer.bidirectional, False, dropout)
    stack, sizes = layer.num_layers * layer.directions, (layer.input_size, layer.hidden_size)
    return _Options(kernels, parameter_names(layer), stack, *sizes, len(layer.cell.states), layer.batch_first)


def _begin(
    layer: Stack, options: _Options, weights: list[Tensor], rows: Tensor, hx: State | None, counts: tuple[int, int, int]
) -> tuple[Sequence[Tensor], Size] | None:
    """The states before the first step, (L·D, B, H) each, and the call's size; None where it is not torch's kernels'.

    rows (·, I); counts: the steps, the sequences and the rows of all of them.
    """
    dtype, shape = rows.dtype, (options.stack, counts[1], options.hidden)
    if not (
        dtype == weights[0].dtype
        and rows.shape[-1] == options.features
        and dtype in FLOATS
        and rows.is_cpu
        and rows.numel()
        and not autocast_is_on()
    ):
        return None
    state = (rows.new_zeros(shape),) * options.states if hx is None else _given(hx, options.states, shape, dtype)
    if state is None:
        return None
    trains = torch.is_grad_enabled() and (weights[0].requires_grad or differentiates((*weights, rows, *state)))
    size, cell = bounds.size(*counts, options.hidden, trains), options.kernels.cell
    frozen = layer._frozen is not None
    open_to_sizes = not (frozen or asked_for() or lifted() or limits())
    if not (open_to_sizes and bounds.torch_is_faster_anyway(cell, size)) and not dispatch.gives_to_torch(
        cell, size, layer._matmul_precision, dtype, frozen=frozen
    ):
        return None
    if frozen:
        layer.check_frozen(rows, hx)
    return state, size


def _given(hx: State, count: int, shape: tuple[int, ...], dtype: torch.dtype) -> Sequence[Tensor] | None:
    """The states that a call came with; None where they are not `count` plain tensors of `shape`."""
    state = (hx,) if isinstance(hx, Tensor) else hx
    if type(state) not in (tuple, list) or len(state) != count:
        return None
    for s in state:
        if type(s) not in PLAIN or s.dtype != dtype or s.shape != shape:
            return None
    return state


# --- the forms of a batch ------------------------------------------------------------------------------
def _padded(layer: Stack, options: _Options, weights: list[Tensor], input: Tensor, hx: State | None) -> Outputs | None:
    """Of (T, B, I), batch first (B, T, I), or (T, I)."""
    dim, x = input.dim(), input
    if dim == 2:
        x, hx = input.unsqueeze(1), _each(hx, 1)
    elif dim != 3:
        return None
    batch_first = options.batch_first and dim == 3
    batch, steps = x.shape[:2] if batch_first else x.shape[1::-1]
    begin = _begin(layer, options, weights, x, hx, (steps, batch, steps * batch))
    if begin is None:
        return None
    run = options.kernels.whole if steps > 1 else options.kernels.padded  # of one step there are two ways
    output, end = run(x, begin[0], weights, batch_first=batch_first)
    if dim == 2:
        output, end = output.squeeze(1), [s.squeeze(1) for s in end]
    return output, end[0] if len(end) == 1 else tuple(end)


def _packed(
    layer: Stack, options: _Options, weights: list[Tensor], packed: PackedSequence, hx: State | None
) -> Outputs | None:
    rows, batch_sizes, order, inverse = packed
    if rows.dim() != 2 or not rows.numel():
        return None
    alive = batch_sizes.tolist()  # sooner than to take one number out of it
    steps, batch = len(alive), alive[0]
    begin = _begin(layer, options, weights, rows, hx, (steps, batch, rows.shape[0]))
    if begin is None:
        return None
    state, size = begin
    if hx is not None and order is not None:
        state = [s.index_select(1, order) for s in state]
    kernels = options.kernels
    if bounds.viewing_is_faster(kernels.cell, size):
        output, end = kernels.padded(rows.view(steps, batch, -1), state, weights)
        output = output.flatten(0, 1)
    else:
        output, end = kernels.whole(rows, state, weights, batch_sizes=batch_sizes)
    if inverse is not None:
        end = [s.index_select(1, inverse) for s in end]
    return PackedSequence(output, batch_sizes, order, inverse), end[0] if len(end) == 1 else tuple(end)


def _ragged(
    layer: Stack, options: _Options, weights: list[Tensor], input: Tensor, hx: State | None, lengths: Lengths
) -> Outputs | None:
    """Of (T, B, I), batch first (B, T, I), with lengths of at least 1: torch packs and pads it."""
    if input.dim() != 3 or not input.numel():
        return None
    batch_first, time_dim, batch_dim = (True, 1, 0) if options.batch_first else (False, 0, 1)
    batch, time = input.shape[batch_dim], input.shape[time_dim]
    given = as_lengths(type(layer).__name__, lengths, batch)
    each = given.tolist()
    if not 0 < min(each) <= max(each) <= time:
        return None
    begin = _begin(layer, options, weights, input, hx, (max(each), batch, sum(each)))
    if begin is None:
        return None
    state = begin[0]
    falling, order = given.cpu().long().sort(descending=True, stable=True)
    inverse = order.argsort()
    if hx is not None:
        state = [s.index_select(1, order) for s in state]
    rows, batch_sizes = torch._VF._pack_padded_sequence(input.index_select(batch_dim, order), falling, batch_first)
    output, end = options.kernels.whole(rows, state, weights, batch_sizes=batch_sizes)
    padded, _ = torch._VF._pad_packed_sequence(output, batch_sizes, batch_first, 0.0, time)
    return padded.index_select(batch_dim, inverse), _left([s.index_select(1, inverse) for s in end])
