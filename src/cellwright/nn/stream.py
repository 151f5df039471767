"""A layer that takes a sequence as it comes: a step or a chunk at a time, the state kept in between.

    stream = layer.eval().stream(batch=3)
    for x in input:                    # (3, I)
        output = stream.step(x)        # (3, P)
    output = stream.feed(chunk)        # (t, 3, I) -> (t, 3, P)
    stream.reset(ended)                # (3,) bool: these sequences begin anew

A stream is computed by compiled kernels wherever they run, however small its chunks: so its outputs are, bit for bit,
those that they give of the whole sequence at once. Only a state of 16 bits, of a layer of bfloat16 or within autocast,
loses bits that the whole sequence keeps: where it is read, and from one chunk of `feed` to the next.
"""

from __future__ import annotations

from operator import is_

import torch
from torch import Tensor

from cellwright.backends import bounds, dispatch
from cellwright.backends.call import Call
from cellwright.backends.surroundings import PLAIN, disturbed
from cellwright.nn import checks, stack
from cellwright.nn.given import Named
from cellwright.nn.stack import Stack
from cellwright.nn.states import State, as_tuple
from cellwright.packing import Lengths, PackedLayout


class Stream:
    """Sequences of which a layer has seen the first steps; made by `Recurrent.stream`.

    Everything is computed without gradients, by the weights as they then are. (A change that autograd does not count,
    one through `.data`, `step` sees after the next `feed` or `reset`.)
    """

    def __init__(self, layer: Stack, batch: int | None) -> None:
        who = type(layer).__name__
        if layer.bidirectional:
            raise ValueError(
                f"{who}.stream: the layer is bidirectional, and its reverse direction begins at the last step, which a "
                "stream has not seen; expected bidirectional=False. Call the layer on whole sequences, or windows"
            )
        if batch is not None and batch < 1:
            raise ValueError(f"{who}.stream: batch is {batch}; expected at least 1, or None for one sequence alone")
        self._layer = layer
        self._batch = batch
        self._state: State | None = None
        self._prepared: _Prepared | None = None  # where there is one, the state is there

    @property
    @torch.no_grad()
    def state(self) -> State:
        """The state after the last step, before the first the initial one, as the layer returns it; may be set."""
        if self._prepared is not None:
            return self._prepared.state
        return stack.initial_state(self._layer, self._batch) if self._state is None else self._state

    @state.setter
    def state(self, given: State) -> None:
        self._state, self._prepared = given, None

    @torch.no_grad()
    def reset(self, rows: Tensor | None = None) -> None:
        """Begin anew from the layer's initial state.

        Args:
            rows: (B,) bool, the sequences that do; None is all.

        Raises:
            ValueError: The mask has another type or shape.

        """
        if rows is None:
            self._state = self._prepared = None
            return
        who = type(self._layer).__name__
        checks.tensor(f"{who}.stream", "rows", rows)
        if rows.dtype != torch.bool or rows.shape != (self._batch,):
            raise ValueError(
                f"{who}.stream: reset got {rows.dtype} of shape {tuple(rows.shape)}; expected torch.bool of shape "
                f"(batch,) = ({self._batch},), or nothing for all"
            )
        anew = rows[:, None, None] if self._layer.state_batch_first else rows[:, None]
        start, now = stack.initial_state(self._layer, self._batch), self.state
        new = [torch.where(anew, a, b) for a, b in zip(as_tuple(start), as_tuple(now), strict=True)]
        self.state = tuple(new) if isinstance(now, tuple) else new[0]

    @torch.no_grad()
    def step(self, input: Tensor, *, parameters: Named | None = None) -> Tensor:
        """One step of every sequence.

        Args:
            input: (B, I); of one sequence alone (I,).
            parameters: Those that the cell is given with a call, as the layer has them, of a sequence each.

        Returns:
            The output (B, P), or (P,).

        Raises:
            ValueError: The shape is another.
            RuntimeError: The layer is in training mode and has a dropout.

        """
        checks.tensor(f"{type(self._layer).__name__}.stream", "input", input)
        if input.dim() != (1 if self._batch is None else 2):
            axes = "(features,)" if self._batch is None else "(batch, features)"
            raise ValueError(
                f"{type(self._layer).__name__}.stream: a step has shape {tuple(input.shape)}; expected {axes}; "
                "several steps go to feed"
            )
        chunk = input.unsqueeze(self._time_dim)
        self._check(chunk)
        if self._prepared is None or not self._prepared.fits(input):
            self.state = self.state  # out of the steps that fit no more
            given = self._layer.cell.streams
            self._prepared = None if given else _Prepared.of(self._layer, chunk, self.state)
        if self._prepared is None:
            return self.feed(chunk, parameters=parameters).squeeze(self._time_dim)
        return self._prepared.step(input)

    @torch.no_grad()
    def feed(self, chunk: Tensor, lengths: Lengths | None = None, *, parameters: Named | None = None) -> Tensor:
        """Some steps of every sequence; a chunk of none, t = 0, leaves the state as it is.

        Args:
            chunk: (t, B, I), batch first (B, t, I), one sequence alone (t, I).
            lengths: (B,) how many of the chunk's steps each sequence has, 0 … t, where they do not come evenly.
            parameters: Those that the cell is given with a call, as the layer has them.

        Returns:
            The output (t, B, P), (B, t, P) or (t, P).

        Raises:
            ValueError: The shape is another; else as the layer's call.
            RuntimeError: The layer is in training mode and has a dropout.

        """
        self._check(chunk)
        if lengths is None and not chunk.shape[self._time_dim]:
            return self._of_no_step(chunk)
        given = self._state if self._prepared is None else self.state
        with bounds.kernels_of_any_size():
            output, self.state = self._layer(chunk, given, lengths=lengths, parameters=parameters)
        return output  # type: ignore[no-any-return]

    @property
    def _time_dim(self) -> int:
        return 1 if self._layer.batch_first and self._batch is not None else 0

    def _of_no_step(self, chunk: Tensor) -> Tensor:
        layer = self._layer
        weight = stack.like(layer)
        checks.rows(type(layer).__name__, chunk, layer.input_size, weight)
        return weight.new_zeros(*chunk.shape[:-1], layer.proj_size or layer.hidden_size)

    def _check(self, chunk: Tensor) -> None:
        layer, who = self._layer, type(self._layer).__name__
        checks.tensor(f"{who}.stream", "chunk", chunk)
        if layer.training and (layer.dropout or layer.recurrent_dropout or layer.zoneout):
            raise RuntimeError(
                f"{who}.stream: the layer is in training mode and would draw new dropout masks at every call; expected "
                "evaluation: layer.eval()"
            )
        dimensions = 2 if self._batch is None else 3
        if chunk.dim() != dimensions or (self._batch is not None and chunk.shape[1 - self._time_dim] != self._batch):
            many = "one sequence alone" if self._batch is None else f"a batch of {self._batch}"
            raise ValueError(f"{who}.stream: the chunk has shape {tuple(chunk.shape)}, and this stream is of {many}")


