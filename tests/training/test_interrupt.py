"""Ctrl-C, SIGTERM and the end of the minutes: a clean end with the best model so far, and a way on."""

import json
import signal
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.trainer.connectors import signal_connector

import process
from cellwright.tasks.classify import ClassifyConfig
from cellwright.tasks.run import load_run
from cellwright.training import fit
from cellwright.training.interruption import Interruption
from cellwright.training.module import TrainedModule
from cellwright.training.session import leave_signals
from process import Signal

Options = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_with_the_best_so_far(options: Options, number: signal.Signals) -> None:
    ended = process.start(options(checkpoint_seconds=60), Signal(number, "step", 14))
    assert ended.status == 0
    assert "stopping after this step" in "\n".join(ended.said)
    *_, closing, result = ended.said
    assert "stopped by request; --resume goes on; kept is the model of epoch 1" in closing
    values = json.loads(result)
    assert (values["stopped"], values["steps"], values["epochs"], values["best_epoch"]) == ("interrupted", 14, 1, 1)
    load_run(values["out"])


def test_in_the_first_epoch_keeps_what_there_is(options: Options) -> None:
    given = options(checkpoint_seconds=60)
    ended = process.start(given, Signal(signal.SIGINT, "step", 3))
    result = json.loads(ended.said[-1])
    assert (result["steps"], result["epochs"], result["best_epoch"]) == (3, 0, 0)
    assert 0 < result["validation"]["accuracy"] < 1
    load_run(given["out"])
    resumed = process.start({**given, "resume": True})
    result = json.loads(resumed.said[-1])
    assert (result["stopped"], result["steps"], result["best_epoch"]) == ("patience", 55, 3)


def test_minutes(options: Options) -> None:
    given = options(checkpoint_seconds=60, max_minutes=1e-9)
    said: list[str] = []
    result = fit(ClassifyConfig(**given), progress=False, say=said.append)
    assert (result.stopped, result.steps) == ("minutes", 1)
    assert "minutes are over; --resume with more goes on" in said[-2] + said[-1]
    result = fit(ClassifyConfig(**given | {"max_minutes": 60, "max_epochs": 2, "resume": True}), progress=False)
    assert (result.stopped, result.steps) == ("epochs", 22)


def test_handlers_are_put_back(options: Options) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    fit(ClassifyConfig(**options(checkpoint_seconds=60, max_epochs=1)), progress=False)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_signal_before_the_first_step_is_a_request_that_waits_for_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning's own handler asked the first of several processes, which had not been asked by any other."""
    monkeypatch.setattr(Trainer, "world_size", 2)
    others = Mock()
    monkeypatch.setattr(signal_connector, "dist", others)
    trainer = Trainer(logger=False, enable_checkpointing=False, enable_progress_bar=False)
    with Interruption(lambda _: None) as interruption:
        leave_signals(trainer)
        trainer._signal_connector.register_signal_handlers()
        signal.raise_signal(signal.SIGTERM)
        trainer._signal_connector.teardown()
    assert interruption.requested
    assert not others.broadcast.called


def test_a_signal_while_the_last_weights_are_scored_loses_none(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, begin = options(checkpoint_seconds=60, max_minutes=1e-9), TrainedModule.on_validation_epoch_start

    def interrupted(module: TrainedModule) -> None:
        signal.raise_signal(signal.SIGTERM)
        begin(module)

    monkeypatch.setattr(TrainedModule, "on_validation_epoch_start", interrupted)
    assert fit(ClassifyConfig(**given), progress=False).stopped == "minutes"
    load_run(given["out"])
