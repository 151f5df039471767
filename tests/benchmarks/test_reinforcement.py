"""The script on reinforcement learning: what is timed beside each other has the same numbers."""

import pytest

import reinforcement


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(reinforcement, "SECONDS", 0.0)
    monkeypatch.setattr(reinforcement, "STEPS", 16)


@pytest.mark.slow
def test_updates_of_the_policies_agree(short, one_thread):
    pytest.importorskip("sb3_contrib")
    apart, times = reinforcement.update_of_ppo(reinforcement.cart, 8, 64)
    assert apart < 1e-5
    assert set(times) == {"theirs", "ours"}


@pytest.mark.slow
def test_updates_of_the_modules_agree(short, one_thread):
    pytest.importorskip("torchrl")
    apart, times = reinforcement.update_of_torchrl("GRU", 8, (3, 20, 5))
    assert apart < 1e-5
    assert set(times) == {"pad", "scan", "ours"}
