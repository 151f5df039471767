"""Where the projections of a cell stand in its rows, and what a loop is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from cellwright.cells.definition import Definition
from cellwright.compiler.codegen.arguments import COMMON, STATE_KINDS, Struct
from cellwright.compiler.ir.phases import Between, Phase, phases
from cellwright.compiler.ir.program import Program
from cellwright.compiler.ir.remat import Plan


class ProductLayout(NamedTuple):
    """A product within the step: the letters of u in the order of its columns, and the first of their cotangents."""

    letters: tuple[str, ...]
    start: int


@dataclass(frozen=True)
class GateLayout:
    """The order of the projections.

    inputs     the letters of x, in the order of their slots in a gate row
    recurrent  the letters of u that multiply the state before the step, in the order of their columns in that product
    columns    backward: the slot of each cotangent, "x.i" and so on; where x and u only meet as a sum they share one.
               x's slots are one run from 0, u's one run from `recurrent_start`, and those of each product within the
               step one run
    products   the products within the step, in the cell's order
    """

    inputs: tuple[str, ...]
    recurrent: tuple[str, ...]
    columns: dict[str, int]
    recurrent_start: int
    products: tuple[ProductLayout, ...] = ()

    @property
    def factors_of_u(self) -> dict[str, tuple[str, ...]]:
        """The letters of U's rows by the product that they are a factor of: "recurrent", "product.0", …"""
        found = {"recurrent": self.recurrent} if self.recurrent else {}
        return found | {f"product.{k}": product.letters for k, product in enumerate(self.products)}

    @property
    def width(self) -> int:
        """How many slots a row of cotangents has."""
        return 1 + max(self.columns.values(), default=-1)


def gate_layout(cell: Definition, backward: Program) -> GateLayout:
    """x alone, then x and u as a sum, then u alone: so that x's columns and u's are each one run.

    Between x alone and the sums stand those of products within the step, where all of a product's are sums.
    """
    at_x = {g: backward.outputs.get(f"x.{g}") for g in cell.projections}
    at_u = {g: backward.outputs.get(f"u.{g}") for g in cell.projections}
    meet = {g for g in cell.projections if at_x[g] is not None and at_x[g] == at_u[g]}
    within = [product.projections for product in cell.trace.products]
    sums = [g for letters in within if meet.issuperset(letters) for g in letters]
    others = [g for letters in within if not meet.issuperset(letters) for g in letters]
    meet -= set(others)
    apart = [g for g in cell.projections if at_x[g] is not None and g not in meet]
    shared = [g for g in cell.projections if g in meet and g not in sums]
    alone = [g for g in cell.projections if at_u[g] is not None and g not in (*meet, *others)]
    inputs, recurrent = (*apart, *sums, *shared), (*shared, *alone)
    columns = {f"x.{g}": k for k, g in enumerate(inputs)}
    start = len(apart) + len(sums)
    columns |= {f"u.{g}": columns[f"x.{g}"] for g in sums}
    columns |= {f"u.{g}": start + k for k, g in enumerate((*recurrent, *others))}
    products = tuple(ProductLayout(letters, columns[f"u.{letters[0]}"]) for letters in within)
    return GateLayout(inputs, recurrent, columns, start, products)


def _forward_phases(program: Program, places: GateLayout) -> tuple[Phase, ...]:
    """A forward program in the parts between its products."""
    return phases(
        program,
        [
            (k, Between((f"operand.{k}",), tuple(f"u.{g}" for g in product.letters)))
            for k, product in enumerate(places.products)
        ],
    )


def _backward_phases(program: Program, places: GateLayout) -> tuple[Phase, ...]:
    """A backward program in the parts between its products, which come the other way round."""
    products = [
        (k, Between(tuple(f"u.{g}" for g in product.letters), (f"d.operand.{k}",)))
        for k, product in enumerate(places.products)
    ]
    return phases(program, products[::-1], last=[name for name in program.outputs if name.startswith("s.")])


def with_saved_placed(plan: Plan, places: GateLayout, recorded: Program) -> Plan:
    """The plan with what is saved in slots of a gate row whose x no later part of the step reads.

    `recorded` is the forward program with all that a recording reads.
    """
    parts = _forward_phases(recorded, places)
    if len(parts) == 1:
        return plan
    needed = [set(part.program.inputs()) for part in parts]
    # Of an x that only its gradient reads, no part.
    until = [max((k for k in range(len(parts)) if f"x.{g}" in needed[k]), default=-1) for g in places.inputs]
    number = {name: k for k, part in enumerate(parts) for name in part.program.outputs if name.startswith("saved.")}
    free, names = list(range(len(until) + len(number))), dict[str, str]()
    for name, part in sorted(number.items(), key=lambda item: item[1]):
        slot = next(slot for slot in free if slot >= len(until) or until[slot] <= part)
        free.remove(slot)
        names[name] = f"saved.{slot}"
    slots = 1 + max((int(name.partition(".")[2]) for name in names.values()), default=-1)
    return replace(plan, forward=plan.forward.renamed(names), backward=plan.backward.renamed(names), slots=slots)


