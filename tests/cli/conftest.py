import contextlib
import io
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cellwright import stages
from cellwright.cli import main

stages.FIRST = 600.0  # what is slow on a busy machine must not change what a command says

LABELS = {"very good": ["great", "fine", "lovely", "好", "棒"], "坏 评": ["awful", "poor", "dull", "差", "坏"]}
NEUTRAL = ["the", "phone", "书", "酒店", "and", "it's", "🙂", 'so "so"', "a,b"]
OPTIONS = {
    "--hidden-size": 8, "--embedding-dim": 8, "--dropout": 0.1, "--learning-rate": 0.05, "--threads": 1,
    "--batch-tokens": 256, "--lr-schedule": "constant",
}  # fmt: skip
SMALL = [str(part) for option in OPTIONS.items() for part in option]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


def run_command(*arguments: object, stdin: bytes = b"") -> Ended:
    """Run `cellwright arguments` in this process; what is not an exit raises."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([str(argument) for argument in arguments])
    finally:
        sys.stdin = before
    return Ended(status, *(stream.buffer.getvalue().decode() for stream in (out, err)))


@pytest.fixture(scope="session")
def cellwright() -> Callable[..., Ended]:
    return run_command


def rows(count: int, seed: int) -> list[str]:
    """Rows of a CSV file: words that say nothing, and one that decides the label."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        label = draw.choice(list(LABELS))
        words = [*draw.choices(NEUTRAL, k=draw.randint(2, 9)), draw.choice(LABELS[label])]
        draw.shuffle(words)
        text = " ".join(words).replace('"', '""')
        made.append(f'"{text}",{label}')
    return made


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 texts as a spreadsheet writes them: byte order mark, CRLF, quotes, labels with spaces."""
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    path.write_bytes(("\ufeff" + "\r\n".join(["text,label", *rows(300, 0)]) + "\r\n").encode())
    return path


@pytest.fixture(scope="session")
def fitted(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A run made by the command, and what the command said."""
    out = tmp_path_factory.mktemp("runs") / "a run"
    return out, run_command("fit", reviews, "--out", out, "--max-epochs", 15, "--patience", 15, *SMALL)


@pytest.fixture
def small() -> list[str]:
    """Options of a model that is trained in a second."""
    return SMALL


@pytest.fixture
def run(fitted: tuple[Path, Ended]) -> Path:
    return fitted[0]
