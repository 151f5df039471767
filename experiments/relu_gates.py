"""ReLU for a gate: what the library says to it, and what the gate then is."""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.figure import Figure

import cellwright
from cellwright.cells.language import State, relu, sigmoid, tanh
from claim import Claim, Results, Table, Verdict, seeds, spread, verdict

SIZE, ROWS, STEPS = 32, 16, 100
ACTIVATIONS = {"sigmoid": sigmoid, "ReLU": relu}


def define(activation: Any, gates: str) -> cellwright.cells.Definition:
    """An LSTM whose forget gate has this activation, its letters `gates` declared to be gates."""

    @cellwright.cell(projections="i f g o", gates=gates, state="h c")
    def lstm_with_a_choice(x: Any, u: Any, s: Any) -> State:
        i = sigmoid(x.i + u.i)
        f = activation(x.f + u.f)
        g = tanh(x.g + u.g)
        o = sigmoid(x.o + u.o)
        c = f * s.c + i * g
        return State(h=o * tanh(c), c=c)

    return lstm_with_a_choice


def refusal(activation: Any) -> str:
    """What the definition is told; empty where it is taken."""
    try:
        define(activation, "i f o")
    except cellwright.DefinitionError as error:
        return str(error)
    return ""


def measure(quick: bool) -> Results:
    """refusal[activation]; of f in an untrained layer, declared to be no gate, zeros and above 1: one a seed."""
    found: Results = {"refusal": {}, "zeros": {}, "above 1": {}}
    for name, activation in ACTIVATIONS.items():
        found["refusal"][name] = refusal(activation)
        found["zeros"][name], found["above 1"][name] = [], []
        for seed in seeds(quick):
            torch.manual_seed(seed)
            layer = cellwright.Recurrent(define(activation, "i o"), SIZE, SIZE)
            f = layer(2 * torch.randn(STEPS, ROWS, SIZE), return_gates=True)[-1][0]["f"]
            found["zeros"][name].append(float((f == 0).float().mean()))
            found["above 1"][name].append(float((f > 1).float().mean()))
    return found


def judge(results: Results) -> Verdict:
    """Refused with ReLU and not with sigmoid; and out of [0, 1] where it is let through."""
    outside = results["above 1"]["ReLU"]
    return verdict(
        [bool(results["refusal"]["ReLU"]) and not results["refusal"]["sigmoid"], min(outside) > 0],
        f"The definition is refused: “{results['refusal']['ReLU']}”. Declared to be no gate it runs, and selects "
        f"nothing: {100 * sum(outside) / len(outside):.0f} % of its values amplify the memory (above 1).",
    )


def table(results: Results) -> Table:
    """A row an activation."""
    rows = [
        [name, "refused" if results["refusal"][name] else "taken"]
        + [spread(results[key][name], 1, 100) for key in ("zeros", "above 1")]
        for name in ACTIVATIONS
    ]
    return Table(["forget gate", "as a gate", "exactly 0, %", "above 1, %"], rows)


def draw(results: Results, figure: Figure) -> None:
    """Shares of values."""
    ax = figure.subplots()
    for shift, key in enumerate(("zeros", "above 1")):
        means = [sum(results[key][name]) / len(results[key][name]) for name in ACTIVATIONS]
        ax.bar([k + 0.3 * shift for k in range(len(means))], means, 0.28, label=key)
    ax.set(ylabel="share of the forget gate's values", xticks=[0.15, 1.15], xticklabels=list(ACTIVATIONS))
    ax.legend()


CLAIM = Claim(
    name="relu_gates",
    title="The gates cannot use ReLU",
    notes=[
        (
            "Can the gates of an LSTM use ReLU? Obviously not! A gate selects how much to forget, to store, to update, "
            "so its activation must saturate and have the range [0, 1].",
            "LSTM的门可否用Relu激活？答：显然不能！！！……我们是必须要使用值域为[0,1]的饱和激活函数来实现门的选择功能。",
        ),
    ],
    how=f"An LSTM whose forget gate is a ReLU is defined, once with f declared a gate and once without. There its "
    f"values are recorded in an untrained layer of {SIZE} units over {STEPS} steps of normal noise of standard "
    "deviation 2. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
