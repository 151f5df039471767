"""A rival that computes something else is never timed; the others are, in turn."""

from dataclasses import replace

import pytest
import torch

from cellwright.bench import measure as measuring
from cellwright.bench.case import Case
from cellwright.bench.measure import Disagreement, Measurement, measure
from cellwright.bench.rival import Work
from cellwright.bench.rivals import LOOP, OURS, RIVALS, of_case
from cellwright.bench.timing import Spread
from cellwright.cells import CELLS


def forgetful(change):
    """A rival whose result is ours after `change`."""

    def prepare(problem):
        work = RIVALS[OURS].prepare(problem)
        return Work(work.run, lambda result: change(dict(work.read(result))))

    return replace(RIVALS[LOOP], prepare=prepare)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: {name: value for name, value in found.items() if name != "input"},
        lambda found: found | {"bias_hh_l0": torch.zeros_like(found["bias_hh_l0"])},
        lambda found: found | {"output": found["output"] * 1.001},
        lambda found: found | {"output": found["output"] * torch.nan},
        lambda found: found | {"input": found["input"][:1]},
    ],
    ids=["without a gradient", "a gradient of zeros", "a little off", "not a number", "a part"],
)
def test_a_rival_that_computes_less_is_never_timed(monkeypatch, change):
    rivals = RIVALS | {LOOP: forgetful(change)}
    monkeypatch.setattr(measuring, "interleaved", lambda *_: pytest.fail("timed"))
    with pytest.raises(Disagreement):
        measure(Case("gru", True, True, 7, 3, 5), rivals, 1, 0.0)


@pytest.mark.parametrize(
    ("cell", "ragged", "timed", "absent"),
    [
        ("lstm", True, {"torch.nn padded", "torch.nn packed"}, {}),
        ("rnn-relu", False, {"torch.nn padded"}, {"torch.nn packed": "nothing is ragged"}),
        ("janet", True, {LOOP}, {}),
    ],
)
def test_a_user_s_rivals(monkeypatch, cell, ragged, timed, absent):
    """Those that are timed are those that can compute the case; times go where their names are."""
    monkeypatch.setattr(measuring, "interleaved", lambda works, *_: {name: Spread(1, 2, 3) for name in works})
    case = Case(cell, True, ragged, 6, 3, 5)
    found = measure(case, of_case(case), 1, 0.0)
    assert (set(found.times), found.absent) == ({OURS, *timed}, absent)
    assert found.differences.keys() == found.times.keys()
    assert found.differences[OURS] == 0
    assert max(found.differences.values()) < 1e-5


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_is_measured(monkeypatch, cell):
    """Those too that read further inputs and parameters of each call, with the gradients of all of them."""
    monkeypatch.setattr(measuring, "interleaved", lambda works, *_: {name: Spread(1, 2, 3) for name in works})
    case = Case(cell, True, True, 6, 3, 5)
    assert max(measure(case, {name: RIVALS[name] for name in (OURS, LOOP)}, 1, 0.0).differences.values()) < 1e-5


def test_ratios_are_of_medians():
    case = Case("gru", False, False, 10, 4, 16)
    found = Measurement(case, {OURS: Spread(1.0, 2.0, 9.0), LOOP: Spread(4.0, 5.0, 6.0)}, {OURS: 0.0, LOOP: 1e-7}, {})
    told = found.as_json()
    assert told["ratios"] == {OURS: 1.0, LOOP: 2.5}
    assert told["rate"] == case.operations / 2.0
    assert told["times"][LOOP] == {"low": 4.0, "median": 5.0, "high": 6.0}
    assert told["case"]["cell"] == "gru"
