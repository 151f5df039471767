"""The way from a cell's equations to machine code, stage by stage, each of which can be looked at.

    for stage in STAGES:
        print(stage.name, stage.text(kernel(CELLS["lstm"], "float32")))

What each stage computes stands in the module that it names; this is the list of them, and how each is written down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cellwright.cells.formulas import equations
from cellwright.compiler.ir.autodiff import derivative
from cellwright.compiler.ir.program import forward
from cellwright.compiler.kernel import Kernel
from cellwright.compiler.runtime import jit


@dataclass(frozen=True)
class Stage:
    """One stage: its name, the file that makes it, what it is, and how it is written down for a kernel."""

    name: str
    module: str
    says: str
    text: Callable[[Kernel], str]


def saved(kernel: Kernel) -> str:
    """What the training step's forward program keeps for the backward one, a line each."""
    outputs = kernel.plan.forward.outputs
    lines = [line for line in str(kernel.plan.forward).splitlines() if line.startswith(("saved.", "row."))]
    values = sum(name.startswith("saved.") for name in outputs)
    again = kernel.saving_step(projects=False).replayed
    some = f", {' '.join(again)} before some steps only" if again else ""
    counts = (
        f"{values} numbers a unit, {kernel.plan.saved_rows} a row; the states before the step are kept anyway{some}"
    )
    return "\n".join([*lines, f"({counts})"])


def slots(kernel: Kernel) -> str:
    """Where the projections stand in a row of gates and in a product."""
    places = kernel.layout
    return "\n".join(
        [
            f"x W + b    {' '.join(places.inputs) or 'nothing'}",
            f"h U + b'   {' '.join(places.recurrent) or 'nothing'}",
            f"cotangents {' '.join(f'{name} at {slot}' for name, slot in places.columns.items())}",
        ]
    )


def ir(kernel: Kernel) -> str:
    """The LLVM IR of the loops of training and of inference, before LLVM's own passes."""
    return _of_each_loop(kernel, ";", lambda text: text)


def assembly(kernel: Kernel) -> str:
    """The same loops as assembly of the kernel's processor, after LLVM's passes."""
    return _of_each_loop(kernel, "#", lambda text: jit.assembly(text, kernel.target))


def _of_each_loop(kernel: Kernel, comment: str, written: Callable[[str], str]) -> str:
    loops = {
        "forward, training": kernel.forward(saves=True),
        "backward": kernel.backward(),
        "forward, inference": kernel.forward(saves=False),
    }
    head = f"{comment} {kernel.cell.name}, {kernel.dtype}, {kernel.target.cpu}"
    return "\n".join(f"{head}: {name}\n{written(loop.ir())}" for name, loop in loops.items())


STAGES = (
    Stage("equations", "cells/library/lstm.py", "the cell, as it is written down",
          lambda k: "\n".join(equations(k.cell))),
    Stage("program", "compiler/ir/program.py", "the step, traced: operations on earlier ones, equal ones once",
          lambda k: str(forward(k.cell))),
    Stage("derivative", "compiler/ir/autodiff.py", "the step and the cotangent of every input, by a table of rules",
          lambda k: str(derivative(k.cell))),
    Stage("saved", "compiler/ir/remat.py", "what forward keeps, so that backward need not compute it again", saved),
    Stage("backward", "compiler/ir/remat.py", "the derivative of what was kept; the rest is computed again",
          lambda k: str(k.plan.backward)),
    Stage("layout", "compiler/codegen/gate_layout.py", "in which order the projections stand in memory", slots),
    Stage("LLVM IR", "compiler/codegen/loop_builder.py", "the loops over a sequence, for LLVM", ir),
    Stage("assembly", "compiler/runtime/jit.py", "the same as instructions of this processor", assembly),
)  # fmt: skip
"""From equations to machine code, in order."""

BY_NAME = {stage.name: stage for stage in STAGES}
PROGRAM = ("program", "saved", "backward")
"""The stages that say what is computed, and do not depend on the machine."""


def program(kernel: Kernel) -> str:
    """The forward program, what it saves, and the backward program, as mathematics."""
    parts = (f"{name}: {BY_NAME[name].says}\n\n{_indented(BY_NAME[name].text(kernel))}" for name in PROGRAM)
    return "\n\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
