"""Zoneout and recurrent dropout against loops that hold the masks by hand."""

import pickle

import pytest
import torch
from torch import nn

from agreement import assert_agree
from calls import OF_X, OF_X_AND_U
from cellwright.cells import CELLS
from cellwright.cells.definition import PER_SEQUENCE, PER_STEP, cell
from cellwright.cells.derived import recurrent_dropout, zoneout
from cellwright.cells.language import State, tanh
from cellwright.errors import DefinitionError
from drawing import Case, draw, run_direction

BOTH = [zoneout, recurrent_dropout, lambda definition: zoneout(recurrent_dropout(definition))]


def _mask(*shape, keep=0.4, seed=3):
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) < keep).double()


def _load(kind, case: Case):
    module = kind(case.rows.shape[1], case.state[0].shape[1], dtype=torch.float64)
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), case.weights.flat, strict=True):
            parameter.copy_(value)
    return module


def test_zoneout_of_lstm_is_nn_lstmcell_with_masks():
    """Krueger et al. 2017, equations 4 and 5: h is made of the new c, not of the one that is kept."""
    case = draw(zoneout(CELLS["lstm"]), (4,))
    case.streams = {"m.keep_h": _mask(4, 5), "m.keep_c": _mask(4, 5, seed=4)}
    module, (h, c) = _load(nn.LSTMCell, case), case.state
    found = case.run()
    for t in range(4):
        new_h, new_c = module(case.rows[t : t + 1], (h, c))
        h = torch.where(case.streams["m.keep_h"][t] > 0, h, new_h)
        c = torch.where(case.streams["m.keep_c"][t] > 0, c, new_c)
        assert_agree(found.rows[t : t + 1], h)
    assert_agree(list(found.state), [h, c])


def test_recurrent_dropout_of_gru_masks_what_u_multiplies_and_nothing_else():
    """Gal and Ghahramani 2016: the same mask at every step; z · h_{t−1} takes the whole h."""
    case = draw(recurrent_dropout(CELLS["gru"]), (4,))
    mask = case.streams["m.mask"] = _mask(1, 5) / 0.4
    h = case.state[0]
    case.state[1] = mask * h
    found, w = case.run(), case.weights
    for t in range(4):
        x = (w.input @ case.rows[t] + w.input_bias).view(3, 5)
        u = (w.recurrent @ (mask * h)[0] + w.recurrent_bias).view(3, 5)
        r, z = torch.sigmoid(x[:2] + u[:2])
        h = torch.lerp(torch.tanh(x[2] + r * u[2]), h, z)
        assert_agree(found.rows[t : t + 1], h)
    assert_agree(found.state.v, mask * h)


def test_both_together_mask_what_zoneout_leaves():
    case = draw(zoneout(recurrent_dropout(CELLS["rnn"])), (4,))
    keep, mask = _mask(4, 5), _mask(1, 5, seed=9) * 2
    case.streams = {"m.keep_h": keep, "m.mask": mask}
    module, h = _load(nn.RNNCell, case), case.state[0]
    case.state[1] = mask * h
    found = case.run()
    for t in range(4):
        h = torch.where(keep[t] > 0, h, module(case.rows[t : t + 1], mask * h))
        assert_agree(found.rows[t : t + 1], h)


