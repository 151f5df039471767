"""What a backend is asked to compute and what it gives, and what stands around any of them.

Sequences lie as PyTorch packs them. Three sequences a b c of lengths 3, 2, 1 are six rows:

    t           0        1      2
    rows      a0 b0 c0  a1 b1  a2        batch_sizes = [3, 2, 1]

The rows of a step are the first batch_sizes[t] sequences, so a step is one slice and padding is never computed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import torch
from torch import Tensor

from cellwright.backends.bounds import kernels_of_any_size
from cellwright.backends.precision import Arithmetic
from cellwright.cells.definition import Definition
from cellwright.packing import RowIndex


@dataclass(frozen=True)
class Weights:
    """The parameters of one direction of one layer. G projections, I inputs, H hidden, P outputs (H, or projected).

    input (G·H, I) and recurrent (G·H, P), None of a cell that multiplies no input or no state; their biases (G·H,) or
    None, projection (P, H) or None, and further ones of the cell by name.
    """

    input: Tensor | None
    recurrent: Tensor | None
    input_bias: Tensor | None = None
    recurrent_bias: Tensor | None = None
    projection: Tensor | None = None
    extra_parameters: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def _in_order(self) -> tuple[Tensor | None, ...]:
        return self.input, self.recurrent, self.input_bias, self.recurrent_bias, self.projection

    @property
    def matrices(self) -> list[Tensor]:
        """Those of products and their biases that are there, in torch.nn's order."""
        return [w for w in self._in_order if w is not None]

    @property
    def flat(self) -> list[Tensor]:
        """Those that are there, in torch.nn's order, the cell's further ones last."""
        return self.matrices + list(self.extra_parameters.values())

    def replaced(self, tensors: Sequence[Tensor]) -> Weights:
        """The same parameters with other values, in the order of `flat`."""
        rest = iter(tensors)
        matrices = [None if w is None else next(rest) for w in self._in_order]
        return Weights(*matrices, {name: next(rest) for name in self.extra_parameters})  # type: ignore[arg-type,call-arg]


Packed = dict[Any, dict[str, Tensor]]
"""The weights of a call as a kernel reads them, by the kernel; it fills it where it is not there."""


@dataclass(frozen=True)
class Call:
    """What a layer is asked to compute.

    rows          (N, I) the S packed rows, sequences in falling length as above, or rows among which they stand;
                  of no column where the cell multiplies no input
    batch_sizes   how many sequences are alive at each step
    state         one (D, B, ·) a state of the cell
    weights       one a direction: forward, or forward and reverse
    resets        one (S,) bool a direction: rows that begin from `fresh`
    fresh         one (D, B, ·) a state: what a reset restores; zeros where None
    streams       one mapping a direction: what the cell's `streams` name, (S, ·) those of each step, (B, ·) of each
                  sequence; one number a unit (H), or one for all units (1)
    record        whether the values of the step's letters are wanted
    input_index   where the packed rows stand in `rows`; None where they are these
    output_index  where they stand in the outputs (N', D·P), zero in other places; None where they are these
    arithmetic    how kernels multiply, forward and backward; the other backends multiply as torch does
    packed        what kernels have packed of the weights, which stay; None where they pack at every call
    wanted        the streams whose gradients the kernels' backward pass gives
    heads         parts of the units that U keeps apart: it is zero between them, which kernels do not multiply
    """

    cell: Definition
    rows: Tensor
    batch_sizes: Sequence[int]
    state: Sequence[Tensor]
    weights: Sequence[Weights]
    resets: Sequence[Tensor] | None = None
    fresh: Sequence[Tensor] | None = None
    streams: Sequence[Mapping[str, Tensor]] | None = None
    record: bool = False
    input_index: RowIndex | None = None
    output_index: RowIndex | None = None
    arithmetic: Arithmetic = "float32"
    packed: Packed | None = None
    wanted: frozenset[str] = frozenset()
    heads: int = 1

    @property
    def hidden(self) -> int:
        """H, the units of a direction."""
        projection = self.weights[0].projection
        return self.state[0].shape[-1] if projection is None else projection.shape[1]

    @property
    def columns(self) -> int:
        """The numbers that a direction gives of each step: P, or H for each of several outputs."""
        return len(self.cell.results) * self.state[0].shape[-1]

    @property
    def tensors(self) -> list[Tensor]:
        """Everything that a gradient may flow into."""
        streams = [s for direction in self.streams or () for s in direction.values()]
        return [
            self.rows,
            *self.state,
            *(w for one in self.weights for w in one.flat),
            *(self.fresh or ()),
            *streams,
        ]

    def replaced(self, tensors: Sequence[Tensor]) -> Call:
        """The same call on other `tensors`, in their order."""
        rest = iter(tensors)

        def each(old: Iterable[Tensor]) -> list[Tensor]:
            return [next(rest) for _ in old]

        found = object.__new__(Call)  # dataclasses.replace takes several times as long, twice a training step
        found.__dict__.update(
            self.__dict__,
            rows=next(rest),
            state=each(self.state),
            weights=[w.replaced(each(w.flat)) for w in self.weights],
            fresh=each(self.fresh) if self.fresh else None,
            streams=[dict(zip(one, each(one.values()), strict=True)) for one in self.streams] if self.streams else None,
        )
        return found

    def float(self) -> Call:
        """The same call in float32."""
        return self.replaced([t.float() for t in self.tensors])

    def raised(self) -> Call:
        """The same in float32 but for matrices and biases, which kernels raise as they pack them."""
        kept = {id(m) for one in self.weights for m in one.matrices}
        return self.replaced([t if id(t) in kept else t.float() for t in self.tensors])


