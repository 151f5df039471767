"""The examples of reinforcement learning: the task needs memory, and both learn some of it in a few rounds."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def examples(monkeypatch):
    """As when one of them is run: its folder is on the path."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    for name in ("recall", "rl_memory_sb3", "rl_memory_torchrl"):
        sys.modules.pop(name, None)


def played(policy):
    """The return of an episode, of a policy that is given all that was shown."""
    import recall

    environment = recall.Recall()
    seen, _ = environment.reset(seed=0)
    shown, total, done = [seen], 0.0, False
    while not done:
        seen, reward, done, _, _ = environment.step(policy(shown))
        shown.append(seen)
        total += reward
    return total


def test_the_task_is_won_by_memory_only(examples):
    import recall

    check_env(recall.Recall())
    remembered = played(lambda shown: int(np.argmax(shown[-1 - recall.DELAY])) if len(shown) > recall.DELAY else 0)
    assert remembered == pytest.approx(1)
    assert played(lambda shown: int(np.argmax(shown[-1]))) < 0.5


@pytest.mark.slow
def test_recurrent_ppo_learns(examples, one_thread):
    pytest.importorskip("sb3_contrib")
    import rl_memory_sb3

    assert rl_memory_sb3.main("gru", 8_000) > 0.4  # a third is chance


@pytest.mark.slow
def test_torchrl_learns(examples, one_thread):
    pytest.importorskip("torchrl")
    import rl_memory_torchrl

    returns = rl_memory_torchrl.main("gru", 8)
    assert returns[-1] > returns[0] + 0.05
