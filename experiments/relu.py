"""ReLU in the cell, with and without clipped gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from matplotlib.figure import Figure
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from cellwright.data.synthetic import adding
from cellwright.data.synthetic.adding import VARIANCE
from claim import Claim, Results, Table, Verdict, seeds, verdict
from learning import Batch, Reader, loss_of

CELLS = ["lstm", "relu-lstm", "rnn", "rnn-relu"]
RECTIFIED = ["relu-lstm", "rnn-relu"]
RATES = [0.1, 0.5, 2.0]
ROWS, STEPS, LENGTH = 32, 120, 50
CLIPPING: dict[str, Callable[[Any], Any]] = {
    "none": lambda parameters: None,
    "by value, 0.1": lambda parameters: clip_grad_value_(parameters, 0.1),
    "by norm, 1": lambda parameters: clip_grad_norm_(parameters, 1.0),
}


def trial(cell: str, clip: Callable[[Any], Any], rate: float, seed: int, steps: int) -> dict[str, float | bool]:
    """Plain gradient descent: whether it exploded, and the largest gradient norm before clipping."""
    torch.manual_seed(seed)
    model = Reader(2, 1, cell=cell, hidden=24, tokens=False)
    optimizer = torch.optim.SGD(model.parameters(), rate)
    largest = 0.0
    for step in range(steps):
        batch = Batch(*adding(ROWS, LENGTH, seed=1000 * seed + step))
        optimizer.zero_grad()
        found = loss_of(model(batch), batch.target)
        found.backward()
        loss, norm = found.item(), float(clip_grad_norm_(model.parameters(), math.inf))
        if not math.isfinite(loss) or not math.isfinite(norm) or loss > 1000 * VARIANCE:
            return {"exploded": True, "largest norm": max(largest, norm if math.isfinite(norm) else 0.0)}
        largest = max(largest, norm)
        clip(model.parameters())
        optimizer.step()
    return {"exploded": False, "largest norm": largest}


def measure(quick: bool) -> Results:
    """runs[rate][cell][clipping][figure]: one a seed."""
    found: Results = {"runs": {}}
    for rate in RATES:
        found["runs"][str(rate)] = {}
        for cell in CELLS:
            of_cell = found["runs"][str(rate)][cell] = {}
            for name, clip in CLIPPING.items():
                trials = [trial(cell, clip, rate, seed, 2 if quick else STEPS) for seed in seeds(quick)]
                of_cell[name] = {key: [one[key] for one in trials] for key in trials[0]}
    return found


def explosions(results: Results, cells: list[str], clipping: str) -> tuple[int, int]:
    """How many runs exploded, of how many."""
    runs = [x for of in results["runs"].values() for cell in cells for x in of[cell][clipping]["exploded"]]
    return sum(runs), len(runs)


def judge(results: Results) -> Verdict:
    """ReLU explodes more than tanh; clipping by norm makes that rarer, and by value too."""
    tanh_cells = [cell for cell in CELLS if cell not in RECTIFIED]
    counts = {
        (who, clipping): explosions(results, cells, clipping)
        for who, cells in (("ReLU", RECTIFIED), ("tanh", tanh_cells))
        for clipping in CLIPPING
    }
    none, value, norm = CLIPPING
    said = ", ".join(f"{who} clipped {clipping} {a} of {b}" for (who, clipping), (a, b) in counts.items())
    return verdict(
        [
            counts["ReLU", none][0] > counts["tanh", none][0],
            counts["ReLU", norm][0] < counts["ReLU", none][0],
            counts["ReLU", value][0] < counts["ReLU", none][0],
        ],
        f"Runs that exploded: {said.replace('clipped none', 'without clipping')}.",
    )


def table(results: Results) -> Table:
    """A row a rate and cell: explosions and the largest gradient norm, for each clipping."""
    rows = []
    for rate, of_rate in results["runs"].items():
        for cell, of_cell in of_rate.items():
            cells = [
                f"{sum(f['exploded'])} of {len(f['exploded'])}, {max(f['largest norm']):.1e}" for f in of_cell.values()
            ]
            rows.append([rate, cell, *cells])
    return Table(["learning rate", "cell", *(f"clipped {name}" for name in CLIPPING)], rows)


def draw(results: Results, figure: Figure) -> None:
    """The largest gradient norm against the learning rate, a panel a clipping."""
    for ax, clipping in zip(figure.subplots(1, len(CLIPPING), sharey=True), CLIPPING, strict=True):
        for cell in CELLS:
            norms = [max(1e-3, *of[cell][clipping]["largest norm"]) for of in results["runs"].values()]
            ax.plot(RATES, norms, marker="o", label=cell)
        ax.set(title=f"clipping: {clipping}", xscale="log", yscale="log", xlabel="learning rate")
    figure.axes[0].set_ylabel("largest gradient norm")
    figure.axes[0].legend(fontsize=7)


CLAIM = Claim(
    name="relu",
    title="ReLU in the cell asks for clipped gradients",
    notes=[
        (
            "Should an LSTM use ReLU? It can, but clipping for exploding gradients has to be thought of.",
            "LSTM该不该使用Relu激活？答：可以，但需要付出额外考虑梯度爆炸时的梯度裁剪。",
        ),
    ],
    how=f"The adding problem of {LENGTH} steps, 24 units, torch's initial weights, {STEPS} steps of plain gradient "
    f"descent (SGD) on batches of {ROWS}, for each learning rate, cell and clipping, 3 seeds. Exploded: the loss or "
    "the gradient is not finite, or the loss is above 1000 times that of always answering 1. The figure beside it is "
    "the largest norm of the gradient before it is clipped. Three parts: ReLU explodes in more runs than tanh; "
    "clipping by norm makes them fewer; clipping by value too; the definition of a ReLU gate is refused.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
