"""How much of the loss' gradient comes back through time, and what carries it."""

from __future__ import annotations

from statistics import geometric_mean, mean

import torch
from matplotlib.figure import Figure
from torch import Tensor

import cellwright
from claim import Claim, Results, Table, Verdict, lines, seeds, spread, verdict
from learning import CELLS

LAGS = [1, 2, 5, 10, 20, 50, 100]
SIZE, ROWS, HIDDEN = 8, 16, 32


def gradients(layer: cellwright.Recurrent, inputs: Tensor) -> list[float]:
    """‖d loss_T / d c_t‖, or of h where the cell has no c, for t = T − lag; the loss is a fixed mixture of h_T."""
    step = cellwright.RecurrentCell(layer.cell, SIZE, HIDDEN)
    step.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    kept: list[Tensor] = []
    state = None
    for x in inputs:
        state = step(x, state)
        kept.append(state[1] if isinstance(state, tuple) else state)
        kept[-1].retain_grad()
    h = state[0] if isinstance(state, tuple) else state
    (h * torch.linspace(-1, 1, HIDDEN)).sum().backward()
    return [float(kept[-1 - lag].grad.norm()) for lag in LAGS]  # type: ignore[union-attr]


def carried(layer: cellwright.Recurrent, inputs: Tensor) -> float | None:
    """The geometric mean of what the old state is multiplied with on the straight way: the forget gates, or z."""
    letters = layer(inputs, return_gates=True)[-1][0]
    if layer.cell.name == "lstm-1997":
        return 1.0
    gate = letters.get("f", letters.get("z"))
    return None if gate is None else float(gate.log().mean().exp())


def measure(quick: bool) -> Results:
    """norm[cell][lag], as a share of the norm at lag 1, and carried[cell]: one a seed."""
    found: Results = {"norm": {}, "carried": {}}
    for name, options in CELLS.items():
        trials, shares = [], []
        for seed in seeds(quick):
            torch.manual_seed(seed)
            layer = cellwright.Recurrent(input_size=SIZE, hidden_size=HIDDEN, **options)
            inputs = torch.randn(LAGS[-1] + 1, ROWS, SIZE)
            norms = gradients(layer, inputs)
            trials.append([norm / norms[0] for norm in norms])
            shares.append(carried(layer, inputs))
        found["norm"][name] = [list(of_lag) for of_lag in zip(*trials, strict=True)]
        found["carried"][name] = None if None in shares else shares
    return found


def factor(norms: list[list[float]]) -> list[float]:
    """By what the gradient is multiplied in one step, over lags 10 to 50, one a seed."""
    near, far = norms[LAGS.index(10)], norms[LAGS.index(50)]
    return [(b / a) ** (1 / 40) for a, b in zip(near, far, strict=True)]


def judge(results: Results) -> Verdict:
    """No vanishing where nothing is forgotten; less of it than the plain network's; and none with torch's weights?"""
    steps = {cell: geometric_mean(factor(norms)) for cell, norms in results["norm"].items()}
    left = {cell: mean(norms[-1]) for cell, norms in results["norm"].items()}
    parts = [left["lstm-1997"] > 0.1, steps["lstm"] > steps["rnn"], left["lstm"] > 0.01]
    return verdict(
        parts,
        f"The sum alone keeps the gradient: the 1997 cell, c = c + i·g, multiplies it by {steps['lstm-1997']:.2f} a "
        f"step. With a forget gate the derivative is a product again, of the forget gates: {steps['lstm']:.2f} a step "
        f"from torch's initial weights, where f is {mean(results['carried']['lstm']):.2f}, so that {left['lstm']:.0e} "
        f"is left after {LAGS[-1]} steps; {steps['lstm, forget bias 1']:.2f} with a forget bias of 1; the plain "
        f"network {steps['rnn']:.2f}.",
    )


def table(results: Results) -> Table:
    """A row a cell."""
    rows = []
    for cell, norms in results["norm"].items():
        carries = results["carried"][cell]
        kept = [f"{mean(norms[LAGS.index(lag)]):.1e}" for lag in (10, 50, 100)]
        rows.append([cell, spread(factor(norms), 3), spread(carries, 3) if carries else "–", *kept])
    return Table(["cell", "factor a step", "carried straight on", "left after 10", "after 50", "after 100"], rows)


def draw(results: Results, figure: Figure) -> None:
    """The norms against the lag."""
    ax = figure.subplots()
    lines(ax, LAGS, results["norm"])
    ax.set(
        yscale="log", ylim=(1e-20, 10), xlabel="steps back from the loss", ylabel="gradient norm, share of that at 1"
    )
    ax.legend(fontsize=7)


CLAIM = Claim(
    name="gradients",
    title="The cell state is a sum, so its gradient does not vanish",
    notes=[
        (
            "In an LSTM the state is computed by adding up, so it is no longer a composition of functions and its "
            "derivative is not a product. The gradient does not vanish by derivatives that are always below 1.",
            "由于LSTM中，状态S是通过累加的方式来计算的，这样的话，就不是一直复合函数的形式了，它的的导数也不是乘积的形式。"
            "不存在导数一直是小数从而导致梯度消失的问题。",
        ),
        (
            "The long-term memory C keeps a linear operation; since linear operations are stable, the LSTM keeps a "
            "long-term memory well.",
            "长期记忆C，保持线性操作，通过Cell State实现。因为线性操作是比较稳定的，那么C的变化也就是相对稳定，"
            "因此，LSTM可以很好保持长期记忆。",
        ),
    ],
    how=f"The gradient of a fixed mixture of h_T by c_t, the state that is carried on (by h_t where there is no c), in "
    f"untrained layers of {HIDDEN} units on normal noise of {SIZE} features. Factor a step: what the norm is "
    "multiplied with, over 10 to 50 steps back. Carried straight on: the geometric mean of the forget gates (of z in "
    "the GRU), which alone stand on the way from c to c. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