class Result(NamedTuple):
    """What a backend gives.

    rows     (N', D·P) the outputs: packed, or in the call's `output_index`; where the cell has several, those of a
             direction side by side
    state    one (D, B, ·) a state: that at each sequence's own end
    letters  one mapping a direction: each letter's values (S, ·), where they were asked for. The letters are those of
             the equations and the states after each step, as they go on to the next
    """

    rows: Tensor
    state: tuple[Tensor, ...]
    letters: list[dict[str, Tensor]]


_requires_grad = attrgetter("requires_grad")  # a generator takes longer than all of its tensors' own


def differentiates(tensors: Iterable[Tensor]) -> bool:
    """Whether a gradient will be wanted of what is computed from `tensors`."""
    return torch.is_grad_enabled() and any(map(_requires_grad, tensors))


# --- around a backend ----------------------------------------------------------------------------------
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


def in_float32(
    run: Callable[Concatenate[Call, _P], Result], raised: Callable[[Call], Call] = Call.float
) -> Callable[Concatenate[Call, _P], Result]:
    """Let `run` compute calls of bfloat16 in float32, as `raised`: their results are rounded once, at the end."""

    @functools.wraps(run)
    def inner(call: Call, /, *args: _P.args, **options: _P.kwargs) -> Result:
        if call.rows.dtype != torch.bfloat16:
            return run(call, *args, **options)
        rows, state, letters = run(raised(call), *args, **options)
        rounded = [{name: values.bfloat16() for name, values in one.items()} for one in letters]
        return Result(rows.bfloat16(), tuple(s.bfloat16() for s in state), rounded)

    return inner


def on_packed_rows(run: Callable[Concatenate[Call, _P], Result]) -> Callable[Concatenate[Call, _P], Result]:
    """Let `run`, which knows of no index, compute any call: rows are packed before it and put in place after."""

    @functools.wraps(run)
    def inner(call: Call, /, *args: _P.args, **options: _P.kwargs) -> Result:
        before, after = call.input_index, call.output_index
        packed = call.rows if before is None else before.gather(call.rows)
        found = run(replace(call, rows=packed, input_index=None, output_index=None), *args, **options)
        return found if after is None else found._replace(rows=after.scatter(found.rows))

    return inner


def recorded_gradients(run: Callable[[Call], Result], call: Call, cotangents: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradients of `call.tensors` by way of operations that torch records, of a `run` that consists of them.

    From within an operator, where torch records none unless it is told to. Cotangents of the rows and of each state.
    """
    include, exclude = torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()
    recording = exclude.remove(torch._C.DispatchKey.AutogradCPU)  # the key of every device
    with torch._C._ForceDispatchKeyGuard(include, recording), torch.enable_grad():
        inputs = [t.detach().requires_grad_() for t in call.tensors]
        found = run(call.replaced(inputs))
        return list(torch.autograd.grad((found.rows, *found.state), inputs, cotangents, materialize_grads=True))
