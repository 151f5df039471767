"""The step size over a run."""

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from cellwright.tasks.lm import LanguageConfig
from cellwright.training.plan import Plan
from cellwright.training.schedule import RISING, RISING_STEPS, Done, Schedule, cosine


def size(step: int, steps: int) -> float:
    """The factor of a step, from 0, among so many."""
    return cosine(Done(step / steps, (step + 1) / steps), step + 1)


def test_a_short_run_rises_in_its_first_twentieth_and_falls_to_nothing() -> None:
    assert size(0, 2000) == pytest.approx(1 / 100)
    assert size(49, 2000) == pytest.approx(0.5)
    assert size(99, 2000) == size(100, 2000) == 1
    assert size(1050, 2000) == pytest.approx(0.5)
    assert size(2000, 2000) == pytest.approx(0.0) == size(3000, 2000)
    assert size(1500, 2000) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.7 / 0.95)))


@pytest.mark.parametrize("steps", [1, 2, 11, 12, 400, 10_000])
def test_no_step_is_wasted(steps: int) -> None:
    """The first had size 0: it moved nothing."""
    sizes = [size(step, steps) for step in range(steps)]
    assert min(sizes) > 0
    assert max(sizes) == pytest.approx(1, abs=0.05)
    assert sizes[0] == pytest.approx(min(1, max(1 / (RISING * steps), 1 / RISING_STEPS)))


def test_a_long_run_rises_in_as_many_steps_and_stays_until_its_first_twentieth_is_over() -> None:
    assert size(RISING_STEPS // 2 - 1, 500 * RISING_STEPS) == pytest.approx(0.5)
    assert size(RISING_STEPS - 1, 500 * RISING_STEPS) == size(25 * RISING_STEPS, 500 * RISING_STEPS) == 1


def test_processes_whose_clocks_differ_take_the_same_step() -> None:
    config = LanguageConfig(data="pydoc", out="runs/none", max_minutes=10)
    plan = Plan.of(config, steps=1000)
    optimizer = torch.optim.SGD([torch.zeros(1)])
    strategy = SimpleNamespace(reduce=lambda seconds, reduce_op: (seconds + 302) / 2)  # of another process
    trainer = SimpleNamespace(
        current_epoch=0,
        num_training_batches=1000,
        accumulate_grad_batches=1,
        global_step=500,
        optimizers=[optimizer],
        strategy=strategy,
    )
    given: Any = (trainer, None, None, 0)
    Schedule(config, plan, cast(Any, SimpleNamespace(seconds=300.0))).on_train_batch_start(*given)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(
        config.learning_rate * cosine(Done(301 / 600, 301 / 600), 501), rel=1e-12
    )