class _Prepared:
    """The compiled steps of a stack, with the state, for the weights that it had when they were packed."""

    def __init__(self, layer: Stack, layout: PackedLayout, calls: list[Call]) -> None:
        from cellwright.backends.kernels.stepper import Stepper  # loads the compiler

        self._layer, self._layout, self._call = layer, layout, calls[0]
        self._steps = [Stepper(call.float() if call.rows.dtype == torch.bfloat16 else call) for call in calls]
        self._weights = _parameters(layer)
        self._versions = _versions(self._weights)

    @classmethod
    def of(cls, layer: Stack, chunk: Tensor, state: State) -> _Prepared | None:
        """None where something else computes such a step."""
        layout, calls = stack.calls(layer, chunk, state)
        if not isinstance(layout, PackedLayout) or not _by_kernels(calls[0]):
            return None
        return cls(layer, layout, calls)

    def fits(self, input: Tensor) -> bool:
        """Whether a step (B, I) or (I,) would be computed by these, from these weights."""
        size = (1, *input.shape) if input.dim() == 1 else input.shape
        plain = type(input) in PLAIN and input.is_cpu and not torch.is_autocast_enabled("cpu")
        if size != self._steps[0].shape or input.dtype != self._call.rows.dtype or not plain or disturbed():
            return False
        now = _parameters(self._layer)
        same = all(map(is_, now, self._weights)) and _versions(now) == self._versions
        arithmetic = stack.decision(self._layer, now[0].dtype).arithmetic
        return same and arithmetic == self._call.arithmetic and dispatch.asks_for_kernels()

    def step(self, input: Tensor) -> Tensor:
        rows = input.view(-1, input.shape[-1])
        for one in self._steps:
            rows = one.step(rows).to(self._call.rows.dtype)  # as each layer of the stack gives them
        return rows[0].clone() if input.dim() == 1 else rows.clone()

    @property
    def state(self) -> State:
        """As the layer returns it."""
        dtype = self._call.rows.dtype
        states = [torch.stack(s).to(dtype) for s in zip(*(one.state for one in self._steps), strict=True)]
        return stack.state_shape(self._layer).leave(states, self._layout)


def _by_kernels(call: Call) -> bool:
    """Whether kernels compute a step, its size aside: its weights are packed before. Not within autocast."""
    if torch.is_autocast_enabled("cpu"):
        return False
    with bounds.kernels_of_any_size():
        return dispatch.choose(call).name == "compiled"


def _parameters(layer: Stack) -> list[Tensor]:
    """Those of all layers as they now are."""
    return [getattr(layer, name) for name in stack.parameter_names(layer)]


def _versions(weights: list[Tensor]) -> list[tuple[int, int]]:
    """What changes when a weight does: where it is, and how often it was written to, as autograd counts."""
    return [(w.data_ptr(), 0 if w.is_inference() else w._version) for w in weights]
