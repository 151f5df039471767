"""Truncated back-propagation through time: train on sequences of any length in the memory of one window.

    carry = Carry(layer)
    for window in windows(lanes(corpus, batch=32), window=64):
        output = carry(window, embed(window.input))          # (t, B, P), the state goes on from window to window
        loss = criterion(output[-window.new:], window.targets[-window.new:])
        optimiser.zero_grad(), loss.backward(), optimiser.step()

What is truncated, with k₁ = stride and k₂ = window ≥ k₁: the loss is cut into lots of k₁ steps, and that of a lot is
differentiated through its own steps and the k₂ − k₁ before them; the state before those is a constant. (Williams and
Peng 1990, where it is BPTT(k₂; k₁); Sutskever 2013.) They keep what was computed with the weights of that time; here a
window is computed with the weights as they are, k₂ / k₁ times as many steps in all.

k₁ = k₂, the default, cuts the sequence into windows side by side. T time, B batch; time comes first unless batch_first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cellwright.nn.recurrent import Recurrent
from cellwright.nn.spans import span, spans


class Lanes(NamedTuple):
    """A corpus side by side: input (T, B), targets (T, B), the next token of each, reset (T, B) bool, or None."""

    input: Tensor
    targets: Tensor
    reset: Tensor | None


class Window(NamedTuple):
    """Some steps of a sequence.

    input    (t, B, …), t ≤ k₂
    targets  (t, B, …), or None
    reset    (t, B) bool, the steps that begin anew; None where none does
    first    whether nothing comes before: the state is the initial one
    new      how many of its steps, the last ones, no window before had: those whose loss counts
    ahead    steps from its first to the next window's first; the state after them is the one to carry
    """

    input: Tensor
    targets: Tensor | None
    reset: Tensor | None
    first: bool
    new: int
    ahead: int


def lanes(corpus: Tensor | Sequence[Tensor], batch: int, *, batch_first: bool = False) -> Lanes:
    """Lay a corpus of tokens out in `batch` lanes, each a run of it; a window after a window of a lane go on.

    A stream is not copied: one in a file of any size may come as torch.from_file.

    Args:
        corpus: (N,) one stream, or its documents (n,) in order. A document's first token is a reset. It is also the
            target of the last token before, so let documents begin with a mark of their own, whose turn says "the end".
        batch: B, the lanes. Of the N − 1 pairs of token and next token, B · T are used; fewer than B are left over.
        batch_first: Whether the lanes are (B, T) rather than (T, B).

    Returns:
        Input, targets and resets of all lanes.

    Raises:
        ValueError: The corpus has no pair for each lane, or `batch` is below 1.

    Examples:
        >>> lanes(torch.arange(7), batch=2).input.T.tolist()
        [[0, 1, 2], [3, 4, 5]]

    """
    documents = [corpus] if isinstance(corpus, Tensor) else [d for d in corpus if len(d)]
    stream = torch.cat(documents) if len(documents) > 1 else documents[0] if documents else torch.empty(0)
    if stream.dim() != 1:
        raise ValueError(f"lanes: the corpus has shape {tuple(stream.shape)}; expected (tokens,), or a list of those")
    if batch < 1:
        raise ValueError(f"lanes: batch is {batch}; expected at least 1")
    time = (len(stream) - 1) // batch
    if time < 1:
        raise ValueError(
            f"lanes: {len(stream)} tokens do not fill {batch} lanes; expected at least batch + 1 = {batch + 1}"
        )
    starts = None if isinstance(corpus, Tensor) else _starts(documents, stream)
    parts = [
        None if values is None else values[: batch * time].view(batch, time) for values in (stream, stream[1:], starts)
    ]
    return Lanes(*(p if p is None or batch_first else p.T for p in parts))  # type: ignore[arg-type]


def windows(
    input: Tensor | Lanes,
    targets: Tensor | None = None,
    reset: Tensor | None = None,
    *,
    window: int,
    stride: int | None = None,
    batch_first: bool = False,
) -> Windows:
    """The windows of a sequence in order, as often as they are asked for: an epoch is a `for` over them.

    Args:
        input: (T, B, …), or Lanes, which have targets and resets.
        targets: (T, B, …).
        reset: (T, B) bool.
        window: k₂, the steps that a gradient goes back through at most.
        stride: k₁, the steps from one window's end to the next; k₂ where None.
        batch_first: Whether all of them are (B, T, …).

    Returns:
        What a `for` takes, and len() counts.

    Raises:
        ValueError: The stride is not in 1 … window, or lengths differ.

    Examples:
        >>> [w.input.T.tolist() for w in windows(lanes(torch.arange(7), batch=2), window=2)]
        [[[0, 1], [3, 4]], [[2], [5]]]

    """
    given = input if isinstance(input, Lanes) else Lanes(input, targets, reset)  # type: ignore[arg-type]
    stride = window if stride is None else stride
    if not 1 <= stride <= window:
        raise ValueError(f"windows: stride is {stride} and window {window}; expected 1 ≤ stride ≤ window")
    dim = 1 if batch_first else 0
    steps = given.input.shape[dim]
    for name, other in (("targets", given.targets), ("reset", given.reset)):
        if other is not None and other.shape[dim] != steps:
            raise ValueError(f"windows: {name} has {other.shape[dim]} steps and input {steps}; expected the same")
    return Windows(given, window, stride, dim)


@dataclass(frozen=True)
class Windows:
    """See `windows`."""

    given: Lanes
    window: int
    stride: int
    dim: int

    def __len__(self) -> int:
        return spans(self.given.input.shape[self.dim], self.stride)

    def __iter__(self) -> Iterator[Window]:
        steps = self.given.input.shape[self.dim]
        for index in range(len(self)):
            within = span(index, steps, self.window, self.stride)
            input, targets, reset = (
                None if whole is None else whole.narrow(self.dim, within.start, within.end - within.start)
                for whole in self.given
            )
            assert input is not None
            reset = reset if reset is not None and bool(reset.any()) else None
            yield Window(input, targets, reset, index == 0, within.new, within.ahead)


class Carry:
    """A module and its state from window to window, detached: what lies before a window is a constant to it.

    The module is a `Recurrent`, or any that has one somewhere in it and is called like one: module(input, state) ->
    (output (t, B, …), state), with reset= where a window has resets. The state is a tensor, or tuples, lists and
    mappings of tensors within each other; None before the first step. It is `state`, to save or to set.

    One Carry goes with one sequence: let validation have its own.

    Args:
        module: The layer or model.
        batch_first: Whether its input and output are (B, t, …); None asks the module.

    Raises:
        ValueError: A layer of it is bidirectional.

    Examples:
        >>> carry = Carry(Recurrent("gru", 3, 4))
        >>> [carry(w).shape for w in windows(torch.randn(5, 2, 3), window=3)]
        [torch.Size([3, 2, 4]), torch.Size([2, 2, 4])]
        >>> carry.state.requires_grad
        False

    """

    def __init__(self, module: nn.Module, *, batch_first: bool | None = None) -> None:
        for name, inner in module.named_modules():
            if isinstance(inner, Recurrent | nn.RNNBase) and inner.bidirectional:
                raise ValueError(
                    f"Carry: {name or type(inner).__name__} is bidirectional, and its reverse direction would need the "
                    "state after a window that is yet to come; expected bidirectional=False"
                )
        self.module = module
        self.state: Any = None
        self._dim = int(getattr(module, "batch_first", False) if batch_first is None else batch_first)

    def __call__(self, window: Window, input: Tensor | None = None) -> Tensor:
        """The module's output for a window (t, B, …); `input`, say its embedding, stands in for the window's own."""
        if window.first:
            self.state = None
        given, ahead = window.input if input is None else input, window.ahead
        steps = given.shape[self._dim]
        output: Tensor
        output, state = self._run(given, window.reset, 0, ahead, self.state)
        self.state = detached(state)
        if ahead == steps:
            return output
        later: Tensor = self._run(given, window.reset, ahead, steps, state)[0]
        return torch.cat([output, later], self._dim) if ahead else later

    def _run(self, input: Tensor, reset: Tensor | None, start: int, end: int, state: Any) -> tuple[Any, Any]:
        if start == end:
            return None, state
        resets = {} if reset is None else {"reset": reset.narrow(self._dim, start, end - start)}
        return self.module(input.narrow(self._dim, start, end - start), state, **resets)  # type: ignore[no-any-return]


def detached(state: Any) -> Any:
    """The same numbers as constants.

    Args:
        state: A tensor, or tensors in tuples, lists and mappings, however deep.

    Returns:
        What holds it, holding detached tensors; whatever is none of these as it is.

    Examples:
        >>> detached((torch.zeros(1, requires_grad=True), None))
        (tensor([0.]), None)

    """
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, Mapping):
        return {name: detached(value) for name, value in state.items()}
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return type(state)(*map(detached, state))
    if isinstance(state, tuple | list):
        return type(state)(map(detached, state))
    return state


def _starts(documents: Sequence[Tensor], stream: Tensor) -> Tensor:
    """(N,) True at the first token of each document."""
    starts = torch.zeros(len(stream), dtype=torch.bool, device=stream.device)
    starts[[0, *accumulate(len(d) for d in documents[:-1])]] = True
    return starts
