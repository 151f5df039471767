"""One step of a call, again and again."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels.forward import prepare


class Stepper:
    """A layer in one direction, a step at a time: its weights packed once, its states and words where they are.

    `call` is a step without resets or letters that kernels compute; the first step begins from its state, and none
    reads its rows.
    """

    def __init__(self, call: Call) -> None:
        self._input = call.rows.new_empty(len(call.rows), _features(call))
        self._output, self._launch = prepare(replace(call, rows=self._input), saves=False)
        self._sizes = [s.shape[2] for s in call.state]
        names = call.cell.states
        every = self._launch.every  # one, or one for each thread
        self._before = [d.tensors[f"state.{name}"][: len(call.rows)] for d in every for name in names]
        self._after = [d.tensors[f"final.{name}"] for d in every for name in names]

    @property
    def shape(self) -> torch.Size:
        """(B, I), that of a step's input."""
        return self._input.shape

    @property
    def state(self) -> list[Tensor]:
        """(B, ·) each, as it is now."""
        first = self._before[: len(self._sizes)]  # every thread has the same
        return [s[:, :size].clone() for s, size in zip(first, self._sizes, strict=True)]

    def step(self, rows: Tensor) -> Tensor:
        """(B, I) -> (B, P), which the next step overwrites."""
        self._input.copy_(rows)
        self._launch.run()
        for before, after in zip(self._before, self._after, strict=True):
            before.copy_(after)
        return self._output


def _features(call: Call) -> int:
    """I."""
    matrix = call.weights[0].input
    return 0 if matrix is None else matrix.shape[1]
