"""A cell's kernels for one floating type: compiled when first asked for, called with addresses."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.typing import NDArray

from cellwright.cells.definition import Definition
from cellwright.compiler import loops, rows
from cellwright.compiler.arguments import HEADER, ITEM, Block
from cellwright.compiler.build import compile_module
from cellwright.compiler.plan import training
from cellwright.compiler.program import Program, forward
from cellwright.compiler.target import host
from cellwright.compiler.threads import pool
from cellwright.compiler.tile import Tile, shape


class Loop:
    """One compiled loop: what it reads and writes by name, and how to run it."""

    def __init__(self, block: Block, program: Program, slots: int, entry: Any) -> None:
        self.block = block
        self.program = program
        self.slots = slots  # values a unit in a gate row
        self.spill = len(rows.spilled(program))
        self.saved_rows = sum(name.startswith("row.") for name in [*program.outputs, *program.inputs()])
        self._entry = entry
        self._call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(entry)

    def run(self, directions: Sequence[Mapping[str, int]], items: Sequence[dict[str, int]], threads: int) -> None:
        """Run the items, each a share of the direction whose number stands under "direction", on up to `threads` threads."""
        words = self.block.pack(directions)
        shares = ITEM.pack([item | {"direction": words[item["direction"]].ctypes.data} for item in items])
        workers = pool() if threads > 1 and len(items) > 1 else None
        count = min(threads, len(items)) if workers else 1
        header = {"items": shares.ctypes.data, "count": len(items), "threads": count, "identify": 0}
        if workers is None:
            self._call(HEADER.pack([header]).ctypes.data)
        else:
            header["identify"] = workers.identify
            workers.run(self._entry, HEADER.pack([header]).ctypes.data, count)


class Kernel:
    """The loops of one cell for "float32" or "float64".

    layout      where the projections stand
    padded(H)   hidden units rounded up to whole registers
    """

    def __init__(self, cell: Definition, dtype: str, register_bytes: int | None = None) -> None:
        self.cell = cell
        self.target = host(register_bytes)
        self.tile: Tile = shape(self.target, dtype)
        self.plan = training(cell)
        self.layout = loops.layout(cell, self.plan.backward)
        self.own = loops.own_parameters(self.plan.backward)
        self._recorded = {**cell.trace.letters, **cell.trace.states}
        self._loops: dict[Any, Loop] = {}

    @property
    def letters(self) -> tuple[str, ...]:
        """What a recording writes down: the letters of the equations and the states after the step."""
        return tuple(self._recorded)

    def padded(self, hidden: int) -> int:
        """The hidden units rounded up to whole registers."""
        width = self.tile.lanes.width
        return -(-hidden // width) * width

    def forward(self, saves: bool, letters: tuple[str, ...] = ()) -> Loop:
        """The forward loop; `saves` keeps what the backward loop reads, `letters` are written beside the outputs."""
        key = ("forward", saves, letters)
        if key not in self._loops:
            program = self.plan.forward.copy() if saves else forward(self.cell)
            known: dict[int, int] = {}
            program.outputs |= {f"letter.{name}": program.add(self._recorded[name], known) for name in letters}
            slots = max(len(self.layout.inputs), self.plan.saved if saves else 0)
            block = loops.direction_block(self.cell, program, letters)

            def define(module: Any) -> Any:
                return loops.define_forward(module, self.cell, self.tile, program, self.layout, slots, saves, block)

            self._loops[key] = Loop(block, program, slots, self._compile(define))
        return self._loops[key]

    def backward(self) -> Loop:
        """The backward loop; its gate rows are those of `forward(saves=True)`."""
        if "backward" not in self._loops:
            program = self.plan.backward
            slots = self.forward(saves=True).slots
            block = loops.direction_block(self.cell, program)

            def define(module: Any) -> Any:
                return loops.define_backward(module, self.cell, self.tile, program, self.layout, slots, block)

            self._loops["backward"] = Loop(block, program, slots, self._compile(define))
        return self._loops["backward"]

    def _compile(self, define: Any) -> int:
        module = ir.Module("cellwright")
        loops.define_entry(module, define(module))
        return int(compile_module(str(module), self.target).get_function_address("entry"))


@functools.cache
def kernel(cell: Definition, dtype: str, register_bytes: int | None = None) -> Kernel:
    """The kernels of a cell for a type, made once a process."""
    return Kernel(cell, dtype, register_bytes)


def shares(lengths: NDArray[np.int64], count: int) -> list[tuple[int, int]]:
    """Cut sequences in falling length into up to `count` runs of about as many steps each; none is empty."""
    ends = np.concatenate([[0], np.cumsum(lengths)])
    cuts = np.searchsorted(ends, ends[-1] * np.arange(1, count) / count)
    edges = sorted({0, *(int(c) for c in cuts), len(lengths)})
    return list(zip(edges[:-1], edges[1:], strict=True))
