"""Sentences whose tags and intent can be learned in a second: what several tests of the tagger share."""

import json
import random
from typing import Any

CITIES = ["boston", "denver", "san jose", "new york", "oslo"]
SMALL: dict[str, Any] = {
    "hidden_size": 16, "embedding_dim": 8, "char_embedding_dim": 4, "dropout": 0.2, "batch_tokens": 256, "threads": 1,
    "seed": 1, "learning_rate": 0.05, "ema_decay": 0.9, "max_epochs": 9, "patience": 2, "lr_schedule": "constant",
    "checkpoint_seconds": 60,
}  # fmt: skip


def request(draw: random.Random) -> dict[str, Any]:
    """A sentence of two cities, with their tags and what it asks for."""
    intent = draw.choice(["fly", "fare"])
    tokens, tags = [draw.choice(["please", "now", intent]), intent], ["O", "O"]
    for word, kind in (("from", "from.city"), ("to", "to.city")):
        first, *others = draw.choice(CITIES).split()
        tokens += [word, first, *others]
        tags += ["O", f"B-{kind}", *(f"I-{kind}" for _ in others)]
    return {"tokens": tokens, "tags": tags, "intent": intent}


def lines(count: int, seed: int) -> str:
    draw = random.Random(seed)
    return "".join(json.dumps(request(draw)) + "\n" for _ in range(count))
