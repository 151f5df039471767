"""One recurrent layer in all its directions, and the choice of the path that computes it.

The choice is a value with a reason, made before anything runs (`choose`); a path that was asked for and
cannot run raises.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch.autograd import forward_ad

from cellwright.backends import bounds, reference, torch_native
from cellwright.backends.reference import Call, Output

if TYPE_CHECKING:
    from cellwright.backends.kernels import Gradients

Name = Literal["compiled", "torch", "reference"]


@dataclass(frozen=True)
class Path:
    """Which code computes a call, and why."""

    name: Name
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


_asked: ContextVar[Name | Literal["any size"] | None] = ContextVar("cellwright_path", default=None)


@contextmanager
def use_path(name: Name) -> Iterator[None]:
    """Within the block every layer takes this path; where it cannot, the call raises RuntimeError with the reason.

    A batch in which no sequence has a step is the reference's on any path, and so are gradients that are to be
    differentiated or that come in batches.
    """
    token = _asked.set(name)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def kernels_of_any_size() -> Iterator[None]:
    """Within the block no call is too small for the kernels, where `use_path` asks for no path."""
    token = _asked.set(_asked.get() or "any size")
    try:
        yield
    finally:
        _asked.reset(token)


# --- torch.autocast ------------------------------------------------------------------------------------
_P = ParamSpec("_P")
_R = TypeVar("_R")
_HALVES = (torch.bfloat16, torch.float16)


def in_full_precision(function: Callable[Concatenate[Call, _P], _R]) -> Callable[Concatenate[Call, _P], _R]:
    """Let `function` compute in float32 on the CPU where autocast is on, as autocast itself does for sums.

    torch.nn's layers follow no rule there: on a CPU autocast to bfloat16 makes the LSTM's output bfloat16, the GRU's
    that of its input, and to float16 the LSTM raises.
    """

    @functools.wraps(function)
    def inner(call: Call, /, *args: _P.args, **options: _P.kwargs) -> _R:
        if not torch.is_autocast_enabled("cpu"):
            return function(call, *args, **options)
        raised = [t.float() if t.is_cpu and t.dtype in _HALVES else t for t in call.tensors]
        # No call is too small: within autocast the kernels' backward pass is in float32, that of torch's products not.
        any_size = nullcontext() if torch.compiler.is_compiling() else kernels_of_any_size()
        with torch.autocast("cpu", enabled=False), any_size:
            return function(call.replaced(raised), *args, **options)

    return inner


@in_full_precision
def choose(call: Call) -> Path:
    """The path this call takes: compiled where it can and pays, else torch's own kernels, else the reference."""
    obstacles = {
        "compiled": _compiled_obstacle(call),
        "torch": torch_native.obstacle(call) or _transformed(),
        "reference": None,
    }
    asked = _asked.get()
    forced = None if asked == "any size" else asked
    if forced and (forced not in obstacles or obstacles[forced]):
        raise RuntimeError(
            f"the path {forced!r} was asked for and cannot run: {obstacles.get(forced, 'there is no such path')}"
        )
    if not any(call.batch_sizes[:1]):
        return Path("reference", "there is no step to compute")
    if forced:
        return Path(forced, "asked for by use_path")
    if obstacles["compiled"] is None:
        runs = Path("compiled", f"the kernels of {call.cell.name} run on this processor")
        return _of_small(call, obstacles["torch"]) or runs
    if obstacles["torch"] is None:
        return Path("torch", f"{obstacles['compiled']}; torch has a kernel of its own for {call.cell.name}")
    both = dict.fromkeys(reason for reason in obstacles.values() if reason)  # said once where it is the same
    return Path("reference", "; ".join(both))


def _of_small(call: Call, torch_obstacle: str | None) -> Path | None:
    """The path of a call that is too small for the kernels; None where they are the faster, or any size will do."""
    if _asked.get() or call.record or call.resets:
        return None
    hidden = len(call.weights[0].input) // len(call.cell.projections)
    size = bounds.Size.of(call.batch_sizes, hidden, differentiates(call.tensors))
    bits = "the bits of a row are the same within one path only"
    if torch_obstacle is None:
        if not bounds.torch_is_faster(call.cell.name, size):
            return None
        return Path("torch", f"torch's own kernel of {call.cell.name} is faster at {size} ({bits})")
    if bounds.reference_is_faster(size):
        return Path("reference", f"packing the weights would take longer than the steps at {size} ({bits})")
    return None


def gives_to_torch(cell: str, size: bounds.Size) -> bool:
    """Whether a standard cell's call without resets or letters, which nothing disturbs, takes torch's kernels."""
    asked = _asked.get()
    return asked == "torch" or (asked is None and bounds.torch_is_faster(cell, size))


def differentiates(tensors: Iterable[Tensor]) -> bool:
    """Whether a gradient will be wanted of what is computed from `tensors`."""
    return torch.is_grad_enabled() and any(t.requires_grad for t in tensors)


Result = tuple[Tensor, tuple[Tensor, ...], list[dict[str, Tensor]]]


