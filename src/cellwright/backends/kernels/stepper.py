"""One step of a call, again and again."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels.binding import addresses
from cellwright.backends.kernels.forward import prepare


class Stepper:
    """A layer in one direction, a step at a time: its weights packed once, its states and words where they are.

    `call` is a step without resets or letters that kernels compute; the first step begins from its state, and none
    reads its rows.
    """

    def __init__(self, call: Call) -> None:
        self._input = call.rows.new_empty(len(call.rows), _features(call))
        # The panels are made now, and not at each step.
        bound = prepare(replace(call, rows=self._input, packed={} if call.packed is None else call.packed), saves=False)
        self._tensors = bound.tensors
        self._state = [torch.clone(s, memory_format=torch.contiguous_format) for s in call.state]
        for name, state in zip(call.cell.states, self._state, strict=True):  # a step begins where the last one ended
            self._tensors.update(dict.fromkeys((f"begin.{name}", f"final.{name}"), state))
        self._run = bound.frame.bind(bound.batch(), addresses(bound.tensors))

    @property
    def shape(self) -> torch.Size:
        """(B, I), that of a step's input."""
        return self._input.shape

    @property
    def state(self) -> list[Tensor]:
        """(B, ·) each, as it is now."""
        return [state[0].clone() for state in self._state]

    def step(self, rows: Tensor) -> Tensor:
        """(B, I) -> (B, P), which the next step overwrites."""
        self._input.copy_(rows)
        self._run.run()
        return self._tensors["y"]


def _features(call: Call) -> int:
    """I."""
    matrix = call.weights[0].input
    return 0 if matrix is None else matrix.shape[1]
