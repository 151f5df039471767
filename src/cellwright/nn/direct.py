"""The short way to torch's own kernels: a whole stack, or a single step, handed over as torch.nn's modules do it.

A small call of torch.nn takes some 10 µs beside its kernel; `Recurrent` and `RecurrentCell` take several times that
before they compute anything. What goes this way is what `dispatch.choose` gives to torch's kernels. Everything else
gets None and goes the long way, wrong input included, which is refused there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from cellwright.backends import bounds, dispatch
from cellwright.backends.bounds import Size
from cellwright.backends.call import differentiates
from cellwright.backends.surroundings import PLAIN, disturbed
from cellwright.backends.torch_native import TorchLayers, single_step, standard
from cellwright.cells import Definition
from cellwright.nn.stack import Stack, parameter_names
from cellwright.nn.states import State, as_tuple
from cellwright.packing import Lengths, as_lengths

Outputs = tuple[Tensor | PackedSequence, State]
FLOATS = (torch.float32, torch.float64)
_autocast = torch._C._is_any_autocast_enabled  # found once, as all that the shortest calls look up


class _Module(Protocol):
    """What is read of a layer or of a single step."""

    cell: Definition
    input_size: int
    hidden_size: int
    bias: bool
    matmul_precision: str | None
    _parameters: dict[str, torch.nn.Parameter | None]


def step(module: _Module, input: Tensor, hx: State | None) -> State | None:
    """The new state of a single step, input (B, I) or (I,), or None."""
    cell = module.cell
    if type(input) not in PLAIN or not standard(cell) or disturbed():
        return None
    if input.dim() == 1:
        new = step(module, input.unsqueeze(0), _each(hx, 0))
        return None if new is None else _left([s.squeeze(0) for s in as_tuple(new)])
    weights = _weights(module, _NAMES if module.bias else _NAMES[:2])
    if weights is None or input.dim() != 2 or not dispatch.gives_to_torch(cell.name, _ONE, None, input.dtype):
        return None
    state = _begin(module, weights, input, hx, (input.shape[0], module.hidden_size))
    return None if state is None else _left(single_step(cell.name, input, state, weights))


_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_ONE = Size(1, 1, 1, 1, False)  # of one step, nothing else makes a difference


def _each(hx: State | None, dim: int) -> State | None:
    """The states of one sequence alone, with a batch dimension; what is no such state stays, and is refused later."""
    if hx is None:
        return None
    states = as_tuple(hx)
    return tuple(s.unsqueeze(dim) if isinstance(s, Tensor) and s.dim() == dim + 1 else s for s in states)


def _left(state: Sequence[Tensor]) -> State:
    return state[0] if len(state) == 1 else tuple(state)


def layers(layer: Stack, input: Tensor | PackedSequence, hx: State | None, lengths: Lengths | None) -> Outputs | None:
    """Output and state of a layer's call, or None."""
    if not _is_plain(layer) or disturbed():
        return None
    weights = _weights(layer, parameter_names(layer))
    if weights is None:
        return None
    if isinstance(input, PackedSequence):
        return _packed(layer, weights, input, hx) if lengths is None else None
    if type(input) not in PLAIN:
        return None
    return _padded(layer, weights, input, hx) if lengths is None else _ragged(layer, weights, input, hx, lengths)


def _is_plain(layer: Stack) -> bool:
    """Whether the layer does nothing that torch.nn's does not."""
    return standard(layer.cell) and not (
        layer.recurrent_dropout
        or layer.zoneout
        or layer.learn_initial_state
        or layer.state_batch_first
        or layer.checkpoint_every
        or layer.proj_size
        or layer.heads > 1
        or layer.decided()
    )


def _weights(module: _Module, names: Sequence[str]) -> list[Tensor] | None:
    """The parameters as they now are; None where one is not there to be had by name, as a parametrised one."""
    found = list(map(module._parameters.get, names))
    return found if PLAIN.issuperset(map(type, found)) else None  # type: ignore[return-value]


def _begin(
    module: _Module, weights: Sequence[Tensor], rows: Tensor, hx: State | None, shape: tuple[int, ...]
) -> Sequence[Tensor] | None:
    """The states before the first step, each of `shape`; None where torch's kernels would not compute rows (·, I)."""
    dtype = rows.dtype
    if not (
        dtype == weights[0].dtype
        and rows.shape[-1] == module.input_size
        and dtype in FLOATS
        and rows.is_cpu
        and rows.numel()
        and not _autocast()
    ):
        return None
    count = len(module.cell.states)
    if hx is None:
        return (rows.new_zeros(shape),) * count
    state = (hx,) if isinstance(hx, Tensor) else hx
    if type(state) not in (tuple, list) or len(state) != count:
        return None
    for s in state:
        if type(s) not in PLAIN or s.dtype != dtype or s.shape != shape:
            return None
    return state


