"""Random cases of any cell: every weight different, states that are not zero, ragged lengths, double precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cellwright.backends import reference
from cellwright.backends.call import Call, Weights
from cellwright.cells import Definition
from cellwright.cells.definition import PER_SEQUENCE


class Direction(NamedTuple):
    """What a direction gives: rows (S, P), states (B, ·), letters (S, ·)."""

    rows: Tensor
    state: Any
    letters: dict[str, Tensor]


def run_direction(
    cell: Definition,
    rows: Tensor,
    batch_sizes: Sequence[int],
    state: Sequence[Tensor],
    weights: Weights,
    *,
    reverse: bool = False,
    reset: Tensor | None = None,
    fresh: Sequence[Tensor] | None = None,
    streams: Mapping[str, Tensor] | None = None,
    record: bool = False,
) -> Direction:
    """The reference of one direction, from states (B, ·); a call of both has the same in each."""
    d = int(reverse)
    call = Call(
        cell,
        rows,
        batch_sizes,
        [torch.stack([s] * (d + 1)) for s in state],
        [weights] * (d + 1),
        resets=None if reset is None else [reset] * (d + 1),
        fresh=None if fresh is None else [torch.stack([f] * (d + 1)) for f in fresh],
        streams=[streams] * (d + 1) if streams else None,
        record=record,
    )
    return Direction(*reference.run_direction(call, d))


@dataclass
class Case:
    """The arguments of `run_direction`, and the lengths of the sequences, falling."""

    cell: Definition
    lengths: tuple[int, ...]
    rows: Tensor
    state: list[Tensor]
    weights: Weights
    streams: dict[str, Tensor] = field(default_factory=dict)

    @property
    def batch_sizes(self) -> list[int]:
        return [sum(length > t for length in self.lengths) for t in range(max(self.lengths))]

    def run(self, **options: Any) -> Direction:
        return run_direction(
            self.cell, self.rows, self.batch_sizes, self.state, self.weights, streams=self.streams, **options
        )

    def of_sequence(self, values: Tensor, b: int) -> Tensor:
        """The rows of one sequence, in time, out of packed ones."""
        starts = [sum(self.batch_sizes[:t]) for t in range(self.lengths[b])]
        return values[[start + b for start in starts]] if starts else values[:0]


# The streams that are one number for all units, by name.
OF_ALL_UNITS = ("x.rain", "p.rate")
# The states that are never below 0: slstm's normaliser is a sum of exponentials, gr4j's stores hold water.
ABOVE_ZERO = ("n", "production", "routing")
# The streams that are what such a store can hold: about as much as it holds, whose quotient has a high power.
CAPACITIES = ("p.x1", "p.x3")


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
    matrices = uniform(rows, inputs), uniform(rows, hidden)
    if not cell.multiplies_input:
        inputs = 0
    there = (cell.multiplies_input, cell.multiplies_state) * 2
    given = [value if one else None for one, value in zip(there, (*matrices, *biases), strict=True)]
    weights = Weights(*given, extra_parameters=own)  # type: ignore[arg-type,misc]
    state = [uniform(batch, hidden, low=0.3 if name in ABOVE_ZERO else -1.2) for name in cell.states]
    streams = {
        name: uniform(
            batch if often == PER_SEQUENCE else steps,
            1 if name in OF_ALL_UNITS else hidden,
            low=0.8 if name in CAPACITIES else 0.0,
        )
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
    own = {name: value if case.cell.per_unit(name) else moved(value) for name, value in w.extra_parameters.items()}
    matrices = (moved(w.input), moved(w.recurrent), moved(w.input_bias), moved(w.recurrent_bias))
    return replace(case, weights=Weights(*matrices, extra_parameters=own))
