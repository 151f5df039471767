import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SMALL: dict[str, Any] = {
    "hidden_size": 12, "embedding_dim": 8, "batch_tokens": 64, "bptt": 8, "threads": 1, "seed": 1, "max_epochs": 3,
    "learning_rate": 0.03, "ema_decay": 0.9, "patience": 9, "checkpoint_seconds": 60, "min_frequency": 1,
}  # fmt: skip
"""A model of a thousand numbers."""


def prose(words: int, seed: int) -> str:
    """Text whose next character is often certain."""
    source = random.Random(seed)
    return "".join(source.choice(["salt ", "pepper ", "oil,\n", "vinegar. "]) for _ in range(words))


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One text of 2,000 characters or so."""
    path = tmp_path_factory.mktemp("data") / "book.txt"
    path.write_text(prose(330, 0), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    return SMALL


@pytest.fixture
def options(book: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Options of a run that takes a second, as JSON would hold them."""

    def make(**changes: Any) -> dict[str, Any]:
        return {**SMALL, "data": str(book), "out": str(tmp_path / "run"), **changes}

    return make