def on_packed_rows(run: Callable[Concatenate[Call, _P], Result]) -> Callable[Concatenate[Call, _P], Result]:
    """Let `run`, which knows no places, compute any call: rows are packed before it, and put in their places after."""

    @functools.wraps(run)
    def inner(call: Call, /, *args: _P.args, **options: _P.kwargs) -> Result:
        before, after = call.places, call.output_places
        packed = call.rows if before is None else before.take(call.rows)
        rows, state, letters = run(replace(call, rows=packed, places=None, output_places=None), *args, **options)
        return rows if after is None else after.spread(rows), state, letters

    return inner


@in_full_precision
def layer(call: Call) -> Result:
    """Compute the call: rows (N', D·P), one (D, B, ·) a state, and one mapping letter -> (S, H) a direction.

    The letters of the compiled path carry no gradient; those of the reference do.
    """
    return _RUN[choose(call).name](call)


@in_full_precision
def layer_on(call: Call, name: Name) -> Result:
    """`layer` on the path that `choose` found before, whatever it would find now.

    In a backward pass torch.func may transform the cotangents, of which a call that is computed again knows nothing.
    """
    if name == "reference":
        return _run_reference(call)
    with temporarily_clear_interpreter_stack():
        return _RUN[name](call)


@in_full_precision
def gradients(call: Call, d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool) -> list[Tensor | None]:
    """The gradients of `call.tensors`, its streams aside, from the cotangents of rows (N', D·P) and states (D, B, ·).

    The call is computed anew, and cannot be differentiated again. That of the rows is None unless it is wanted.
    """
    path = choose(call)
    if path.name != "compiled":
        return _recorded_gradients(_RUN[path.name], call, (d_rows, *d_state))
    from cellwright.backends import kernels

    saved = kernels.forward(call, saves=True).saved
    return _in_order(kernels.backward(call, saved, d_rows, d_state, wants_rows=wants_rows, wants_state=True))


# --- compiled kernels ----------------------------------------------------------------------------------
PLAIN = frozenset((Tensor, torch.nn.Parameter))


@functools.cache
def _no_compiler() -> str | None:
    """Why nothing can be compiled on this machine, or None; said once."""
    try:
        importlib.import_module("cellwright.backends.kernels")
    except ImportError as error:
        reason = f"the compiler cannot be loaded ({error})"
        warnings.warn(f"cellwright: {reason}; layers run on slower paths", stacklevel=2)
        return reason
    return None


def _compiled_obstacle(call: Call) -> str | None:
    """Why the compiled kernels cannot compute the call, or None."""
    tensors = call.tensors
    if not call.weights[0].recurrent.shape[0]:
        return "there is no unit to compute"
    if not all(t.is_cpu for t in tensors):
        return f"kernels are compiled for the CPU and the input is on {call.rows.device}"
    if call.rows.dtype not in (torch.float32, torch.float64):
        return f"kernels are compiled for float32 and float64 and the input is {call.rows.dtype}"
    if any(t.dtype != call.rows.dtype for t in tensors):
        return "kernels compute in one type and the tensors are of several"
    if call.record and call.weights[0].projection is not None:
        return "kernels do not show the gates of a projected layer"
    if any(s.requires_grad for one in call.streams or () for s in one.values()):
        return "kernels give no gradient of a mask"
    return _unreadable(tensors) or _no_compiler()


_NO_MEMORY = "kernels read memory, and the tensors are of a subclass or a torch dispatch mode is on"


def _unreadable(tensors: Sequence[Tensor]) -> str | None:
    """Why kernels cannot now read the numbers of the tensors in their memory, or None."""
    if reason := disturbed():
        return reason
    if not PLAIN.issuperset(map(type, tensors)):
        return _NO_MEMORY
    if any(map(Tensor.is_neg, tensors)):
        return "kernels read memory, and a tensor is a negation that torch has yet to carry out: resolve_neg() does it"
    return None if all(map(torch._C._has_storage, tensors)) else "kernels read memory, and batched tensors have none"


def disturbed() -> str | None:
    """Why what is around the call wants to see operations that torch knows, or None."""
    if torch.compiler.is_compiling():
        return "the call is being traced by torch.compile or torch.export"
    if _tracing() is not None:
        return "the call is being traced by torch.jit"
    if _modes():
        return _NO_MEMORY
    return _transformed()


# Found once: the shortest calls take as long as a hundred such look-ups.
_tracing, _modes = torch._C._get_tracing_state, torch._C._len_torch_dispatch_stack
_functorch = torch._C._are_functorch_transforms_active


def _transformed() -> str | None:
    """Why only operations that torch can transform one by one will do, or None."""
    if _functorch():
        return "kernels do not know torch.func's transformations"
    if forward_ad._current_level >= 0:
        return "kernels have no forward-mode derivative, and the call is within a dual_level"
    return None


def _run_compiled(call: Call) -> Result:
    from cellwright.backends import kernels

    if differentiates(call.tensors):
        letters: list[dict[str, Tensor]] = []
        rows, *state = _Compiled.apply(call, letters, *call.tensors)  # type: ignore[no-untyped-call]
        return rows, tuple(state), letters
    result = kernels.forward(call, saves=False)
    return result.rows, result.state, result.letters


