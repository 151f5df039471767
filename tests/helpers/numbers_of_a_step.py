"""Numbers for the inputs of a step, and the step on them: in torch, and under the names of a program's inputs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellwright.cells import Definition
from drawing import ABOVE_ZERO

ROWS, UNITS = 3, 4


class Numbers:
    """Random inputs of a cell's step, (ROWS, UNITS) in double precision, each a leaf that a gradient may flow into."""

    def __init__(self, cell: Definition, seed: int = 0) -> None:
        self.cell = cell
        self._generator = torch.Generator().manual_seed(seed)
        self.named: dict[str, Tensor] = {}
        self.x = cell.Inputs(*(self._draw(f"x.{g}") for g in (*cell.projections, *cell.inputs)))
        self._within = {g: k for k, one in enumerate(cell.trace.products) for g in one.projections}
        self._multiplied: dict[str, Tensor] = {}
        self.u = cell.Projections(*(self._product(g) for g in cell.projections))
        self.s = cell.States(*(self._draw(f"s.{s}", low=0.3 if s in ABOVE_ZERO else -1.5) for s in cell.states))
        self.p = SimpleNamespace(**{name: self._parameter(name) for name in (*cell.parameters, *cell.given)})
        self.m = SimpleNamespace(**{name: self._draw(f"m.{name}", low=0.0) for name in cell.masks})

    def _draw(self, name: str, *, low: float = -1.5, rows: int = ROWS) -> Tensor:
        values = torch.rand(rows, UNITS, generator=self._generator, dtype=torch.float64) * (1.5 - low) + low
        self.named[name] = values.requires_grad_()
        return self.named[name]

    def _product(self, letter: str) -> Any:
        """A value; of a letter that multiplies within the step what takes a value of it, and has one whatever that is.

        So a program sees it: what it multiplies is an output, and what comes of it an input.
        """
        value = self._draw(f"u.{letter}")
        if letter not in self._within:
            return value

        def multiply(operand: Tensor) -> Tensor:
            self._multiplied[f"operand.{self._within[letter]}"] = operand
            return value

        return multiply

    def _parameter(self, name: str) -> Any:
        if name in self.cell.given:
            return self._draw(f"p.{name}", low=0.1)  # gr4j has powers of quotients by them
        if self.cell.per_unit(name):
            return self._draw(f"p.{name}", rows=1)
        return self.cell.Projections(*(self._draw(f"p.{name}.{g}", rows=1) for g in self.cell.projections))

    def step(self) -> dict[str, Tensor]:
        """The new states and outputs by the name of a program's outputs, from the step itself."""
        new = self.cell.new_state(self.x, self.u, self.s, self.p, self.m)
        values = {
            f"{'state' if n in self.cell.states else 'out'}.{n}": getattr(new, n) for n in self.cell.trace.results
        }
        return values | {name: self._multiplied[name] for name in sorted(self._multiplied)}

    @property
    def _results(self) -> list[str]:
        return [*self.cell.trace.results, *(f"operand.{k}" for k in range(len(self.cell.trace.products)))]

    def arrays(self) -> dict[str, np.ndarray]:
        """The inputs, as numpy knows them."""
        return {name: value.detach().numpy() for name, value in self.named.items()}

    def cotangents(self) -> dict[str, np.ndarray]:
        """Random cotangents of the new states and outputs."""
        generator = np.random.default_rng(9)
        return {f"d.{name}": generator.normal(size=(ROWS, UNITS)) for name in self._results}

    def gradients(self) -> dict[str, np.ndarray]:
        """The cotangent of every input, from torch.autograd of the step."""
        new, given = self.step(), self.cotangents()
        outputs = [torch.from_numpy(given[f"d.{name}"]) for name in self._results]
        found = torch.autograd.grad(list(new.values()), list(self.named.values()), outputs, materialize_grads=True)
        return {name: value.numpy() for name, value in zip(self.named, found, strict=True)}
