"""The states that a training step need not keep before every step, since a pass forward over what it keeps gives them.

    c_t = f_t · c_{t−1} + i_t · g_t      f, i and g are kept for the derivative anyway

So c is kept before some steps only, and from there computed again, by the operations that computed it. What U
multiplies is kept as it is, and so is a state for which an exponential or what is as costly would be computed again.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from cellwright.cells.definition import Definition
from cellwright.compiler.ir.program import Program
from cellwright.compiler.ir.remat import COSTLY, Plan, rebuilt


def replay(cell: Definition, plan: Plan, halves: Container[str]) -> Program:
    """The step of these states alone: outputs state.*, of inputs saved.*, row.*, s.*, p.* and streams.

    It reads nothing but what the backward program reads too, and no state that is kept in 16 bits (`halves`).
    """
    forward = plan.forward
    saved = {index: name for name, index in forward.outputs.items() if name.startswith(("saved.", "row."))}
    at_hand = {name for name in plan.backward.inputs() if name.startswith("p.") or name in cell.streams}
    at_hand |= {f"s.{name}" for name in cell.states if f"s.{name}" not in halves}

    def is_cheap(index: int) -> bool:
        """Whether a node is kept or at hand, or made of such by what costs little."""
        node = forward.nodes[index]
        if index in saved or node.op == "number":
            return True
        return node.name in at_hand if node.op == "input" else node.op not in COSTLY and all(map(is_cheap, node.reads))

    others = [name for name in cell.states if name != cell.recurrent_state and f"s.{name}" in plan.backward.inputs()]
    outputs = {f"state.{name}": forward.outputs[f"state.{name}"] for name in others}
    made = rebuilt(replace(forward, outputs={name: i for name, i in outputs.items() if is_cheap(i)}), saved)
    made.verify()
    return made
