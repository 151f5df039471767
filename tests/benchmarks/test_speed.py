"""Rivals compute the same; one that does not is never timed."""

from dataclasses import replace
from itertools import product

import pytest
import torch

import speed
import timing
from cases import STANDARD, Case, Problem, cases
from rivals import OURS, RIVALS, Work
from speed import Disagreement, measure

pytest.importorskip("onnxruntime")
CASES = [
    Case(cell, training, ragged, 7, 3, 5, directions)
    for cell, training, ragged, directions in product(
        (*STANDARD, "slstm", "layer-norm-gru"), (True, False), (True, False), (1, 2)
    )
]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(timing, "TURN", 0.0)
    monkeypatch.setattr(timing, "PAUSE", 0.0)


def expected_rivals(case):
    found = {OURS, "Python loop"}
    if case.cell in STANDARD:
        found |= {"torch.nn packed", "torch.nn packed before"} if case.ragged else {"torch.nn padded"}
        found |= {"torch.nn padded"} if case.directions == 1 else set()
        found |= set() if case.training else {"ONNX Runtime"}
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_rival_that_can_agrees(case):
    found = measure(case, 1, 0.0)
    assert expected_rivals(case) <= set(found.times)
    assert set(found.times) | set(found.absent) == set(RIVALS)
    assert set(found.times) & set(found.absent) == set()
    assert max(found.differences.values()) < 1e-5


def forgetful(change):
    """A rival whose result is ours after `change`."""

    def prepare(problem):
        work = RIVALS[OURS].prepare(problem)
        return Work(work.run, lambda result: change(dict(work.read(result))))

    return replace(RIVALS["Python loop"], prepare=prepare)


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
    monkeypatch.setitem(RIVALS, "Python loop", forgetful(change))
    monkeypatch.setattr(speed, "interleaved", lambda *_: pytest.fail("timed"))
    with pytest.raises(Disagreement):
        measure(Case("gru", True, True, 7, 3, 5), 1, 0.0)


def test_operations_by_hand():
    assert Case("lstm", False, False, 10, 4, 16).operations == 2 * 4 * 16 * (16 + 16) * 10 * 4
    assert Case("gru", True, False, 10, 4, 16, 2).operations == 3 * 2 * 3 * 16 * (16 + 16) * 10 * 4 * 2
    ragged = Case("rnn", False, True, 10, 4, 16)
    assert ragged.operations == 2 * 16 * 32 * int(ragged.lengths.sum())


def test_lengths_lie_between_a_fifth_and_all():
    lengths = Case("lstm", True, True, 100, 64, 8).lengths
    assert lengths.max() == 100
    assert lengths.min() >= 20
    assert 50 < lengths.float().mean() < 70
    assert not torch.equal(lengths, lengths.sort(descending=True).values)


def test_a_cotangent_beyond_a_length_is_zero():
    problem = Problem(Case("lstm", True, True, 20, 5, 4, 2))
    for b, length in enumerate(problem.case.lengths):
        assert problem.cotangent[:length, b].all()
        assert not problem.cotangent[length:, b].any()


def test_quick_is_part_of_default_is_part_of_full():
    quick, default, full = (set(cases(extent)) for extent in ("quick", "default", "full"))
    assert quick < default < full
    assert len(cases("full")) == len(full)
