"""A run killed at any step and resumed is the run left alone, bit for bit."""

import csv
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import process
import pytest
from conftest import SMALL
from process import Signal
from safetensors.torch import load_file

Options = Callable[..., dict[str, Any]]
TIMES = {"seconds"}  # all else in log.csv and metrics.json must agree


@pytest.fixture(scope="module")
def alone(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the run left alone ends with; made in its own process, as the killed ones are."""
    out = tmp_path_factory.mktemp("alone") / "run"
    assert process.start({**SMALL, "data": str(reviews), "out": str(out)}).status == 0
    return outcome(out)


def outcome(out: Path) -> dict[str, Any]:
    """Everything a run leaves, without the times."""
    with (out / "log.csv").open() as file:
        log = [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]
    metrics = json.loads((out / "metrics.json").read_text())
    weights = {name: tensor.numpy().tobytes() for name, tensor in load_file(out / "model.safetensors").items()}
    last = load_file(out / "checkpoints" / "last.safetensors")
    return {
        "log": log,
        "metrics": {key: value for key, value in metrics.items() if key not in TIMES},
        "weights": weights,
        "last": {name: tensor.numpy().tobytes() for name, tensor in last.items()},
    }


POINTS = [
    ("step", 1),  # before any checkpoint
    ("clipping", 7),  # mid-epoch, between gradient and update
    ("step", 14),  # the second epoch
    ("validation", 3),
    ("write", 3),  # config and tokenizer are written first, so this is the first checkpoint
    ("write", 20),
]


@pytest.mark.parametrize(("place", "count"), POINTS)
def test_killed_and_resumed_is_left_alone(options: Options, alone: dict[str, Any], place: str, count: int) -> None:
    given = options()
    killed = process.start(given, Signal(signal.SIGKILL, place, count))
    assert killed.status == -signal.SIGKILL
    assert process.start({**given, "resume": True}).status == 0
    assert outcome(Path(given["out"])) == alone
