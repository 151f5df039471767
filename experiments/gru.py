"""GRU against LSTM: size, memory, time, and the score on short and on long sequences."""

from __future__ import annotations

from functools import partial
from statistics import mean

import torch
from matplotlib.figure import Figure
from torch import nn

import cellwright
import texts
from claim import Claim, Results, Table, Verdict, seeds, spread, verdict
from learning import in_turn
from problems import PROBLEMS, STEPS, learn, skill

MAKERS = {
    "cellwright": {"LSTM": cellwright.LSTM, "GRU": cellwright.GRU},
    "torch.nn": {"LSTM": nn.LSTM, "GRU": nn.GRU},
}
CELLS = ("LSTM", "GRU")
T, B, H = 100, 32, 128
# The least length, and where it is cut.
REVIEWS = {"reviews, to 25 characters": (0, 25), "reviews, 60 to 150": (60, 150)}
LONG = ["adding, 60 steps", "temporal order, 60 steps", "reviews, 60 to 150"]


def kept_bytes(layer: nn.Module) -> int:
    """What the forward pass keeps for the backward pass, the parameters and the input aside."""
    inputs = torch.randn(T, B, H)
    aside = {tensor.data_ptr() for tensor in (inputs, *layer.parameters())}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in aside:
            kept[tensor.data_ptr()] = max(kept.get(tensor.data_ptr(), 0), tensor.numel() * tensor.element_size())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        layer(inputs)
    return sum(kept.values())


def step(layer: nn.Module) -> None:
    """Forward and backward."""
    layer(torch.randn(T, B, H))[0].sum().backward()


def real_score(cell: str, shortest: int, longest: int, seed: int, quick: bool) -> float:
    """Accuracy on reviews of such lengths, the best of 6 epochs."""
    corpus = texts.reviews(64, 64, 10) if quick else texts.reviews(1500, 500, longest, shortest)
    return texts.trial(corpus, seed, 1 if quick else 6, cell=cell, hidden=48)["best"]


def made_up_score(name: str, cell: str, distance: int, seed: int, quick: bool) -> tuple[float, int]:
    """The skill on one of the problems made for long dependencies, and the batches that it took."""
    model, taken = learn(PROBLEMS[name], cell, distance, seed, 2 if quick else STEPS)
    return skill(PROBLEMS[name], model, distance), taken


def measure(quick: bool) -> Results:
    """cost[layer][figure]; score[problem, length][LSTM or GRU], and batches likewise: one a seed."""
    torch.manual_seed(0)
    layers = {f"{name}, {whose}": kind(H, H) for whose, pair in MAKERS.items() for name, kind in pair.items()}
    times = in_turn({name: partial(step, layer) for name, layer in layers.items()}, 1 if quick else 15)
    cost = {
        name: {"parameters": sum(p.numel() for p in of.parameters()), "bytes": kept_bytes(of), "seconds": times[name]}
        for name, of in layers.items()
    }
    found: Results = {"cost": cost, "score": {}, "batches": {}}
    for name, distance in ((name, d) for name in ("adding", "temporal order") for d in (15, 60)):
        trials = {c: [made_up_score(name, c.lower(), distance, s, quick) for s in seeds(quick)] for c in CELLS}
        found["score"][f"{name}, {distance} steps"] = {c: [score for score, _ in of] for c, of in trials.items()}
        found["batches"][f"{name}, {distance} steps"] = {c: [taken for _, taken in of] for c, of in trials.items()}
    for name, span in REVIEWS.items():
        found["score"][name] = {c: [real_score(c.lower(), *span, s, quick) for s in seeds(quick)] for c in CELLS}
    return found


