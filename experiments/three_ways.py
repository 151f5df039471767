"""The hand-written cell, the compiled one and torch.nn's, trained side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from statistics import mean, median

import torch
from matplotlib.figure import Figure
from torch import nn

import cellwright
from claim import Claim, Results, Table, Verdict, lines, seeds, spread, verdict

WAYS = ["reference", "compiled", "torch.nn"]
KINDS = {"LSTM": False, "BiLSTM": True}
T, B, I, H, STEPS = 20, 16, 8, 32, 60
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


def training(way: str, bidirectional: bool, dtype: torch.dtype, seed: int) -> Iterator[tuple[float, float]]:
    """Train from the same weights on the same batches without end: the loss of each step and its processor seconds."""
    torch.manual_seed(seed)
    kind = nn.LSTM if way == "torch.nn" else cellwright.LSTM
    layer = kind(I, H, bidirectional=bidirectional, dtype=dtype)
    dense = nn.Linear(H * (1 + bidirectional), 1, dtype=dtype)
    optimizer = torch.optim.SGD([*layer.parameters(), *dense.parameters()], 0.1, momentum=0.9)
    random = torch.Generator().manual_seed(seed)
    while True:
        inputs = torch.randn(T, B, I, generator=random, dtype=dtype)
        target = inputs.cumsum(0)[..., :1].tanh()  # to be remembered from the steps before
        with nullcontext() if way == "torch.nn" else cellwright.use_backend(way):
            began = time.process_time()
            optimizer.zero_grad()
            loss = (dense(layer(inputs)[0]) - target).square().mean()
            loss.backward()
            optimizer.step()
        yield loss.item(), time.process_time() - began


def curves(bidirectional: bool, dtype: torch.dtype, seed: int, steps: int) -> dict[str, tuple[list[float], float]]:
    """Of each way the losses, and the median seconds; a step of each in turn: what else runs meets all alike."""
    trainings = {way: training(way, bidirectional, dtype, seed) for way in WAYS}
    turns = [{way: next(one) for way, one in trainings.items()} for _ in range(steps)]
    return {way: ([turn[way][0] for turn in turns], median(turn[way][1] for turn in turns)) for way in WAYS}


def measure(quick: bool) -> Results:
    """curves[kind dtype][way], of the first seed; apart[kind dtype][way] from the reference and seconds: one a seed."""
    found: Results = {"curves": {}, "apart": {}, "seconds": {}}
    for kind, bidirectional in KINDS.items():
        for dtype in (torch.float32, torch.float64):
            case = f"{kind} {str(dtype).removeprefix('torch.')}"
            trials = [curves(bidirectional, dtype, seed, 3 if quick else STEPS) for seed in seeds(quick)]
            runs = {way: [trial[way] for trial in trials] for way in WAYS}
            found["curves"][case] = {way: of[0][0] for way, of in runs.items()}
            found["seconds"][case] = {way: [seconds for _, seconds in of] for way, of in runs.items()}
            found["apart"][case] = {
                way: [_apart(a, b) for (a, _), (b, _) in zip(of, runs["reference"], strict=True)]
                for way, of in runs.items()
            }
    return found


def _apart(losses: list[float], others: list[float]) -> float:
    """The largest difference of two curves, as a share of the loss there."""
    return max(abs(a - b) / abs(b) for a, b in zip(losses, others, strict=True))


def judge(results: Results) -> Verdict:
    """The same curve to rounding; and what each costs."""
    apart = {case: max(max(of[way]) for way in WAYS) for case, of in results["apart"].items()}
    seconds = {way: mean(results["seconds"]["LSTM float32"][way]) for way in WAYS}
    said = "; ".join(f"{case} {of:.0e}" for case, of in apart.items())
    return verdict(
        [value <= TOLERANCE[case.split()[1]] for case, value in apart.items()],
        f"Equal to rounding, not to the bit. The largest relative difference between loss curves: {said}. A training "
        f"step of the LSTM in float32 takes {1e3 * seconds['reference']:.1f} ms by hand, "
        f"{1e3 * seconds['torch.nn']:.1f} with torch.nn and {1e3 * seconds['compiled']:.2f} compiled: "
        f"{seconds['reference'] / seconds['compiled']:.1f} and {seconds['torch.nn'] / seconds['compiled']:.1f} times "
        "the compiled one.",
    )


def table(results: Results) -> Table:
    """A row a case and way."""
    rows = [
        [case, way, f"{max(results['apart'][case][way]):.1e}", spread(results["seconds"][case][way], 2, 1e3)]
        for case in results["apart"]
        for way in WAYS
    ]
    return Table(["layer", "way", "loss curve apart from the reference's", "training step, ms"], rows)


def draw(results: Results, figure: Figure) -> None:
    """The three curves upon each other, and the times."""
    left, right = figure.subplots(1, 2)
    for (way, losses), width in zip(results["curves"]["LSTM float32"].items(), (6, 3, 1), strict=True):
        left.plot(losses, linewidth=width, label=way)
    left.set(xlabel="step", ylabel="loss, LSTM float32", yscale="log")
    left.legend(fontsize=7)
    cases = results["seconds"]
    lines(right, list(cases), {way: [[1e3 * s for s in of[way]] for of in cases.values()] for way in WAYS})
    right.set(ylabel="training step, ms", ylim=(0, None))
    right.tick_params(axis="x", labelsize=7)


CLAIM = Claim(
    name="three_ways",
    title="An LSTM and a BiLSTM written by hand learn what the library's learn",
    notes=[
        (
            "Hand-LSTM and Hand-BI-LSTM: the notes write the equations with nn.Parameter, uniform in ±1/√H, and train "
            "them beside nn.LSTM.",
            "hand_lstm.py: 可以使用nn.Parameter()来转换一个固定的权重数值，使的其可以跟着网络训练一直调优下去 …… "
            "运行结果：BI-LSTM、Hand-LSTM、Hand-BI-LSTM",
        ),
    ],
    how=f"The same initial weights and batches for each: layers of {H} units on {I} features, {T} steps, batches of "
    f"{B}, {STEPS} steps of SGD with momentum. By hand is cellwright's reference, the equations in a Python loop; "
    "compiled are its kernels. The largest difference in the loss at any step, relative to the loss there; it holds up "
    f"to {TOLERANCE['float32']:.0e} in float32 and {TOLERANCE['float64']:.0e} in float64. Time is processor time of "
    "one thread, the median over steps, the three in turn. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
