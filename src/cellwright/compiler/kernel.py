"""A cell's kernels for one floating type: compiled when first asked for, called with addresses."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from llvmlite import ir

from cellwright.cells.definition import Definition
from cellwright.compiler.codegen import gemm, pointwise
from cellwright.compiler.codegen.arguments import ITEM
from cellwright.compiler.codegen.backward import define_backward
from cellwright.compiler.codegen.bfloat16_tile import Bfloat16Tile
from cellwright.compiler.codegen.entry import define_entry
from cellwright.compiler.codegen.forward import define_forward
from cellwright.compiler.codegen.gate_layout import LoopSpec, gate_layout, with_saved_placed
from cellwright.compiler.codegen.gemm import INPUTS, ROWS, WEIGHTS
from cellwright.compiler.codegen.microkernel import Tile
from cellwright.compiler.codegen.pack import PACK, define_pack, define_transposes
from cellwright.compiler.codegen.strips import Strips
from cellwright.compiler.codegen.tiles import tile_of
from cellwright.compiler.codegen.transposed_rows import TransposedRows
from cellwright.compiler.ir.halves import halves
from cellwright.compiler.ir.program import Program, forward
from cellwright.compiler.ir.remat import training
from cellwright.compiler.ir.replay import replay
from cellwright.compiler.runtime.jit import load_module
from cellwright.compiler.runtime.parallel_for import Entry
from cellwright.compiler.target import Target, host
from cellwright.compiler.units import microkernel


class Loop:
    """One compiled loop: its step, its LLVM IR on request, the words of its directions, and what runs it."""

    def __init__(self, step: LoopSpec, entry: Entry, ir: Callable[[], str]) -> None:
        self.step, self.entry, self.ir = step, entry, ir
        self.block = step.block()
        self.spill = max(len(pointwise.spilled(part.program)) for part in step.phases)


class Kernel:
    """The loops of one cell for "float32" or "float64", and an arithmetic of float32's products.

    `wanted` are the streams of which a training step gives gradients.
    """

    def __init__(
        self, cell: Definition, dtype: str, tile: Tile, target: Target, wanted: frozenset[str] = frozenset()
    ) -> None:
        self.cell, self.dtype = cell, dtype
        self.target, self.tile = target, tile
        self._recorded = {**cell.trace.letters, **cell.trace.states}
        plan = training(cell, wanted)
        self.layout = gate_layout(cell, plan.backward)
        self.plan = with_saved_placed(plan, self.layout, self._recording(plan.forward, self.letters))
        self._halves = halves(cell, self.plan) if tile.halves else {}
        self._replay = replay(cell, self.plan, self._halves)
        self._forward: dict[tuple[bool, bool, tuple[str, ...], frozenset[str], int], Loop] = {}
        self._backward: dict[tuple[bool, frozenset[str], int], Loop] = {}

    @property
    def letters(self) -> tuple[str, ...]:
        """What a recording writes down: the letters of the equations and the states after the step."""
        return tuple(self._recorded)

    def kept(self, projects: bool) -> tuple[list[str], list[str]]:
        """What a backward pass reads in 16 and in 32 bits: letters, states, inputs, or saved.k of none."""
        program, names = self._recording(self.plan.forward, self.letters), dict[str, str]()
        letters = {program.outputs[f"letter.{name}"]: name for name in reversed(self.letters)}
        for name, index in program.outputs.items():
            if name.startswith("saved."):
                names[name] = letters.get(index) or program.nodes[index].name or name
        names |= {f"s.{state}": state for state in self.cell.states}
        found = self.halves(projects)
        half = dict.fromkeys(called for name, called in names.items() if name in found)
        return [*half], [*dict.fromkeys(called for name, called in names.items() if name not in found)]

    @functools.cached_property
    def splits(self) -> bool:
        """Whether threads may share the sequences of a training step that projects nothing (`LoopSpec.splits`)."""
        programs = self.plan.forward, self.plan.backward
        return all(LoopSpec(self.cell, program, self.layout, 0).splits for program in programs)

    def round_to_registers(self, hidden: int) -> int:
        """The hidden units rounded up to whole registers."""
        width = self.tile.lanes.width
        return -(-hidden // width) * width

    def round_to_panels(self, columns: int) -> int:
        """Columns rounded up to whole panels."""
        return -(-columns // self.tile.columns) * self.tile.columns

    def forward(
        self,
        *,
        saves: bool,
        projects: bool = False,
        letters: tuple[str, ...] = (),
        scalars: frozenset[str] = frozenset(),
        heads: int = 1,
    ) -> Loop:
        """The forward loop; `saves` keeps what the backward loop reads, `letters` are written beside the outputs.

        `scalars` are the streams that are one number for all units, `heads` parts of the units that U keeps apart.
        """
        key = (saves, projects, letters, scalars, heads)
        if key not in self._forward:  # looked up before the step is made, which takes longer than a step of inference
            self._forward[key] = self._compiled(define_forward, self._forward_step(*key))
        return self._forward[key]

    def backward(self, *, projects: bool = False, scalars: frozenset[str] = frozenset(), heads: int = 1) -> Loop:
        """The backward loop; its gate rows are those of the forward loop that saves."""
        key = (projects, scalars, heads)
        if key not in self._backward:
            kept = self.halves(projects)
            slots = self._slots(kept)
            step = LoopSpec(self.cell, self.plan.backward, self.layout, slots, True, projects, (), scalars, heads, kept)
            step = replace(step, replay=self._replay)
            self._backward[key] = self._compiled(define_backward, step)
        return self._backward[key]

    def saving_step(self, projects: bool) -> LoopSpec:
        """The step of the forward loop that saves, without its code: all that says what is kept where."""
        return self._forward_step(True, projects, (), frozenset(), 1)

    def halves(self, projects: bool) -> dict[str, bool]:
        """What a step keeps in 16 bits; a state that is projected has rows of another width, and stays as it is."""
        return {name: share for name, share in self._halves.items() if not (projects and name.startswith("s."))}

    def _forward_step(
        self, saves: bool, projects: bool, letters: tuple[str, ...], scalars: frozenset[str], heads: int
    ) -> LoopSpec:
        program = self._recording(self.plan.forward if saves else forward(self.cell), letters)
        kept = self.halves(projects) if saves else {}
        slots = self._slots(kept) if saves else len(self.layout.inputs)
        step = LoopSpec(self.cell, program, self.layout, slots, saves, projects, letters, scalars, heads, kept)
        return replace(step, replay=self._replay) if saves else step

    def _slots(self, kept: Mapping[str, bool]) -> int:
        """The slots of a row of gates of a step that saves."""
        return len(self.layout.inputs) if kept else max(len(self.layout.inputs), self.plan.slots)

    def _recording(self, program: Program, letters: Sequence[str]) -> Program:
        """A forward program that also writes down letters."""
        recording, known = program.copy(), dict[int, int]()
        recording.outputs |= {f"letter.{name}": recording.add(self._recorded[name], known) for name in letters}
        return recording

    def _compiled(self, define: Callable[[ir.Module, Tile, LoopSpec], ir.Function], step: LoopSpec) -> Loop:
        def text() -> str:
            module = ir.Module("cellwright")
            define_entry(module, define(module, self.tile, step), "entry", ITEM)
            return str(module)

        engine = load_module(f"{define.__name__} {self.tile} {step.recipe()}", text, self.target)
        return Loop(step, Entry(engine, "entry"), text)


def weights_item(tile: Tile) -> type[gemm.WeightsItem]:
    """How the products that give weights copy and multiply."""
    return TransposedRows if isinstance(tile, Bfloat16Tile) else Strips


class Products:
    """The packing of weights, and the products over all rows that end a stretch of a backward pass; they know no cell.

    `halves` says that cotangents are in 16 bits.
    """

    def __init__(self, target: Target, tile: Tile, halves: bool) -> None:
        def text() -> str:
            module = ir.Module("cellwright")
            define_entry(module, gemm.define_weights(module, tile, weights_item(tile), halves), "for_weights", WEIGHTS)
            define_entry(module, gemm.define_inputs(module, tile, halves), "for_inputs", INPUTS)
            define_entry(module, define_pack(module, tile), "for_packing", PACK)
            define_entry(module, define_transposes(module, tile), "for_transposes", PACK)
            define_entry(module, gemm.define_rows(module, tile.lanes), "for_rows", ROWS)
            return str(module)

        engine = load_module(f"products {tile} {halves}", text, target)
        self.for_packing = Entry(engine, "for_packing")
        self.for_transposes = Entry(engine, "for_transposes")
        self.for_weights = Entry(engine, "for_weights")
        self.for_inputs = Entry(engine, "for_inputs")
        self.for_rows = Entry(engine, "for_rows")


@functools.cache
def products(target: Target, tile: Tile, halves: bool = False) -> Products:
    """The products for a processor and a type, made once a process; of cotangents in 16 bits where `halves` says so."""
    return Products(target, tile, halves)


def kernel(
    cell: Definition,
    dtype: str,
    arithmetic: str = "float32",
    register_bytes: int | None = None,
    wanted: frozenset[str] = frozenset(),
) -> Kernel:
    """The kernels of a cell for a type and an arithmetic, by what now multiplies in it; made once a process."""
    return _kernel(cell, dtype, arithmetic, microkernel(arithmetic).name, register_bytes, wanted)


@functools.cache
def _kernel(
    cell: Definition, dtype: str, arithmetic: str, unit: str, register_bytes: int | None, wanted: frozenset[str]
) -> Kernel:
    target = host(register_bytes)
    return Kernel(cell, dtype, tile_of(target, dtype, arithmetic, unit), target, wanted)
