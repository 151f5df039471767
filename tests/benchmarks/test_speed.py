"""The rivals of other libraries compute the same as well; and the table of cases."""

from itertools import product

import pytest

from cases import STANDARD, cases
from cellwright.bench import timing
from cellwright.bench.case import TORCH, Case
from cellwright.bench.measure import measure
from cellwright.bench.rivals import LOOP, OURS
from rivals import RIVALS

pytest.importorskip("onnxruntime")
CASES = [
    Case(cell, training, ragged, 7, 3, 5, directions)
    for cell, training, ragged, directions in product(
        (*TORCH, "slstm", "layer-norm-gru"), (True, False), (True, False), (1, 2)
    )
]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(timing, "TURN", 0.0)
    monkeypatch.setattr(timing, "LONGEST", 0.0)


def expected_rivals(case):
    found = {OURS, LOOP}
    if case.cell in TORCH:
        found |= {"torch.nn packed", "torch.nn packed before"} if case.ragged else {"torch.nn padded"}
        found |= {"torch.nn padded"} if case.directions == 1 else set()
        found |= set() if case.training or case.cell not in STANDARD else {"ONNX Runtime"}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_rival_that_can_agrees(case):
    found = measure(case, RIVALS, 1, 0.0)
    assert expected_rivals(case) <= set(found.times)
    assert set(found.times) | set(found.absent) == set(RIVALS)
    assert set(found.times) & set(found.absent) == set()
    assert max(found.differences.values()) < 1e-5


def test_quick_is_part_of_default_is_part_of_full():
    quick, default, full = (set(cases(extent)) for extent in ("quick", "default", "full"))
    assert quick < default < full
    assert len(cases("full")) == len(full)