@pytest.mark.parametrize("name", OF_X_AND_U)
def test_streams_that_let_everything_pass_change_nothing(name):
    definition = zoneout(recurrent_dropout(CELLS[name]))
    case, plain = draw(definition), draw(CELLS[name])
    case.streams = {k: torch.ones_like(v) if k == "m.mask" else torch.zeros_like(v) for k, v in case.streams.items()}
    state = [*plain.state, plain.state[0]]
    found = run_direction(definition, plain.rows, case.batch_sizes, state, plain.weights, streams=case.streams)
    expected = plain.run()
    assert torch.equal(found.rows, expected.rows)
    for ours, theirs in zip(found.state, [*expected.state, expected.state[0]], strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", OF_X)
def test_the_rate_in_place_of_a_mask_gives_the_expectation(name):
    """Of one step: rate times the old state and the rest of the new one."""
    definition = zoneout(CELLS[name])
    case = draw(definition, (1, 1))
    results = {}
    for rate in (0.0, 0.3, 1.0):
        case.streams = {k: torch.full_like(v, rate) for k, v in case.streams.items()}
        results[rate] = torch.stack(list(case.run().state))
    assert_agree(results[0.3], 0.3 * results[1.0] + 0.7 * results[0.0])
    for k, state in enumerate(definition.states):
        if f"m.keep_{state}" in definition.streams:
            assert torch.equal(results[1.0][k], case.state[k])


def test_streams_and_states():
    assert dict(zoneout(CELLS["lstm"]).streams) == {"m.keep_h": PER_STEP, "m.keep_c": PER_STEP}
    assert dict(recurrent_dropout(CELLS["lstm"]).streams) == {"m.mask": PER_SEQUENCE}
    assert recurrent_dropout(CELLS["lstm"]).states == ("h", "c", "v")
    assert recurrent_dropout(CELLS["lstm"]).recurrent_state == "v"


def test_slstm_keeps_its_output_only():
    """c and n are scaled by e^−m, which is another one each step."""
    assert list(zoneout(CELLS["slstm"]).streams) == ["m.keep_h"]


@pytest.mark.parametrize("name", OF_X_AND_U)
def test_letters_are_kept(name):
    plain = list(CELLS[name].trace.letters)
    assert list(recurrent_dropout(CELLS[name]).trace.letters) == plain
    kept = {f"m.keep_{n}" for n in CELLS[name].states} & set(zoneout(CELLS[name]).streams)
    renamed = [f"{n}_new" if f"m.keep_{n}" in kept else n for n in plain]
    assert list(zoneout(CELLS[name]).trace.letters)[: len(plain)] == renamed


@pytest.mark.parametrize("derive", BOTH, ids=["zoneout", "recurrent dropout", "both"])
@pytest.mark.parametrize("name", OF_X_AND_U)
def test_derived_cells_are_made_once_and_pickled_by_recipe(name, derive):
    derived = derive(CELLS[name])
    assert derive(CELLS[name]) is derived
    assert pickle.loads(pickle.dumps(derived)) is derived
    assert derived.gates == CELLS[name].gates


def test_the_order_does_not_matter():
    assert zoneout(recurrent_dropout(CELLS["lstm"])) is recurrent_dropout(zoneout(CELLS["lstm"]))


def test_twice_is_refused():
    with pytest.raises(DefinitionError, match=r"cell zoneout\(lstm\): it has zoneout already \(the mask keep_h\)"):
        zoneout(zoneout(CELLS["lstm"]))
    with pytest.raises(DefinitionError, match=r"it has recurrent dropout already \(the mask mask\); apply it once"):
        recurrent_dropout(recurrent_dropout(CELLS["lstm"]))


def test_a_cell_with_a_v_of_its_own_has_recurrent_dropout_too():
    """Neurons call their potential v; the masked output then has another letter, and the same numbers."""

    @cell(projections="a", gates="", state="h v")
    def taken(x, u, s):
        return State(h=tanh(x.a + u.a) + s.v, v=0.5 * s.h + 0.5 * s.v)

    @cell(projections="a", gates="", state="h c")
    def free(x, u, s):
        return State(h=tanh(x.a + u.a) + s.c, c=0.5 * s.h + 0.5 * s.c)

    cases = [draw(recurrent_dropout(definition), (4,)) for definition in (taken, free)]
    found, wanted = (case.run() for case in cases)
    assert cases[0].cell.states == ("h", "v", "v1")
    assert_agree(found.rows, wanted.rows)
    assert_agree(found.state.v1, wanted.state.v)
