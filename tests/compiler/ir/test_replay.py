"""The states that are computed again in a backward pass: which, and that the same comes of what a step keeps."""

from __future__ import annotations

import pytest

from agreement import assert_agree
from calls import EVERY, INVENTED, REGULARISED
from cellwright.cells import CELLS
from cellwright.compiler.ir.halves import halves
from cellwright.compiler.ir.interpret import interpret
from cellwright.compiler.ir.remat import COSTLY, training
from cellwright.compiler.ir.replay import replay
from numbers_of_a_step import Numbers

BY_NAME = {cell.name: cell for cell in (*INVENTED, *CELLS.values())}


@pytest.mark.parametrize("cell", [*EVERY, *REGULARISED], ids=repr)
def test_what_a_step_keeps_gives_the_same_states_at_no_great_cost(cell):
    plan = training(cell)
    made, numbers = replay(cell, plan, ()), Numbers(cell).arrays()
    forward = interpret(plan.forward, numbers)
    kept = {name: value for name, value in forward.items() if name.startswith(("saved.", "row."))}
    at_hand = {name: value for name, value in numbers.items() if name in plan.backward.inputs() or name[:2] == "s."}
    assert_agree(interpret(made, kept | at_hand), {name: forward[name] for name in made.outputs}, share=0)
    assert not COSTLY.intersection(node.op for node in made.nodes)


def _again(name: str, halved: bool = False) -> set[str]:
    cell = BY_NAME[name]
    plan = training(cell)
    return {
        output.removeprefix("state.") for output in replay(cell, plan, halves(cell, plan) if halved else ()).outputs
    }


@pytest.mark.parametrize("halved", [False, True])
def test_memories_are_and_what_u_multiplies_is_not(halved):
    for name in ("lstm", "peephole", "relu-lstm", "coupled"):
        assert _again(name, halved) == {"c"}
    assert _again("slstm", halved) == {"c", "n"}  # m is made of a logarithm
    assert _again("gru", halved) == set()


def test_a_state_made_of_what_is_kept_in_16_bits_is_kept():
    assert _again("of-means") == {"c"}  # it reads h
    assert _again("of-means", halved=True) == set()
