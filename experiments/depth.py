"""One to five layers, with and without dropout between them: does more than three help, and does it converge?"""

from __future__ import annotations

from statistics import mean

import torch
from matplotlib.figure import Figure

import texts
from claim import Claim, Results, Table, Verdict, lines, seeds, spread, verdict
from learning import Reader, accuracy, mean_loss, train

DEPTHS, DROPOUTS = [1, 2, 3, 4, 5], [0.0, 0.3]
EPOCHS, ROWS = 6, 32


def trial(corpus: texts.Corpus, depth: int, dropout: float, seed: int, epochs: int) -> dict[str, float]:
    """Training loss after the first and the last epoch, and the best accuracy on the test texts after any."""
    torch.manual_seed(seed)
    # One layer has no between; dropout after the last layer is left out of the comparison.
    between = {"dropout": dropout} if depth > 1 else {}
    model = Reader(corpus.tokens, corpus.classes, num_layers=depth, **between)
    model.dropout.p = 0.0
    test, fitted = list(texts.batches(corpus.test, 100)), list(texts.batches(corpus.train, 100))
    losses, scores = [], []
    for epoch in range(epochs):
        train(model, texts.batches(corpus.train, ROWS, seed=100 * seed + epoch))
        losses.append(mean_loss(model, fitted))
        scores.append(accuracy(model, test))
    return {"first loss": losses[0], "last loss": losses[-1], "accuracy": max(scores)}


def measure(quick: bool) -> Results:
    """found[dropout][figure][depth]: one a seed."""
    corpus = texts.reviews(64, 64, 10) if quick else texts.reviews(1500, 1000, 40)
    found: Results = {}
    for dropout in DROPOUTS:
        of_depth = [
            [trial(corpus, depth, dropout, seed, 1 if quick else EPOCHS) for seed in seeds(quick)] for depth in DEPTHS
        ]
        keys = of_depth[0][0]
        found[str(dropout)] = {key: [[one[key] for one in trials] for trials in of_depth] for key in keys}
    return found


def judge(results: Results) -> Verdict:
    """More layers to three help; more than three do not; more than three converge worse; dropout helps."""
    score = {dropout: [mean(of) for of in found["accuracy"]] for dropout, found in results.items()}
    loss = {key: [mean(of) for of in results["0.0"][key]] for key in ("first loss", "last loss")}
    plain, dropped = score["0.0"], score["0.3"]
    parts = [
        max(plain[1:3]) > plain[0],
        max(plain[3:]) <= max(plain[:3]),
        min(loss["first loss"][3:]) > max(loss["first loss"][:3]),
        mean(dropped[1:]) > mean(plain[1:]),
    ]
    best = DEPTHS[plain.index(max(plain))]
    first, last = ([f"{loss[key][k]:.2f}" for k in (0, 2, 4)] for key in ("first loss", "last loss"))
    return verdict(
        parts,
        f"Without dropout the best depth is {best} ({100 * max(plain):.1f} % against {100 * plain[0]:.1f} % with one "
        f"layer and {100 * plain[-1]:.1f} % with five). Training loss after one epoch with 1, 3 and 5 layers: "
        f"{', '.join(first)}; after {EPOCHS}: {', '.join(last)}. Dropout of 0.3 between layers changes the mean "
        f"accuracy of two to five layers by {100 * (mean(dropped[1:]) - mean(plain[1:])):+.1f} points.",
    )


def table(results: Results) -> Table:
    """A row a depth."""
    rows = []
    for k, depth in enumerate(DEPTHS):
        row = [str(depth)]
        for found in results.values():
            row += [spread(found["accuracy"][k], 1, 100), spread(found["first loss"][k]), spread(found["last loss"][k])]
        rows.append(row)
    figures = ["test accuracy, %", "loss, first epoch", "loss, last"]
    return Table(["layers", *(f"{key}{end}" for end in ("", ", dropout 0.3") for key in figures)], rows)


def draw(results: Results, figure: Figure) -> None:
    """Accuracy and loss against depth."""
    left, right = figure.subplots(1, 2)
    lines(left, DEPTHS, {f"dropout {dropout}": found["accuracy"] for dropout, found in results.items()})
    named = [(f"dropout {d}, {key}", found[key]) for d, found in results.items() for key in ("first loss", "last loss")]
    lines(right, DEPTHS, dict(named))
    left.set(xlabel="layers", ylabel="best test accuracy", xticks=DEPTHS)
    right.set(xlabel="layers", ylabel="training loss", xticks=DEPTHS)
    left.legend(fontsize=7)
    right.legend(fontsize=7)


CLAIM = Claim(
    name="depth",
    title="Up to three layers; more hardly converge",
    notes=[
        (
            "The more LSTM layers (in general no more than three, beyond which training hardly converges), the better "
            "higher-level representations in time are learned; dropout between the layers prevents over-fitting.",
            "一般来说LSTM模块的层数越多（一般不超过3层，再多训练的时候就比较难收敛），对高级别的时间表示的学习能力越强；"
            "…… lstm层间可以插入dropout层来防止过拟合。",
        ),
    ],
    how=f"1,500 of the set reviews-zh by characters, cut at 40, tested on 1,000; embedding and layers of 32 units, "
    f"{EPOCHS} epochs of batches of {ROWS}, Adam at 0.005, gradient norm clipped at 1. Accuracy: after the best epoch, "
    "chosen on the test texts, the same for all. Loss: on all training texts, without dropout. Four parts: two or "
    "three layers beat one; none of four and five beats them all; four and five have a higher loss after the first "
    "epoch; dropout raises the accuracy. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
