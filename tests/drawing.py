"""Random cases of any cell: every weight different, states that are not zero, ragged lengths, double precision."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from cellwright.backends import reference
from cellwright.backends.reference import Weights
from cellwright.cells import Definition
from cellwright.cells.definition import PER_SEQUENCE


@dataclass
class Case:
    """The arguments of `reference.run`, and the lengths of the sequences, falling."""

    cell: Definition
    lengths: tuple[int, ...]
    rows: Tensor
    state: list[Tensor]
    weights: Weights
    streams: dict[str, Tensor] = field(default_factory=dict)

    @property
    def batch_sizes(self) -> list[int]:
        return [sum(length > t for length in self.lengths) for t in range(max(self.lengths))]

    def run(self, **options: Any) -> reference.Output:
        return reference.run(
            self.cell, self.rows, self.batch_sizes, self.state, self.weights, streams=self.streams, **options
        )

    def of_sequence(self, values: Tensor, b: int) -> Tensor:
        """The rows of one sequence, in time, out of packed ones."""
        starts = [sum(self.batch_sizes[:t]) for t in range(self.lengths[b])]
        return values[[start + b for start in starts]] if starts else values[:0]


def draw(
    cell: Definition, lengths: tuple[int, ...] = (4, 3, 3, 1, 0), inputs: int = 2, hidden: int = 5, seed: int = 0
) -> Case:
    """A random case of `cell`."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int, low: float = -1.2, high: float = 1.2) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64) * (high - low) + low

    batch, steps, rows = len(lengths), sum(lengths), len(cell.projections) * hidden
    biases = (uniform(rows), uniform(rows)) if cell.bias else (None, None)
    own = {name: uniform(hidden if cell.per_unit(name) else rows) for name in cell.parameters}
    weights = Weights(uniform(rows, inputs), uniform(rows, hidden), *biases, own=own)
    # slstm's normaliser n is a sum of exponentials.
    state = [uniform(batch, hidden, low=0.3) if name == "n" else uniform(batch, hidden) for name in cell.states]
    streams = {
        name: uniform(batch if often == PER_SEQUENCE else steps, hidden, low=0.0)
        for name, often in cell.streams.items()
    }
    return Case(cell, lengths, uniform(steps, inputs, low=-2, high=2), state, weights, streams)


def exchange(case: Case, first: int, second: int) -> Case:
    """The same case with the weights of two projections exchanged."""
    order = list(range(len(case.cell.projections)))
    order[first], order[second] = order[second], order[first]

    def moved(values: Tensor | None) -> Tensor | None:
        return None if values is None else torch.cat([values.chunk(len(order))[k] for k in order])

    w = case.weights
    own = {name: value if case.cell.per_unit(name) else moved(value) for name, value in w.own.items()}
    exchanged = Weights(moved(w.input), moved(w.recurrent), moved(w.input_bias), moved(w.recurrent_bias), own=own)
    return replace(case, weights=exchanged)
