import random
from pathlib import Path

import pytest

NEUTRAL = [f"word{number}" for number in range(20)]


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 labelled texts of a few words, one of which decides."""
    path, draw = tmp_path_factory.mktemp("data") / "reviews.csv", random.Random(0)
    rows = []
    for _ in range(300):
        words, label = draw.choices(NEUTRAL, k=draw.randint(1, 9)), draw.choice(["pos", "neg"])
        words.insert(
            draw.randint(0, len(words)), draw.choice(["great", "fine"] if label == "pos" else ["awful", "dull"])
        )
        rows.append(f"{' '.join(words)},{label}\n")
    path.write_text("text,label\n" + "".join(rows))
    return path