def judge(results: Results) -> Verdict:
    """Smaller, less memory, faster; and on long sequences the LSTM more accurate, for every seed."""
    whose, cost = list(MAKERS), results["cost"]
    ratio = {key: [cost[f"GRU, {w}"][key] / cost[f"LSTM, {w}"][key] for w in whose] for key in cost[f"GRU, {whose[0]}"]}
    pairs = {p: zip(of["LSTM"], of["GRU"], strict=True) for p, of in results["score"].items()}
    gains = {p: [100 * (a - b) for a, b in pair] for p, pair in pairs.items()}
    long = {p: gain for p, gain in gains.items() if p in LONG}
    said = "; ".join(f"{p} {mean(g):+.1f} ({min(g):+.1f} to {max(g):+.1f})" for p, g in gains.items())
    costs = "; ".join(
        f"{what} {', '.join(f'{r:.2f} with {w}' for r, w in zip(ratio[key], whose, strict=True))}"
        for key, what in (("bytes", "memory kept for the backward pass"), ("seconds", "time of a training step"))
    )
    cheaper = [r < 1 for key in ratio for r in ratio[key]]
    return verdict(
        [*cheaper, *(min(gain) > 0 for gain in long.values())],
        f"GRU to LSTM: parameters {ratio['parameters'][0]:.2f}; {costs}. LSTM less GRU, in points of skill or "
        f"accuracy: {said}. Of the {len(long)} long problems, the LSTM is better for all seeds in "
        f"{sum(min(g) > 0 for g in long.values())}, the GRU in {sum(max(g) < 0 for g in long.values())}.",
    )


def table(results: Results) -> Table:
    """Costs, then scores."""
    rows = []
    for whose in MAKERS:
        pair = [results["cost"][f"{name}, {whose}"] for name in CELLS]
        rows.append([f"kept for the backward pass, MiB, {whose}", *(f"{of['bytes'] / 2**20:.1f}" for of in pair)])
        rows.append([f"training step, ms, {whose}", *(f"{1e3 * of['seconds']:.1f}" for of in pair)])
    rows.insert(0, ["parameters", *(f"{results['cost'][f'{n}, torch.nn']['parameters']:,}" for n in CELLS)])
    for problem, of in results["score"].items():
        rows.append([f"{problem}, score, %", *(spread(of[name], 1, 100) for name in of)])
        if problem in results["batches"]:
            rows.append([f"{problem}, batches", *(spread(v, 0) for v in results["batches"][problem].values())])
    return Table(["", "LSTM", "GRU"], rows)


def draw(results: Results, figure: Figure) -> None:
    """Scores side by side."""
    ax = figure.subplots()
    for shift, name in enumerate(CELLS):
        of = [values[name] for values in results["score"].values()]
        ends = [[mean(v) - min(v) for v in of], [max(v) - mean(v) for v in of]]
        ax.bar([k + 0.38 * shift for k in range(len(of))], [mean(v) for v in of], 0.36, yerr=ends, label=name)
    ax.set(ylabel="skill or accuracy", xticks=[k + 0.19 for k in range(len(results["score"]))])
    ax.set_xticklabels([name.replace(", ", ",\n") for name in results["score"]])
    ax.legend(loc="lower right")


CLAIM = Claim(
    name="gru",
    title="GRU needs less memory and time; the LSTM is more accurate on long sequences",
    notes=[
        (
            "GRU uses less memory and is faster than LSTM; but on data sets of longer sequences, LSTM is more "
            "accurate.",
            "GRU 使用更少的内存并且比 LSTM 更快，但是，当使用具有较长序列的数据集时，LSTM 更准确。",
        ),
    ],
    how=f"Costs: one layer of {H} units on {H} inputs, {T} steps of {B} sequences in float32; bytes as autograd's "
    "saved tensors have them, parameters and input aside; time is processor time of one thread, the median of 15 "
    "training steps in turn. Problems: as in long_dependencies: 24 units, skill 1 for always right; batches: until "
    f"solved, at most {STEPS}. Reviews: 1,500 texts by characters and 500 to test, 48 units, the best of 6 epochs. "
    f"Long are: {'; '.join(LONG)}. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