@dataclass(frozen=True)
class LoopSpec:
    """What a loop does at each step.

    program    the cell, or its derivative
    slots      values a unit in a row of gates
    saves      whether forward keeps what backward reads
    projects   whether the output is projected before it goes on (Sak, Senior and Beaufays 2014)
    letters    what is written down beside the outputs
    scalars    the streams that are one number for all units
    heads      parts of the units, each of which U lets see itself only
    halves     what is kept in 16 bits, and whether by its distance from 1 (`ir.halves`)
    replay     the step of those states that are kept before some steps only (`ir.replay`)

    Without halves, what is saved takes the place of x in the rows of gates. With them it has rows of its own, of 16 and
    of 32 bits a number; those of gates are then an item's own, as in inference.
    """

    cell: Definition
    program: Program
    places: GateLayout
    slots: int
    saves: bool = True
    projects: bool = False
    letters: Sequence[str] = ()
    scalars: frozenset[str] = frozenset()
    heads: int = 1
    halves: Mapping[str, bool] = field(default_factory=dict)
    replay: Program = field(default_factory=Program)

    @property
    def in_gates(self) -> bool:
        """Whether what is saved lies in the rows of gates."""
        return self.saves and not self.halves

    @cached_property
    def splits(self) -> bool:
        """Whether the threads that share an item of a training step can compute some of the units each."""
        joins = self.projects or self.places.products or self.program.reductions() or self.replay.reductions()
        return self.saves and not joins

    @cached_property
    def kept(self) -> tuple[dict[str, int], dict[str, int]]:
        """Where halves are: the slots of what is saved in 16 bits, and of what is in 32."""
        names = [n for n in (*self.program.outputs, *self.program.inputs()) if n.startswith("saved.")]
        names.sort(key=lambda name: int(name.removeprefix("saved.")))
        half = [name for name in names if name in self.halves]
        rest = [name for name in names if name not in self.halves]
        return {name: k for k, name in enumerate(half)}, {name: k for k, name in enumerate(rest)}

    def is_half(self, state: str) -> bool:
        """Whether a state before each step is kept in 16 bits."""
        return f"s.{state}" in self.halves

    @cached_property
    def replayed(self) -> tuple[str, ...]:
        """The states that are kept before some steps only."""
        return tuple(name.removeprefix("state.") for name in self.replay.outputs)

    @cached_property
    def back(self) -> bool:
        """Whether the program is a derivative."""
        return any(name.startswith("d.") for name in self.program.inputs())

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The program in the parts between its products within the step."""
        return (_backward_phases if self.back else _forward_phases)(self.program, self.places)

    @cached_property
    def saved_rows(self) -> int:
        """How many numbers a row saves, or reads back."""
        return sum(name.startswith("row.") for name in [*self.program.outputs, *self.program.inputs()])

    @cached_property
    def given(self) -> list[str]:
        """What the program reads beside x, u and states: the cell's own parameters, and what comes with the call."""
        return [name for name in self.program.inputs() if name.startswith("p.") or name in self.cell.streams]

    @cached_property
    def own(self) -> list[str]:
        """The cell's own parameters whose cotangents a backward program gives, in the order of an item's sums."""
        return [name for name in self.program.outputs if name.startswith("p.") and name not in self.cell.streams]

    def recipe(self) -> str:
        """All that the loop's code is made from, as text; two steps of the same recipe have the same code."""
        cell = self.cell
        own = (cell.states, cell.results, cell.recurrent_state, sorted(cell.streams.items()), sorted(self.scalars))
        kept = sorted(self.halves.items())
        loop = (self.places, self.slots, self.saves, self.projects, self.letters, self.heads, kept)
        return repr((own, *loop, self.program.recipe(), self.replay.recipe()))

    def block(self) -> Struct:
        """The words of a direction: COMMON, then by name the states, parameters, streams, their cotangents, letters."""
        names = [f"{kind}.{s}" for s in self.cell.states for kind in STATE_KINDS]
        names += self.given
        names += [f"grad.{n}" for n in self.program.outputs if n in self.cell.streams]
        kinds = ("operand.{}", "product.{}_panels", "product.{}_starts")
        names += [kind.format(k) for k in range(len(self.places.products)) for kind in kinds]
        return Struct(*COMMON, *names, *(f"letter.{name}" for name in self.letters))
