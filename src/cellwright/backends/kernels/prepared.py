"""A call's kernels bound once, for the same call on other numbers: what a frozen layer's small calls are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels.binding import addresses
from cellwright.backends.kernels.forward import prepare


class Prepared:
    """The layers of a stack on whole sequences of one shape: their words, and memory for all that they read and write.

    `calls` are those of the layers from the lowest on, all on the rows of the first, as kernels compute them. It is run
    by one thread at a time.

    input   (N, I), to be written before a run
    memory  that of `begin`, which may be set to zero at once
    begin   one (L·D, B, ·) a state, to be written before a run
    output  (N', D·P) after a run
    final   one (L·D, B, ·) a state, after a run
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self.input = rows = torch.empty_like(calls[0].rows)
        names, state, layers = calls[0].cell.states, calls[0].state, len(calls)
        shapes = [(layers * len(s), *s.shape[1:]) for s in state]
        sizes = [layers * s.numel() for s in state]
        self.memory = rows.new_zeros(sum(sizes))
        parts = torch.split(self.memory, sizes)
        self.begin = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
        self.final = [torch.zeros_like(begin) for begin in self.begin]
        self._held: list[Tensor] = []
        self._runs = []
        for k, call in enumerate(calls):
            bound = prepare(replace(call, rows=rows), saves=False)
            for name, begin, final in zip(names, self.begin, self.final, strict=True):
                here = slice(k * len(call.weights), (k + 1) * len(call.weights))
                bound.tensors.update({f"begin.{name}": begin[here], f"final.{name}": final[here]})
            self._held += bound.tensors.values()
            self._runs.append(bound.frame.bind(bound.batch(), addresses(bound.tensors)))
            rows = bound.tensors["y"]
        self.output = rows

    def run(self) -> None:
        """Compute the output and the final states."""
        for run in self._runs:
            run.run()