class _Compiled(torch.autograd.Function):
    """The kernels as one differentiable operation: (call, list for the letters, *call.tensors) -> rows, *state."""

    @staticmethod
    def forward(ctx: Any, call: Call, letters: list[dict[str, Tensor]], *tensors: Tensor) -> tuple[Tensor, ...]:
        from cellwright.backends import kernels

        result = kernels.forward(call, saves=True)
        letters.extend(result.letters)
        ctx.given = len(tensors)
        # The tensors are kept by save_for_backward alone.
        ctx.call = call.replaced([call.rows.new_empty(0)] * len(tensors))
        ctx.save_for_backward(*tensors, *(t for saved in result.saved for t in saved.tensors))
        return result.rows, *result.state

    @staticmethod
    def backward(ctx: Any, d_rows: Tensor, *d_state: Tensor) -> tuple[Any, ...]:
        saved = ctx.saved_tensors  # read once: checkpointing recomputes them for one reading
        tensors, kept = saved[: ctx.given], saved[ctx.given :]
        call: Call = ctx.call.replaced(tensors)
        wanted = ctx.needs_input_grad[2:]
        # With create_graph the gradient itself is to be differentiated. The cotangents may be batched, or a transform
        # have begun since.
        if torch.is_grad_enabled() or _unreadable((d_rows, *d_state)):
            return None, None, *_reference_gradients(call, wanted, (d_rows, *d_state))
        return None, None, *_compiled_gradients(call, kept, wanted, d_rows, d_state)


@in_full_precision
def _compiled_gradients(
    call: Call, kept: Sequence[Tensor], wanted: Sequence[bool], d_rows: Tensor, d_state: Sequence[Tensor]
) -> Iterator[Tensor | None]:
    from cellwright.backends import kernels

    each = len(kept) // len(call.weights)
    saved = [kernels.Saved.of(kept[d * each : (d + 1) * each]) for d in range(len(call.weights))]
    states = {id(t) for t in (*call.state, *(call.fresh or ()))}
    wants_state = any(want for t, want in zip(call.tensors, wanted, strict=True) if id(t) in states)
    found = kernels.backward(call, saved, d_rows, d_state, wants_rows=wanted[0], wants_state=wants_state)
    given = _in_order(found)
    return (g if want else None for g, want in zip_longest(given, wanted))


def _in_order(found: Gradients) -> list[Tensor | None]:
    """Gradients in the order of `Call.tensors`."""
    return [found.rows, *found.state, *(g for one in found.weights for g in one), *found.fresh]


@in_full_precision
def _reference_gradients(call: Call, wanted: Sequence[bool], cotangents: Sequence[Tensor]) -> Iterator[Tensor | None]:
    """The gradients by way of the reference, which can be differentiated again, if they are being recorded."""
    recorded = torch.is_grad_enabled()
    with torch.enable_grad():
        call = call.replaced([t.view_as(t) for t in call.tensors])  # one given twice has two gradients, which add up
        rows, state, _ = _run_reference(call)
    inputs = [t for t, want in zip(call.tensors, wanted, strict=True) if want]
    grad = torch.autograd.grad
    found = iter(grad((rows, *state), inputs, cotangents, create_graph=recorded, materialize_grads=True))
    return (next(found) if want else None for want in wanted)


def _recorded_gradients(run: Callable[[Call], Result], call: Call, cotangents: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradients by way of operations that torch records, from within an operator, where it records none."""
    include, exclude = torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()
    recording = exclude.remove(torch._C.DispatchKey.AutogradCPU)  # the key of every device
    with torch._C._ForceDispatchKeyGuard(include, recording), torch.enable_grad():
        inputs = [t.detach().requires_grad_() for t in call.tensors]
        rows, state, _ = run(call.replaced(inputs))
        return list(torch.autograd.grad((rows, *state), inputs, cotangents, materialize_grads=True))


@on_packed_rows
def _run_reference(call: Call) -> Result:
    outputs: list[Output] = [
        reference.run(
            call.cell,
            call.rows,
            call.batch_sizes,
            [s[d] for s in call.state],
            weights,
            reverse=d == 1,
            reset=call.resets[d] if call.resets else None,
            fresh=[f[d] for f in call.fresh] if call.fresh else None,
            streams=call.streams[d] if call.streams else None,
            record=call.record,
        )
        for d, weights in enumerate(call.weights)
    ]
    state = tuple(torch.stack([o.state[k] for o in outputs]) for k in range(len(call.state)))
    return torch.cat([o.rows for o in outputs], -1), state, [o.letters for o in outputs]


@on_packed_rows
def _run_torch(call: Call) -> Result:
    return *torch_native.run(call), [{} for _ in call.weights]


_RUN: dict[Name, Callable[[Call], Result]] = {
    "compiled": _run_compiled,
    "torch": _run_torch,
    "reference": _run_reference,
}
