"""The compiled backend: a cell's kernels as one differentiable operation.

The compiler is loaded by the first call that nothing else keeps from its kernels.
"""

from __future__ import annotations

import functools
import importlib
import threading
import warnings
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor
from torch.utils.checkpoint import CheckpointError

from cellwright.backends import reference
from cellwright.backends.call import Call, Result, differentiates, in_float32, in_full_precision
from cellwright.backends.precision import Arithmetic
from cellwright.backends.surroundings import NO_MEMORY, PLAIN, disturbed

if TYPE_CHECKING:
    from cellwright.backends.kernels.backward import Gradients


# --- what it cannot compute ----------------------------------------------------------------------------
def obstacle(call: Call) -> str | None:
    """Why the compiled kernels cannot compute the call, or None."""
    tensors = call.tensors
    if not call.hidden:
        return "there is no unit to compute"
    if not all(t.is_cpu for t in tensors):
        return f"kernels are compiled for the CPU and the input is on {call.rows.device}"
    if call.rows.dtype not in (torch.float32, torch.float64, torch.bfloat16):
        return f"kernels are compiled for float32, float64 and bfloat16 and the input is {call.rows.dtype}"
    if any(t.dtype != call.rows.dtype for t in tensors):
        return "kernels compute in one type and the tensors are of several"
    if call.record and call.weights[0].projection is not None:
        return "kernels do not show the gates of a projected layer"
    given = (stream for one in call.streams or () for stream in one.items())
    if any(value.requires_grad and name not in call.cell.differentiable_streams for name, value in given):
        return "kernels give no gradient of a mask"
    return _unreadable(tensors) or _no_compiler()


def _unreadable(tensors: Sequence[Tensor]) -> str | None:
    """Why kernels cannot now read the numbers of the tensors in their memory, or None."""
    if reason := disturbed():
        return reason
    if not PLAIN.issuperset(map(type, tensors)):
        return NO_MEMORY
    if any(map(Tensor.is_neg, tensors)):
        return "kernels read memory, and a tensor is a negation that torch has yet to carry out: resolve_neg() does it"
    return None if all(map(torch._C._has_storage, tensors)) else "kernels read memory, and batched tensors have none"


@functools.cache
def _no_compiler() -> str | None:
    """Why nothing can be compiled on this machine, or None; said once."""
    try:
        importlib.import_module("cellwright.backends.kernels.forward")
    except ImportError as error:
        reason = f"the compiler cannot be loaded ({error})"
        warnings.warn(f"cellwright: {reason}; layers run on slower backends", stacklevel=2)
        return reason
    return None


# --- what it computes ----------------------------------------------------------------------------------
@partial(in_float32, raised=Call.raised)
def run(call: Call) -> Result:
    """Compute the call. Its letters carry no gradient."""
    from cellwright.backends.kernels.forward import forward

    if differentiates(call.tensors):
        letters: list[dict[str, Tensor]] = []
        if call.streams:
            wanted = {name for one in call.streams for name, value in one.items() if value.requires_grad}
            call = replace(call, wanted=frozenset(wanted))
        rows, *state = _Layer.apply(call, letters, *call.tensors)  # type: ignore[no-untyped-call]
        return Result(rows, tuple(state), letters)
    return forward(call, saves=False)[0]


def gradients(call: Call, d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool) -> list[Tensor | None]:
    """As `dispatch.gradients`."""
    from cellwright.backends.kernels.backward import backward
    from cellwright.backends.kernels.forward import forward

    dtype = call.rows.dtype
    if dtype == torch.bfloat16:
        call, d_rows, d_state = call.float(), d_rows.float(), [d.float() for d in d_state]
    call = replace(call, wanted=call.cell.differentiable_streams)
    _, saved = forward(call, saves=True)
    assert saved is not None
    found = _in_order(backward(call, saved, d_rows, d_state, wants_rows=wants_rows, wants_state=True))
    return [None if g is None else g.to(dtype) for g in found]


_BLANK = torch.empty(0, device="cpu")
_MARKS = {name: torch.tensor(k, device="cpu") for k, name in enumerate(get_args(Arithmetic))}


