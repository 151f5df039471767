"""A run of any task, killed between a gradient and its update and resumed, is the run left alone, bit for bit.

Of a classifier every other moment is tried too: tests/training/test_checkpointing.py and
tests/tasks/classify/test_pretrain.py.
"""

import signal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import made_series
import process
import tagged_requests
from process import Signal, outcome

WORDS = [f"{first}{second}{third}" for first in "abcd" for second in "abcd" for third in "abcd"]
TEXTS = "text\n" + "".join(f"{' '.join(word)}\n" for word in WORDS)
PAIRS = "source,target\n" + "".join(f"{word},{word[::-1]}\n" for word in WORDS)
PROSE = "salt and pepper, oil and vinegar. " * 60
SMALL: dict[str, Any] = {"hidden_size": 8, "embedding_dim": 8, "threads": 1, "batch_tokens": 64, "ema_decay": 0.9}


class Case(NamedTuple):
    """A run of ten steps or more."""

    task: str
    file: str
    content: str
    options: dict[str, Any]


CASES = {
    "tag": Case("tag", "a.jsonl", tagged_requests.lines(150, 0), tagged_requests.SMALL | {"sentence_label": "intent"}),
    # Two layers carry their states from window to window.
    "lm": Case("lm", "a.txt", PROSE, SMALL | {"bptt": 8, "num_layers": 2, "dropout": 0.1, "weight_drop": 0.2}),
    "transduce": Case("transduce", "a.csv", PAIRS, SMALL | {"dropout": 0.2}),
    "autoencode": Case("autoencode", "a.csv", TEXTS, SMALL | {"code_dim": 4, "min_frequency": 1}),
    "classes": Case("series", "a.csv", made_series.waves(80, 0), made_series.small(objective="classify")),
    "forecasts": Case(
        "series",
        "a.csv",
        made_series.days(300, 0),
        made_series.small(objective="forecast", window=16, batch_tokens=32),
    ),
    "anomalies": Case("series", "a.csv", made_series.beats(100, 0), made_series.small(objective="anomaly")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_killed_and_resumed_is_left_alone(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    data = tmp_path / case.file
    data.write_text(case.content)
    given = {**case.options, "task": case.task, "data": str(data), "max_epochs": 3, "checkpoint_seconds": 0}
    killed, alone = ({**given, "out": str(tmp_path / out)} for out in ("killed", "alone"))
    left = process.start(dict(alone))
    assert left.status == 0, left.said
    assert process.start(dict(killed), Signal(signal.SIGKILL, "clipping", 9)).status == -signal.SIGKILL
    assert process.start({**killed, "resume": True}).status == 0
    assert outcome(killed["out"]) == outcome(alone["out"])
