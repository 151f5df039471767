"""What a training step may keep in 16 bits, where products have no more: of a plan, by the names of its inputs.

A bfloat16 keeps 8 bits of a number's significand: an error of up to 2⁻⁹ of it. That is what a product of bfloat16 errs
by anyway. So these are kept so:

    what U multiplies   the product of its gradient would round it likewise
    saved.k             gates, candidates and products, which the derivative multiplies and adds, and of which it
                        computes nothing that an error grows in, as an exponential does, or a comparison

All other states stay as they are: a memory sums over the steps, so that it may be large, and an error of a share of it
is then large beside what a step adds; and the derivative computes the next memory from it anew.

A gate that is nearer to 1 than to 0 is kept as its distance from 1. Else the gate 0.9985 would be 1, and what it hands
back over 500 steps would be 1 in place of 0.47.
"""

from __future__ import annotations

from cellwright.cells.definition import Definition
from cellwright.compiler.ir.program import Program
from cellwright.compiler.ir.remat import Plan

# Of operands with an error these have one about as large, beside the largest number.
_GENTLE = frozenset({"add", "subtract", "multiply", "negate", "sigmoid", "tanh", "absolute", "mean", "sum"})
_KEPT = frozenset({"sigmoid", "tanh", "input", "add", "subtract", "multiply"})


def halves(cell: Definition, plan: Plan) -> dict[str, bool]:
    """The inputs of the backward program that may be kept in 16 bits, and whether by their distance from 1.

    The state that U multiplies is among them whether or not the derivative reads it.
    """
    forward, found = plan.forward, dict[str, bool]()
    for name in plan.backward.inputs():
        if name.startswith("saved."):
            op = forward.nodes[forward.outputs[name]].op
            if op in _KEPT and _is_gentle(plan.backward, name):
                found[name] = op == "sigmoid"
    state = f"s.{cell.recurrent_state}"
    if cell.multiplies_before and _is_gentle(plan.backward, state):
        found[state] = False
    return found


def _is_gentle(program: Program, name: str) -> bool:
    """Whether all that is computed of an input is."""
    needed, touched = program.needed(program.outputs.values()), set[int]()
    for index, node in enumerate(program.nodes):
        if index not in needed:
            continue
        if node.op == "input":
            if node.name == name:
                touched.add(index)
        elif touched.intersection(node.reads):
            if node.op not in _GENTLE:
                return False
            touched.add(index)
    return True