class _Again(threading.local):
    """The layers that compute on this thread while what one saved is read back, and in which arithmetic; else None."""

    layers: list[tuple[Hashable, Arithmetic]] | None = None


_again = _Again()


def _read_back(ctx: Any) -> list[Tensor]:
    """What was saved, once: torch.utils.checkpoint computes it anew for one reading.

    Raises RuntimeError where it was then multiplied otherwise than by the pass that gave the results.
    """
    saved: list[Tensor]
    outer, again = _again.layers, list[tuple[Hashable, Arithmetic]]()
    _again.layers = again
    try:
        *saved, mark = ctx.saved_tensors
    except CheckpointError:  # in another arithmetic it may have another size
        alike = [arithmetic for layer, arithmetic in again if layer == ctx.layer]
        if alike and ctx.call.arithmetic not in alike:
            _check_recomputed(ctx.call.arithmetic, alike[0])
        raise
    finally:
        _again.layers = outer
    _check_recomputed(ctx.call.arithmetic, get_args(Arithmetic)[int(mark)])
    return saved


def _layer_of(call: Call) -> Hashable:
    """What tells the calls of one layer from those of others, if not of its twins."""
    return call.cell, call.rows.shape[1], call.hidden, len(call.weights)


def _check_recomputed(arithmetic: Arithmetic, again: Arithmetic) -> None:
    if again != arithmetic:
        raise RuntimeError(
            f"a layer multiplied in {arithmetic}, and in {again} when torch.utils.checkpoint computed it again; say it "
            "by the layer's matmul_precision, or have use_matmul_precision or autocast within what is checkpointed"
        )


class _Layer(torch.autograd.Function):
    """The kernels as one differentiable operation: (call, list for the letters, *call.tensors) -> rows, *state."""

    @staticmethod
    def forward(ctx: Any, call: Call, letters: list[dict[str, Tensor]], *tensors: Tensor) -> tuple[Tensor, ...]:
        from cellwright.backends.kernels.forward import forward

        result, saved = forward(call, saves=True)
        letters.extend(result.letters)
        ctx.call = call.replaced([_BLANK] * len(tensors))  # the tensors are kept by save_for_backward alone
        ctx.layer = _layer_of(call)
        if _again.layers is not None:
            _again.layers.append((ctx.layer, call.arithmetic))
        # What torch.utils.checkpoint computes again brings its own arithmetic with it.
        ctx.save_for_backward(*tensors, saved, _MARKS[call.arithmetic])
        return result.rows, *result.state

    @staticmethod
    def backward(ctx: Any, d_rows: Tensor, *d_state: Tensor) -> tuple[Any, ...]:
        *tensors, kept = _read_back(ctx)
        call: Call = ctx.call.replaced(tensors)
        wanted = ctx.needs_input_grad[2:]
        # With create_graph the gradient itself is to be differentiated. The cotangents may be batched, or a transform
        # have begun since.
        if torch.is_grad_enabled() or _unreadable((d_rows, *d_state)):
            return None, None, *reference.differentiable_gradients(call, wanted, (d_rows, *d_state))
        return None, None, *_gradients_of_kept(call, kept, wanted, d_rows, d_state)


@in_full_precision
def _gradients_of_kept(
    call: Call, saved: Tensor, wanted: Sequence[bool], d_rows: Tensor, d_state: Sequence[Tensor]
) -> Iterator[Tensor | None]:
    """The gradients from what the forward pass kept, None where one is not wanted."""
    from cellwright.backends.kernels.backward import backward

    of_states = {id(t) for t in (*call.state, *(call.fresh or ()))}
    wants_state = any(want for t, want in zip(call.tensors, wanted, strict=True) if id(t) in of_states)
    found = backward(call, saved, d_rows, d_state, wants_rows=wanted[0], wants_state=wants_state)
    return (g if want else None for g, want in zip(_in_order(found), wanted, strict=True))


def _in_order(found: Gradients) -> list[Tensor | None]:
    """Gradients in the order of `Call.tensors`."""
    streams = (g for one in found.streams for g in one)
    return [found.rows, *found.state, *(g for one in found.weights for g in one), *found.fresh, *streams]
