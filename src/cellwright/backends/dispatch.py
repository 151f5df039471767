"""One recurrent layer in all its directions, and the choice of the backend that computes it.

The choice is a value with a reason, made before anything runs (`choose`); a backend that was asked for and
cannot run raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

from cellwright.backends import bounds, reference, torch_native
from cellwright.backends.call import Call, Result, differentiates, in_full_precision
from cellwright.backends.kernels import autograd
from cellwright.backends.precision import Arithmetic, Decision, decide

Name = Literal["compiled", "torch", "reference"]


class _Module(Protocol):
    """What the module of a backend provides."""

    def obstacle(self, call: Call) -> str | None:
        """Why it cannot compute the call, or None."""

    def run(self, call: Call) -> Result:
        """Compute the call."""

    def gradients(
        self, call: Call, d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool
    ) -> list[Tensor | None]:
        """As `gradients` below."""


# None of them loads the compiler before a call is its kernels'.
_MODULES: dict[Name, _Module] = {"compiled": autograd, "torch": torch_native, "reference": reference}


@dataclass(frozen=True)
class Backend:
    """Which code computes a call, and why."""

    name: Name
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


_asked: ContextVar[Name | None] = ContextVar("cellwright_backend", default=None)
asked_for = _asked.get  # what `use_backend` asks for, or None


@contextmanager
def use_backend(name: Name) -> Iterator[None]:
    """Within the block every layer takes this backend; where it cannot, the call raises RuntimeError with the reason.

    A batch in which no sequence has a step is the reference's whatever was asked for, and so are gradients that are to
    be differentiated or that come in batches.

    Args:
        name: compiled, torch or reference.

    Examples:
        >>> import cellwright, torch
        >>> layer, x = cellwright.LSTM(8, 16), torch.randn(5, 3, 8)
        >>> with use_backend("reference"):
        ...     print(layer.explain(x))
        reference: asked for by use_backend

    """
    token = _asked.set(name)
    try:
        yield
    finally:
        _asked.reset(token)


@in_full_precision
def choose(call: Call) -> Backend:
    """What computes this call: compiled kernels where they can and it pays, else torch's own, else the reference."""
    obstacles = {name: module.obstacle(call) for name, module in _MODULES.items()}
    if call.arithmetic == "int8":
        obstacles |= dict.fromkeys(("torch", "reference"), "weights of int8 are multiplied by the kernels alone")
    asked = asked_for()
    if asked and (asked not in obstacles or obstacles[asked]):
        raise RuntimeError(
            f"the backend {asked!r} was asked for and cannot run: {obstacles.get(asked, 'there is no such backend')}"
        )
    if not any(call.batch_sizes[:1]):
        return Backend("reference", "there is no step to compute")
    if asked:
        return Backend(asked, "asked for by use_backend")
    if call.arithmetic == "int8" and obstacles["compiled"]:
        raise RuntimeError(f"the layer's weights are frozen as int8, and {obstacles['compiled']}; unfreeze() it")
    if obstacles["compiled"] is None:
        runs = Backend("compiled", f"the kernels of {call.cell.name} run on this processor{_in_parts(call)}")
        return _of_small(call, obstacles["torch"]) or runs
    if obstacles["torch"] is None:
        return Backend("torch", f"{obstacles['compiled']}; torch has a kernel of its own for {call.cell.name}")
    both = dict.fromkeys(reason for reason in obstacles.values() if reason)  # said once where it is the same
    return Backend("reference", "; ".join(both))


def _in_parts(call: Call) -> str:
    """What is said of a step that products cut into parts."""
    letters = call.cell.trace.within
    return f", in parts: U's rows of {' '.join(letters)} multiply within the step" if letters else ""


def with_products(backend: Backend, decision: Decision, call: Call) -> Backend:
    """The same with how it multiplies in its reason, and what it keeps so, where anybody asked for anything."""
    arithmetic, asked = decision
    if asked is None:
        return backend
    if backend.name != "compiled":
        return replace(backend, reason=f"{backend.reason}; it multiplies as torch does")
    if arithmetic == "float32":
        products = "float32 products"
    else:
        from cellwright.compiler.units import microkernel  # loads the compiler

        name, reason = microkernel(arithmetic)
        if arithmetic == "int8":
            return replace(backend, reason=f"{backend.reason}; weights of int8 by {name} ({reason}): {asked}")
        how = f"{arithmetic} products by {name}" if name != "float32" else f"float32 products instead of {arithmetic}"
        products = f"{how} ({reason})" + (_kept(call) if arithmetic == "bf16" and name != "float32" else "")
    return replace(backend, reason=f"{backend.reason}; {products}: {asked}")


