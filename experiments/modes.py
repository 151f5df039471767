"""train() and eval(): dropout is on in the one and off in the other."""

from __future__ import annotations

from statistics import mean

import torch
from matplotlib.figure import Figure

import texts
from claim import Claim, Results, Table, Verdict, seeds, spread, verdict
from learning import Reader, train

EPOCHS, PASSES = 5, 20


def measure(quick: bool) -> Results:
    """Figures of trained models: one a seed."""
    corpus = texts.reviews(64, 64, 10) if quick else texts.reviews(1500, 1000, 40)
    trials = [_trial(corpus, seed, 1 if quick else EPOCHS) for seed in seeds(quick)]
    return {key: [one[key] for one in trials] for key in trials[0]}


@torch.no_grad()
def _trial(corpus: texts.Corpus, seed: int, epochs: int) -> dict[str, float]:
    torch.manual_seed(seed)
    model = Reader(corpus.tokens, corpus.classes, num_layers=2, dropout=0.5)
    with torch.enable_grad():
        for epoch in range(epochs):
            train(model, texts.batches(corpus.train, 32, seed=100 * seed + epoch))
    test = list(texts.batches(corpus.test, 100))
    labels = torch.cat([batch.target for batch in test])

    def probabilities() -> torch.Tensor:
        return torch.cat([model(batch).softmax(-1) for batch in test])

    model.train()
    passes = torch.stack([probabilities() for _ in range(PASSES)])  # (passes, texts, classes)
    model.eval()
    still, again = probabilities(), probabilities()
    answers = passes.argmax(-1)
    return {
        "eval differs": float((still - again).abs().max()),
        "train differs": float((passes[0] - passes[1]).abs().max()),
        "answers changed": float((answers[0] != answers[1]).float().mean()),
        "accuracy eval": float((still.argmax(-1) == labels).float().mean()),
        "accuracy train": float((answers == labels).float().mean()),
        "accuracy of the mean": float((passes.mean(0).argmax(-1) == labels).float().mean()),
    }


def judge(results: Results) -> Verdict:
    """Answers waver in train() alone, eval() repeats itself, and is as good as many passes together."""
    score = {way: mean(results[f"accuracy {way}"]) for way in ("eval", "train", "of the mean")}
    parts = [
        max(results["eval differs"]) == 0 < min(results["train differs"]),
        score["eval"] > score["train"],
        abs(score["eval"] - score["of the mean"]) < 0.01,
    ]
    return verdict(
        parts,
        f"Two passes in eval() agree to the bit; in train() a probability moves by up to "
        f"{max(results['train differs']):.2f} and {100 * mean(results['answers changed']):.1f} % of the answers "
        f"change. eval() is right in {100 * score['eval']:.1f} %, a pass in train() in {100 * score['train']:.1f} %, "
        f"the mean of {PASSES} such passes, the notes' many networks together, in {100 * score['of the mean']:.1f} %.",
    )


def table(results: Results) -> Table:
    """A row a figure."""
    percent = ("answers changed", "accuracy eval", "accuracy train", "accuracy of the mean")
    names = {
        "answers changed": "answers changed between two passes in train(), %",
        "accuracy eval": "accuracy in eval(), %",
        "accuracy train": "accuracy of a pass in train(), %",
        "accuracy of the mean": f"accuracy of the mean of {PASSES} passes in train(), %",
    }
    rows = [
        [f"largest change of a probability between two passes in {way}()", spread(results[f"{way} differs"])]
        for way in ("eval", "train")
    ]
    return Table(["", "mean (lowest–highest)"], [*rows, *([names[k], spread(results[k], 1, 100)] for k in percent)])


def draw(results: Results, figure: Figure) -> None:
    """The three accuracies."""
    ax = figure.subplots()
    ways = {
        "eval()": "accuracy eval",
        "a pass in train()": "accuracy train",
        f"mean of {PASSES}": "accuracy of the mean",
    }
    for k, key in enumerate(ways.values()):
        ax.scatter([k] * len(results[key]), results[key])
    ax.set(ylabel="test accuracy", xticks=range(len(ways)), xticklabels=list(ways), xlim=(-0.5, 2.5))


CLAIM = Claim(
    name="modes",
    title="train() masks units at random, eval() lets all of them act together",
    notes=[
        (
            "In training, dropout masks some units at random, so that each pass goes through another model; in test "
            "mode all units act together, as in boosting.",
            "Dropout: 训练过程中，为防止模型过拟合，增加其泛化性，会随机屏蔽掉一些神经元，"
            "相当于输入每次走过不同的“模型”。测试模式时，所有神经元共同作用，类似于boosting。",
        ),
    ],
    how=f"1,500 of the set reviews-zh by characters, cut at 40, tested on 1,000; two layers of 32 units, dropout 0.5 "
    f"between them and before the dense layer, {EPOCHS} epochs. Three parts: eval() repeats itself to the bit and "
    "train() does not; eval() is more often right than a pass in train(); it agrees with the mean of many within a "
    "point of accuracy. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
