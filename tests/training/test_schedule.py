"""The step size over a run."""

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from cellwright.tasks.lm import LanguageConfig
from cellwright.training.plan import Plan
from cellwright.training.schedule import RISING, RISING_STEPS, Schedule, cosine


def test_a_short_run_rises_in_its_first_twentieth_and_falls_to_nothing() -> None:
    assert cosine(0.0, 0) == 0
    assert cosine(RISING / 2, 50) == pytest.approx(0.5)
    assert cosine(RISING, 100) == 1
    assert cosine((1 + RISING) / 2, 1000) == pytest.approx(0.5)
    assert cosine(1.0, 2000) == pytest.approx(0.0) == cosine(1.5, 3000)
    assert cosine(0.75, 1500) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.7 / 0.95)))


def test_a_long_run_rises_in_as_many_steps_and_stays_until_its_first_twentieth_is_over() -> None:
    assert cosine(0.001, RISING_STEPS // 2) == pytest.approx(0.5)
    assert cosine(0.002, RISING_STEPS) == cosine(RISING, 25 * RISING_STEPS) == 1


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
    assert optimizer.param_groups[0]["lr"] == pytest.approx(config.learning_rate * cosine(301 / 600, 500), rel=1e-12)