# --- the forms of a batch ------------------------------------------------------------------------------
def _kernels(
    layer: Stack, weights: list[Tensor], rows: Tensor, hx: State | None, counts: tuple[int, int, int]
) -> tuple[TorchLayers, Sequence[Tensor], Size] | None:
    """The layers, the states before their first step, and the call's size; None where torch's kernels are not for it.

    counts: the steps, the sequences and the rows of all of them.
    """
    shape = (layer.num_layers * (2 if layer.bidirectional else 1), counts[1], layer.hidden_size)
    state = _begin(layer, weights, rows, hx, shape)
    if state is None:
        return None
    name, trains = layer.cell.name, differentiates((*weights, rows, *state))
    size = Size(*counts, layer.hidden_size, trains)
    if not dispatch.gives_to_torch(name, size, layer.matmul_precision, rows.dtype, frozen=layer.frozen):
        return None
    dropout = layer.dropout if layer.training else 0.0
    return TorchLayers(name, layer.num_layers, layer.bias, layer.bidirectional, False, dropout), state, size


def _padded(layer: Stack, weights: list[Tensor], input: Tensor, hx: State | None) -> Outputs | None:
    """Of (T, B, I), batch first (B, T, I), or (T, I)."""
    dim, x = input.dim(), input
    if dim == 2:
        x, hx = input.unsqueeze(1), _each(hx, 1)
    elif dim != 3:
        return None
    batch_first = layer.batch_first and dim == 3
    batch, steps = x.shape[:2] if batch_first else x.shape[1::-1]
    begin = _kernels(layer, weights, x, hx, (steps, batch, steps * batch))
    if begin is None:
        return None
    output, end = begin[0].padded(x, begin[1], weights, batch_first=batch_first)
    if dim == 2:
        return output.squeeze(1), _left([s.squeeze(1) for s in end])
    return output, _left(end)


def _packed(layer: Stack, weights: list[Tensor], packed: PackedSequence, hx: State | None) -> Outputs | None:
    rows, batch_sizes, order, inverse = packed
    if rows.dim() != 2 or not rows.numel():
        return None
    steps, batch = batch_sizes.shape[0], int(batch_sizes[0])
    begin = _kernels(layer, weights, rows, hx, (steps, batch, rows.shape[0]))
    if begin is None:
        return None
    kernels, state, size = begin
    if hx is not None and order is not None:
        state = [s.index_select(1, order) for s in state]
    if not size.ragged and bounds.viewing_is_faster(layer.cell.name, size):
        output, end = kernels.padded(rows.view(steps, batch, -1), state, weights)
        output = output.flatten(0, 1)
    else:
        output, end = kernels.packed(rows, batch_sizes, state, weights)
    if inverse is not None:
        end = [s.index_select(1, inverse) for s in end]
    return PackedSequence(output, batch_sizes, order, inverse), _left(end)


def _ragged(layer: Stack, weights: list[Tensor], input: Tensor, hx: State | None, lengths: Lengths) -> Outputs | None:
    """Of (T, B, I), batch first (B, T, I), with lengths of at least 1: torch packs and pads it."""
    if input.dim() != 3 or not input.numel():
        return None
    batch_first, time_dim, batch_dim = (True, 1, 0) if layer.batch_first else (False, 0, 1)
    batch, time = input.shape[batch_dim], input.shape[time_dim]
    given = as_lengths(type(layer).__name__, lengths, batch)
    each = given.tolist()
    if not 0 < min(each) <= max(each) <= time:
        return None
    begin = _kernels(layer, weights, input, hx, (max(each), batch, sum(each)))
    if begin is None:
        return None
    kernels, state, _ = begin
    falling, order = given.cpu().long().sort(descending=True, stable=True)
    inverse = order.argsort()
    if hx is not None:
        state = [s.index_select(1, order) for s in state]
    rows, batch_sizes = torch._VF._pack_padded_sequence(input.index_select(batch_dim, order), falling, batch_first)
    output, end = kernels.packed(rows, batch_sizes, state, weights)
    padded, _ = torch._VF._pad_packed_sequence(output, batch_sizes, batch_first, 0.0, time)
    return padded.index_select(batch_dim, inverse), _left([s.index_select(1, inverse) for s in end])
