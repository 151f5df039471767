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


def reservoirs(count: int, days: int, seed: int, ahead: int = 0) -> str:
    """CSV of catchments whose flow is that of a linear reservoir, which rain fills and evaporation empties.

    The larger the area, the slower it flows. `ahead`: in the last days the flow is not there yet.
    """
    draw = random.Random(seed)
    rows = ["series,time,rain,pet,area,flow"]
    for k in range(count):
        area, stored = draw.randint(10, 90), 0.0
        for t in range(days):
            rain = draw.expovariate(1 / 8) if draw.random() < 0.4 else 0.0
            pet = 2 + 1.8 * sin(t * 6.283185 / 365)
            stored = max(0.0, stored + rain - 0.5 * pet)
            flow = stored * 10 / (20 + area)
            stored -= flow
            written = f"{flow:.4f}" if t < days - ahead else ""
            rows.append(f"k{k},{t},{rain:.3f},{pet:.3f},{area},{written}")
    return "\n".join(rows) + "\n"


def gauged(days: int, seed: int, **parameters: float) -> str:
    """CSV of a catchment whose flow GR4J makes of rain and pet, by those parameters."""
    import torch  # of no use to the others

    from cellwright import Recurrent

    weather = [row.split(",")[2:4] for row in reservoirs(1, days, seed).splitlines()[1:]]
    read = torch.tensor([[float(each) for each in row] for row in weather])
    given = {name: torch.tensor([value]) for name, value in parameters.items()}
    flow, _ = Recurrent("gr4j", 2, 1)(read[:, None], parameters=given)
    rows = [f"{t},{rain},{pet},{q:.5f}" for t, ((rain, pet), q) in enumerate(zip(weather, flow.flatten(), strict=True))]
    return "\n".join(["time,rain,pet,flow", *rows]) + "\n"


def scaled_reservoirs(count: int, days: int, seed: int) -> str:
    """The same, each flow and rain in a unit of its own, ten times the one before."""
    header, *rows = reservoirs(count, days, seed).splitlines()
    made = [header]
    for row in rows:
        name, time, rain, pet, area, flow = row.split(",")
        unit = 10 ** int(name[1:])
        made.append(f"{name},{time},{unit * float(rain):.6g},{pet},{area},{unit * float(flow):.6g}")
    return "\n".join(made) + "\n"
