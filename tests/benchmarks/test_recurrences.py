"""The loops that kernels are timed beside compute what the kernels do, gradients too."""

import pytest

import recurrences


@pytest.mark.parametrize(
    "make",
    [lambda: recurrences.hbv(2), lambda: recurrences.mingru(3, 8), lambda: recurrences.lif(3, 8)],
    ids=["hbv", "mingru", "lif"],
)
def test_the_loop_is_the_recurrence(make, monkeypatch):
    monkeypatch.setattr(recurrences, "DAYS", 60)
    steps = make()
    assert recurrences.differs(steps["ours"](), steps["loop"]()) < 1e-4