def _kept(call: Call) -> str:
    """What is said of a training step that keeps some of what its backward pass reads in bfloat16."""
    from cellwright.compiler.kernel import kernel

    if not differentiates(call.tensors):
        return ""
    projects = call.weights[0].projection is not None
    half, rest = kernel(call.cell, "float32", call.arithmetic).kept(projects)
    others = f", {' '.join(rest)} in float32" if rest else ""
    return f", {' '.join(half)} kept in bfloat16 for the backward pass{others}" if half else ""


def _of_small(call: Call, torch_obstacle: str | None) -> Backend | None:
    """The backend of a call that is too small for the kernels; None where they are the faster, or any size will do."""
    if bounds.lifted() or call.record or call.resets or call.arithmetic == "int8":
        return None
    size = bounds.Size.of(call.batch_sizes, call.hidden, differentiates(call.tensors))
    if call.packed is not None and not size.ragged:  # nothing is packed, and small calls are bound once (`nn.ready`)
        return None
    bits = "the bits of a row are the same within one backend only"
    if torch_obstacle is None:
        if not bounds.torch_is_faster(call.cell.name, size, _as_multiplied(call.arithmetic)):
            return None
        return Backend("torch", f"torch's own kernel of {call.cell.name} is faster at {size} ({bits})")
    if bounds.reference_is_faster(size):
        return Backend("reference", f"packing the weights would take longer than the steps at {size} ({bits})")
    return None


def _as_multiplied(arithmetic: Arithmetic) -> Arithmetic:
    """The arithmetic whose bounds hold on this processor where kernels may multiply in `arithmetic`.

    Those of fewer bits were measured on tile registers; other units are at most twice as fast as float32.
    """
    if arithmetic == "float32":
        return arithmetic
    from cellwright.compiler.units import microkernel  # loads the compiler

    return arithmetic if microkernel(arithmetic).name.endswith("amx") else "float32"


def asks_for_torch() -> bool | None:
    """Whether torch's kernels are to compute whatever they can, or nothing; None where a call's size says."""
    asked = asked_for()
    if asked is not None:
        return asked == "torch"
    return False if bounds.lifted() else None


def asks_for_kernels() -> bool:
    """Whether `use_backend` asks for the kernels, or for nothing."""
    return asked_for() in (None, "compiled")


def gives_to_torch(cell: str, size: bounds.Size, own: str | None, dtype: torch.dtype, *, frozen: bool = False) -> bool:
    """Whether a standard cell's call without resets or letters, which nothing disturbs, goes to torch's kernels.

    By the short way, which looks at the precision (the layer's `own`, and that of its type) only where it must: who
    computes what may be multiplied in less than float32, `choose` says.
    """
    if torch_native.threads_may_be_missing(cell, dtype):
        return False
    asked = asks_for_torch()
    if asked is not None:
        return asked
    if (frozen and not size.ragged) or not bounds.torch_is_faster(cell, size):
        return False
    return not bounds.fewer_bits_matter(cell, size) or decide(own, dtype).arithmetic == "float32"


@in_full_precision
def layer(call: Call) -> Result:
    """Compute the call. Letters carry a gradient where the reference computes them, and none from the kernels."""
    return _MODULES[choose(call).name].run(call)


@in_full_precision
def layer_on(call: Call, name: Name) -> Result:
    """`layer` by the backend that `choose` found before, whatever it would find now.

    In a backward pass torch.func may transform the cotangents, of which a call that is computed again knows nothing.
    """
    if name == "reference":
        return reference.run(call)
    with temporarily_clear_interpreter_stack():
        return _MODULES[name].run(call)


@in_full_precision
def gradients(call: Call, d_rows: Tensor, d_state: Sequence[Tensor], *, wants_rows: bool) -> list[Tensor | None]:
    """The gradients of `call.tensors` from the cotangents of rows (N', D·P) and states (D, B, ·).

    The call is computed anew, and cannot be differentiated again. That of the rows is None unless it is wanted, those
    of masks may be.
    """
    return _MODULES[choose(call).name].gradients(call, d_rows, d_state, wants_rows=wants_rows)
