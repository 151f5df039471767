"""A call's kernels bound once, for the same call on other numbers: what a frozen layer's small calls are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from cellwright.backends.call import Call
from cellwright.backends.kernels.forward import prepare


class Prepared:
    """The layers of a stack on whole sequences of one shape: their words, and memory for all that they read and write.

    `calls` are those of the layers from the lowest on, all on the rows of the first, as kernels compute them. It is run
    by one thread at a time.

    input   (N, I), to be written before a run
    memory  that of `begin`, which may be set to zero at once
    begin   one (L·D, threads, 2, B, ·) a state, to be written before a run: the same for all threads, and twice
    output  (N', D·P) after a run
    final   one (L·D, B, ·) a state, after a run
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self.input = rows = torch.empty_like(calls[0].rows)
        self._launches = []
        for call in calls:
            rows, launch = prepare(replace(call, rows=rows), saves=False)
            self._launches.append(launch)
        self.output = rows
        first = calls[0]
        self.begin, self.final = list[Tensor](), list[Tensor]()
        every = [d.tensors for launch in self._launches for d in launch.every]
        names = [f"state.{name}" for name in first.cell.states]
        sizes = [sum(tensors[name].numel() for tensors in every) for name in names]
        self.memory = rows.new_zeros(sum(sizes))
        rest = iter(torch.split(self.memory, sizes))
        for name, state in zip(first.cell.states, first.state, strict=True):
            begin, final = self._gathered(name, next(rest))
            self.begin.append(begin[..., : state.shape[2]])
            self.final.append(final[..., : state.shape[2]])

    def _gathered(self, name: str, memory: Tensor) -> tuple[Tensor, Tensor]:
        """A buffer in `memory` for where a state begins in all layers, and one for its ends: the launches' from now."""
        first = self._launches[0]
        rows, width = first.every[0].tensors[f"final.{name}"].shape
        directions, parts = len(first.directions), first.binding.parts
        of_all = len(self._launches) * directions
        begin, final = memory.view(of_all, parts, 2, rows, width), memory.new_zeros(parts, of_all, rows, width)
        for number, (launch, d) in enumerate(product(self._launches, range(directions))):
            for part in range(parts):
                launch.place(part * directions + d, f"state.{name}", begin[number, part].flatten(0, 1))
                launch.place(part * directions + d, f"final.{name}", final[part, number])
        return begin, final[0]

    def run(self) -> None:
        """Compute the output and the final states."""
        for launch in self._launches:
            launch.run()
