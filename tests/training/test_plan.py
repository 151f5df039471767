"""How long a run trains where nobody says it, and what it says of that."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from cellwright import tasks
from cellwright.tasks.classify import ClassifyConfig
from cellwright.training import fit
from cellwright.training.plan import Plan

Options = Callable[..., dict[str, Any]]


def planned(task: str, steps: int, **options: Any) -> Plan:
    return Plan.of(tasks.config_of(task)(data="none", out="none", **options), steps)


@pytest.mark.parametrize("task", ["classify", "tag", "lm", "transduce", "autoencode"])
def test_few_steps_an_epoch_make_many_epochs_and_many_steps_no_more_than_six(task: str) -> None:
    usual = tasks.config_of(task).usual_steps
    assert planned(task, 100_000).epochs == planned(task, usual // 6 + 1).epochs == 6
    assert planned(task, usual // 8).epochs == 8
    assert planned(task, usual // 8 - 1).epochs == 9  # never fewer steps than usual
    assert planned(task, usual // 100).epochs == planned(task, 1).epochs == 100


def test_patience_is_half_of_the_epochs_and_at_least_three() -> None:
    assert [planned("tag", 99, max_epochs=epochs).patience for epochs in (1, 6, 7, 8, 40)] == [3, 3, 4, 4, 20]


def test_what_is_given_stands_whatever_the_steps() -> None:
    plan = planned("transduce", 7, max_epochs=3, patience=50, max_minutes=2.5)
    assert plan == Plan(steps=7, epochs=3, patience=50, minutes=2.5)


def test_series_train_as_long_as_their_options_say() -> None:
    assert {(plan.epochs, plan.patience) for plan in (planned("series", 3), planned("series", 3000))} == {(100, 20)}


def test_its_sentence() -> None:
    plan = Plan(steps=1236, epochs=6, patience=3, minutes=None)
    assert plan.describe(validated=True) == (
        "trains until no score is better for 3 epochs, at most 6 epochs of 1,236 steps"
    )
    assert plan.describe(validated=False) == "trains for 6 epochs of 1,236 steps"
    timed = Plan(steps=1, epochs=1, patience=1, minutes=2.5)
    assert timed.describe(validated=True) == (
        "trains until no score is better for 1 epoch, at most 1 epoch of 1 step and 2.5 minutes"
    )
    assert timed.describe(validated=False) == "trains for 1 epoch of 1 step and 2.5 minutes at most"


def test_a_run_does_as_many_epochs_as_it_said(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClassifyConfig, "usual_steps", 75)
    said: list[str] = []
    given = options(max_epochs=None, patience=None, checkpoint_seconds=60, validation_share=0)
    result = fit(ClassifyConfig(**given), progress=False, say=said.append)
    steps = result.steps // result.epochs
    assert result.epochs == math.ceil(75 / steps) > 6
    assert f"trains for {result.epochs} epochs of {steps} steps" in said
