"""The short way of a frozen layer: small calls of a shape that came before are bound, and only run.

What a call looks at, and the words of its kernels, take 0.2 ms; those of a frozen layer are the same for every call of
a shape. So the first binds them, and the next ones of that shape copy their input there, run, and copy the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

from cellwright.backends import dispatch, precision
from cellwright.backends.call import Call
from cellwright.backends.surroundings import PLAIN, disturbed
from cellwright.nn import stack
from cellwright.nn.direct import FLOATS, autocast_is_on
from cellwright.nn.stack import Stack
from cellwright.nn.states import State, as_tuple
from cellwright.packing import PackedLayout

_shape = attrgetter("shape")
MOST_NUMBERS = 1 << 18  # of an input: what is copied in less time than is spared


class Ready:
    """A layer's calls of one shape, as a user has them."""

    def __init__(self, layer: Stack, layout: PackedLayout, calls: list[Call]) -> None:
        from cellwright.backends.kernels.prepared import Prepared  # loads the compiler

        self._kernels = kernels = Prepared(calls)
        # Views of the kernels' memory in the user's shapes: a call makes none.
        self._input, self._output = layout.unflatten(kernels.input), layout.unflatten(kernels.output)
        self._final = as_tuple(stack.state_shape(layer).leave(kernels.final, layout))
        self._shape = [s.shape for s in kernels.final]
        self._initial = [torch.cat(each) for each in zip(*(call.state for call in calls), strict=True)]
        self._zero = not layer.learn_initial_state
        self._written = False  # whether the kernels' initial states may be others than zero

    def run(self, input: Tensor, hx: State | None) -> tuple[Tensor, State]:
        """Output and state."""
        self._input.copy_(input)
        if hx is None and self._zero:
            if self._written:
                self._kernels.memory.zero_()
                self._written = False
        else:
            self._written = True
            given = self._initial if hx is None else map(Tensor.reshape, as_tuple(hx), self._shape)
            for place, state in zip(self._kernels.begin, given, strict=True):
                place.copy_(state)
        self._kernels.run()
        final = tuple(map(Tensor.clone, self._final))
        return self._output.clone(), final[0] if len(final) == 1 else final


def layers(layer: Stack, input: Any, hx: State | None) -> tuple[Tensor, State] | None:
    """Output and state of a frozen layer's call without lengths, or None where it is to go the long way."""
    if disturbed() or not _is_small(layer, input):
        return None
    states = () if hx is None else _alike(hx, input)
    if states is None or not layer.may_run(input, *states):
        return None
    shapes, decides = tuple(map(_shape, states)), precision.surrounding(layer.matmul_precision)
    key = (input.shape, input.dtype, shapes, decides, layer.batch_first, torch.get_num_threads())
    ready = layer.take_ready(key) or _bind(layer, input, hx)
    if ready is None:
        return None
    result = ready.run(input, hx)
    layer.give_ready(key, ready)
    return result


def _is_small(layer: Stack, input: Any) -> bool:
    """Whether kernels would compute this input, of no more numbers than pays, by the layer's equations alone."""
    if type(input) not in PLAIN or not input.is_cpu or not 0 < input.numel() <= MOST_NUMBERS:
        return False
    noise = layer.zoneout or (layer.training and (layer.dropout or layer.recurrent_dropout))
    other = layer.cell.streams or len(layer.cell.results) > 1 or layer.state_batch_first
    return not (noise or other or autocast_is_on()) and input.dtype in FLOATS and dispatch.asks_for_kernels()


def _alike(hx: Any, input: Tensor) -> Sequence[Tensor] | None:
    """The states that are given; None where they are no plain tensors of the input's type."""
    states = (hx,) if isinstance(hx, Tensor) else hx
    if not isinstance(states, (tuple, list)):
        return None
    return states if all(type(s) in PLAIN and s.dtype == input.dtype and s.is_cpu for s in states) else None


# What is bound outlives the call, and is written to in the next, which may stand outside of inference_mode.
@torch.inference_mode(mode=False)
@torch.no_grad()
def _bind(layer: Stack, input: Tensor, hx: State | None) -> Ready | None:
    """The kernels of such calls; None where something else computes them. Raises as the layer's call does."""
    layout, calls = stack.calls(layer, input, hx)
    if not isinstance(layout, PackedLayout) or dispatch.choose(calls[0]).name != "compiled":
        return None
    return Ready(layer, layout, calls)
