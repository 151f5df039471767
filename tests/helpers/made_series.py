"""Series for the tests: waves of two speeds, days and nights, chords, waves of which some jump, panels, lines."""

import random
from math import sin
from typing import Any

SMALL: dict[str, Any] = {
    "hidden_size": 12, "threads": 1, "learning_rate": 0.03, "dropout": 0.0, "ema_decay": 0.8, "max_epochs": 12,
    "patience": 12, "batch_tokens": 256,
}  # fmt: skip
"""Options of a model that is trained in a second or two."""


def small(**changes: Any) -> dict[str, Any]:
    """SMALL with changes; to find anomalies without what that objective does not read."""
    given = SMALL | changes
    return {name: given[name] for name in given if name != "dropout" or given.get("objective") != "anomaly"}


def waves(count: int, seed: int, missing: float = 0.0) -> str:
    """CSV of series that are slow or fast, of one channel and another of noise."""
    draw = random.Random(seed)
    rows = ["series,time,wave,noise,label"]
    for k in range(count):
        fast = draw.random() < 0.5
        phase, length = draw.uniform(0, 6), draw.randint(8, 20)
        for t in range(length):
            value = 10 + sin(phase + t * (1.6 if fast else 0.5)) + draw.gauss(0, 0.1)
            written = "" if draw.random() < missing else f"{value:.3f}"
            rows.append(f"w{k},{t},{written},{draw.gauss(100, 5):.2f},{'fast' if fast else 'slow'}")
    return "\n".join(rows) + "\n"


def days(steps: int, seed: int, missing: float = 0.0) -> str:
    """CSV of one series that repeats itself every eight steps, nearly."""
    draw = random.Random(seed)
    rows = ["time,load"]
    for t in range(steps):
        value = 500 + 100 * sin(t * 6.283185 / 8) + draw.gauss(0, 10)
        rows.append(f"{t}," + ("" if draw.random() < missing else f"{value:.2f}"))
    return "\n".join(rows) + "\n"


def chords(count: int, seed: int) -> str:
    """CSV of frames in which one of three notes sounds, and the next one follows it."""
    draw = random.Random(seed)
    rows = ["series,a,b,c"]
    for k in range(count):
        note = draw.randrange(3)
        for _ in range(draw.randint(6, 12)):
            rows.append(f"{k}," + ",".join(str(int(note == each)) for each in range(3)))
            note = (note + 1) % 3
    return "\n".join(rows) + "\n"


def beats(count: int, seed: int) -> str:
    """CSV of waves, a sixth of which jump."""
    draw = random.Random(seed)
    rows = ["series,x,label"]
    for k in range(count):
        phase, odd, place = draw.uniform(0, 6), draw.random() < 1 / 6, draw.randrange(3, 9)
        for t in range(12):
            jump = 3 if odd and t == place else 0
            rows.append(f"{k},{sin(phase + 0.5 * t) + jump:.3f},{'odd' if odd else 'usual'}")
    return "\n".join(rows) + "\n"


def stores(days: int, seed: int) -> str:
    """CSV of a panel: six series that repeat every seven steps, on scales from 3 to 300,000."""
    draw = random.Random(seed)
    rows = ["series,sales"]
    for k in range(6):
        for t in range(days):
            value = 10**k * (3 + sin(t * 6.283185 / 7) + draw.gauss(0, 0.1))
            rows.append(f"store{k},{value:.8g}")
    return "\n".join(rows) + "\n"


def slopes(count: int, seed: int, missing: float = 0.0) -> str:
    """CSV of noisy lines, labelled with their slope."""
    draw = random.Random(seed)
    rows = ["series,x,label"]
    for k in range(count):
        slope = round(draw.uniform(-1, 1), 4)
        for t in range(draw.randint(8, 14)):
            written = "" if draw.random() < missing else f"{slope * t + draw.gauss(0, 0.1):.3f}"
            rows.append(f"{k},{written},{slope}")
    return "\n".join(rows) + "\n"


def emptied(content: str, begin: int, end: int) -> str:
    """The rows of those numbers without their values, in CSV of a time and a channel."""
    header, *rows = content.splitlines()
    rows[begin:end] = [row.split(",")[0] + "," for row in rows[begin:end]]
    return "\n".join([header, *rows]) + "\n"
