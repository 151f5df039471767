import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOOD, BAD = ["great", "fine", "lovely"], ["awful", "poor", "dull"]
NEUTRAL = [f"word{number}" for number in range(30)]

SMALL: dict[str, Any] = {
    "hidden_size": 8, "embedding_dim": 8, "batch_tokens": 512, "threads": 1, "seed": 1, "learning_rate": 0.05,
    "ema_decay": 0.9, "token_dropout": 0.1, "max_epochs": 9, "patience": 2, "lr_schedule": "constant",
    "checkpoint_seconds": 0,
}  # fmt: skip
"""A model of a thousand numbers, and a checkpoint after each of the eleven steps of an epoch."""


def review(random_: random.Random) -> str:
    """One CSV row: words that say nothing, and one that decides the label."""
    words = random_.choices(NEUTRAL, k=random_.randint(1, 20))
    label = random_.choice(["pos", "neg"])
    words.insert(random_.randint(0, len(words)), random_.choice(GOOD if label == "pos" else BAD))
    return f"{' '.join(words)},{label}\n"


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 labelled texts."""
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    source = random.Random(0)
    path.write_text("text,label\n" + "".join(review(source) for _ in range(500)))
    return path


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    return SMALL


@pytest.fixture
def options(reviews: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Options of a run that takes a second, as JSON would hold them."""

    def make(**changes: Any) -> dict[str, Any]:
        return {**SMALL, "data": str(reviews), "out": str(tmp_path / "run"), **changes}

    return make
