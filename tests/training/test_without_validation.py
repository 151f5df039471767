"""Nothing held out to choose an epoch by: every epoch is done, and the last is kept."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

import process
from cellwright.tasks.classify import ClassifyConfig
from cellwright.training import fit

Options = Callable[..., dict[str, Any]]
NONE = {"validation_share": 0, "max_epochs": 3, "patience": 1}


def kept_epoch(out: str) -> int:
    """The epoch that the weights say they are of."""
    with safe_open(Path(out, "model.safetensors"), "pt") as file:
        found: int = json.loads(file.metadata()["note"])["epoch"]
    return found


def test_every_epoch_is_done_and_the_last_is_kept(options: Options) -> None:
    said: list[str] = []
    given = options(**NONE)
    result = fit(ClassifyConfig(**given), progress=False, say=said.append)
    assert (result.stopped, result.epochs, result.best_epoch, result.validation, result.baseline) == (
        "epochs", 3, 3, {}, None,
    )  # fmt: skip
    assert kept_epoch(given["out"]) == 3
    assert Path(given["out"], "log.csv").read_text().startswith("epoch,step,train_loss,tokens,seconds\n")
    assert sum("no validation: no epoch is better than another" in sentence for sentence in said) == 1
    assert not any("validation accuracy" in sentence or "best" in sentence for sentence in said)


@pytest.mark.slow
def test_killed_and_resumed_it_is_the_run_left_alone(options: Options) -> None:
    alone = options(task="classify", **NONE)
    killed = alone | {"out": alone["out"] + "-killed"}
    assert process.start(dict(alone)).status == 0
    assert process.start(dict(killed), process.Signal(signal.SIGKILL, "step", 15)).status == -signal.SIGKILL
    assert process.start(killed | {"resume": True}).status == 0
    assert process.outcome(killed["out"]) == process.outcome(alone["out"])


def test_where_the_minutes_end_within_an_epoch_its_weights_are_kept(options: Options) -> None:
    given = options(**NONE, max_minutes=1e-6)
    result = fit(ClassifyConfig(**given), progress=False, say=lambda sentence: None)
    assert (result.stopped, result.best_epoch, result.validation) == ("minutes", 0, {})
    assert kept_epoch(given["out"]) == 0
