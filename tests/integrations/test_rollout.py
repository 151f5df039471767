"""A rollout in one call against the layer run step by step, each step from what it is to begin from."""

import pytest
import torch

import cellwright
from agreement import assert_agree, double
from cellwright.integrations.rollout import check_layer, run
from cellwright.nn.states import as_tuple

ROWS, STEPS, INPUTS, UNITS = 4, 11, 3, 5


def a_layer(cell, learned=False):
    torch.manual_seed(0)
    layer = cellwright.Recurrent(cell, INPUTS, UNITS, 2, batch_first=True, learn_initial_state=learned)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return layer


def step_by_step(layer, rows, state, begins):
    outputs = []
    for t in range(rows.shape[1]):
        fresh = as_tuple(layer.initial_state(len(rows)))
        state = [torch.where(begins[:, t, None], new, old) for new, old in zip(fresh, state, strict=True)]
        output, state = layer(rows[:, t : t + 1], tuple(state))
        outputs.append(output)
        state = as_tuple(state)
    return torch.cat(outputs, 1), state


def beginnings(where):
    begins = torch.zeros(ROWS, STEPS, dtype=torch.bool)
    for row, step in where:
        begins[row, step] = True
    return begins


@pytest.mark.parametrize("learned", [False, True], ids=["zeros", "learned"])
@pytest.mark.parametrize("where", [[], [(1, 0), (3, 0)], [(0, 0), (0, 4), (1, 10), (2, 1), (2, 2)]], ids=str)
@pytest.mark.parametrize("cell", ["lstm", "gru", "mgu", "slstm"])
def test_one_call_is_the_steps_one_by_one(cell, where, learned):
    layer, rows, begins = a_layer(cell, learned), torch.randn(ROWS, STEPS, INPUTS), beginnings(where)
    state = tuple(torch.randn_like(s) for s in as_tuple(layer.initial_state(ROWS)))
    found, after = run(layer, rows, state, begins)
    wanted, wanted_after = step_by_step(layer, rows, state, begins)
    assert_agree(found, double(wanted), share=1e-05)
    for one, other in zip(after, wanted_after, strict=True):
        assert_agree(one, double(other), share=1e-05)

    parameters = [*layer.parameters()]
    grown = torch.autograd.grad(found.square().sum(), parameters, allow_unused=True, materialize_grads=True)
    grown_wanted = torch.autograd.grad(wanted.square().sum(), parameters, allow_unused=True, materialize_grads=True)
    assert_agree(grown, double(grown_wanted), share=0.0001)


def test_without_a_state_it_begins_from_the_initial_one():
    layer, rows = a_layer("lstm", learned=True), torch.randn(ROWS, STEPS, INPUTS)
    found, _ = run(layer, rows, None, beginnings([(2, 5)]))
    wanted, _ = run(layer, rows, as_tuple(layer.initial_state(ROWS)), beginnings([(2, 5)]))
    assert torch.equal(found, wanted)
    assert not torch.equal(found, run(layer, rows, None, beginnings([]))[0])


def test_a_cell_that_reads_more_with_each_call_is_refused():
    layer = cellwright.Recurrent("ea-lstm", 3, 5, batch_first=True)
    with pytest.raises(ValueError, match=r"^Policy: the cell ea-lstm reads entity with each call.*such as gru$"):
        check_layer("Policy", layer)
    check_layer("Policy", a_layer("slstm"))
