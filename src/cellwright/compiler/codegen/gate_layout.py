"""Where the projections of a cell stand in its rows, and what a loop is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cellwright.cells.definition import Definition
from cellwright.compiler.codegen.arguments import COMMON, Struct
from cellwright.compiler.ir.program import Program


@dataclass(frozen=True)
class GateLayout:
    """The order of the projections.

    inputs     the letters of x, in the order of their slots in a gate row
    recurrent  the letters of u, in the order of their columns in a product
    columns    backward: the slot of each cotangent, "x.i" and so on; where x and u only meet as a sum they share one.
               x's slots are one run from 0, u's one run from `recurrent_start`.
    """

    inputs: tuple[str, ...]
    recurrent: tuple[str, ...]
    columns: dict[str, int]
    recurrent_start: int

    @property
    def width(self) -> int:
        """How many slots a row of cotangents has."""
        return 1 + max(self.columns.values(), default=-1)


def gate_layout(cell: Definition, backward: Program) -> GateLayout:
    """x alone, then x and u as a sum, then u alone: so that x's columns and u's are each one run."""
    at_x = {g: backward.outputs.get(f"x.{g}") for g in cell.projections}
    at_u = {g: backward.outputs.get(f"u.{g}") for g in cell.projections}
    apart = [g for g in cell.projections if at_x[g] is not None and at_x[g] != at_u[g]]
    shared = [g for g in cell.projections if at_x[g] is not None and at_x[g] == at_u[g]]
    alone = [g for g in cell.projections if at_u[g] is not None and at_x[g] != at_u[g]]
    columns = {f"x.{g}": k for k, g in enumerate(apart + shared)}
    columns |= {f"u.{g}": len(apart) + k for k, g in enumerate(shared + alone)}
    return GateLayout(tuple(apart + shared), tuple(shared + alone), columns, len(apart))


@dataclass(frozen=True)
class LoopSpec:
    """What a loop does at each step.

    program    the cell, or its derivative
    slots      values a unit in a row of gates
    saves      whether forward keeps what backward reads
    projects   whether the output is projected before it goes on (Sak, Senior and Beaufays 2014)
    letters    what is written down beside the outputs
    scalars    the streams that are one number for all units
    """

    cell: Definition
    program: Program
    places: GateLayout
    slots: int
    saves: bool = True
    projects: bool = False
    letters: Sequence[str] = ()
    scalars: frozenset[str] = frozenset()

    @cached_property
    def saved_rows(self) -> int:
        """How many numbers a row saves, or reads back."""
        return sum(name.startswith("row.") for name in [*self.program.outputs, *self.program.inputs()])

    @cached_property
    def own(self) -> list[str]:
        """The cell's own parameters whose cotangents a backward program gives, in the order of an item's sums."""
        return [name for name in self.program.outputs if name.startswith("p.") and name not in self.cell.streams]

    def recipe(self) -> str:
        """All that the loop's code is made from, as text; two steps of the same recipe have the same code."""
        cell = self.cell
        own = (cell.states, cell.results, cell.recurrent_state, sorted(cell.streams.items()), sorted(self.scalars))
        return repr((own, self.places, self.slots, self.saves, self.projects, self.letters, self.program.recipe()))

    def block(self) -> Struct:
        """The words of a direction: COMMON, then by name the states, parameters, streams, their cotangents, letters."""
        names = [f"{kind}.{s}" for s in self.cell.states for kind in ("state", "final", "carry", "fresh")]
        names += [n for n in self.program.inputs() if n.startswith("p.") or n in self.cell.streams]
        names += [f"grad.{n}" for n in self.program.outputs if n in self.cell.streams]
        return Struct(*COMMON, *names, *(f"letter.{name}" for name in self.letters))
