"""Both directions against one: a class for a text, and a tag for every word."""

from __future__ import annotations

from itertools import chain
from statistics import mean

from matplotlib.figure import Figure

import texts
from claim import Claim, Results, Table, Verdict, seeds, spread, verdict

MODELS = {
    "LSTM": {"hidden": 48, "bidirectional": False},
    "BiLSTM": {"hidden": 48, "bidirectional": True},
    "BiLSTM, as many parameters": {"hidden": 32, "bidirectional": True},
}
EPOCHS = 8


def corpora(quick: bool) -> dict[str, texts.Corpus]:
    """Of each task."""
    if quick:
        return {"classification": texts.reviews(64, 64, 10), "tagging": texts.tagged(64, 64, 10)}
    return {"classification": texts.reviews(3000, 1500, 60), "tagging": texts.tagged(1500, 1000)}


def measure(quick: bool) -> Results:
    """found[task][model][figure]: one a seed."""
    found: Results = {}
    for task, corpus in corpora(quick).items():
        found[task] = {}
        for name, options in MODELS.items():
            trials = [texts.trial(corpus, seed, 1 if quick else EPOCHS, **options) for seed in seeds(quick)]
            found[task][name] = {key: [one[key] for one in trials] for key in trials[0]}
    return found


def gains(results: Results, key: str) -> dict[str, list[float]]:
    """BiLSTM less LSTM of one seed, per task; in points where it is a share."""
    return {
        task: [100 * (b - a) for a, b in zip(of["LSTM"][key], of["BiLSTM"][key], strict=True)]
        for task, of in results.items()
    }


def judge(results: Results) -> Verdict:
    """More accurate, larger, slower, and further from the training score; each in each task and for every seed."""
    best, gap = gains(results, "best"), gains(results, "gap")
    time = {task: mean(of["BiLSTM"]["seconds"]) / mean(of["LSTM"]["seconds"]) for task, of in results.items()}
    size = {task: of["BiLSTM"]["parameters"][0] / of["LSTM"]["parameters"][0] for task, of in results.items()}
    said = [
        f"{task}: {mean(best[task]):+.1f} points of accuracy ({min(best[task]):+.1f} to {max(best[task]):+.1f}), "
        f"{size[task]:.1f} times the parameters, {time[task]:.1f} times the time, and the gap between training and "
        f"test {mean(gap[task]):+.1f} points ({min(gap[task]):+.1f} to {max(gap[task]):+.1f})"
        for task in results
    ]
    certain = [min(of) > 0 for of in chain(best.values(), gap.values())]
    text = "; ".join(said)
    return verdict(
        [*certain, *(ratio > 1 for ratio in chain(time.values(), size.values()))],
        f"{text[0].upper()}{text[1:]}. A part counts as shown only where all seeds agree on its sign.",
    )


def table(results: Results) -> Table:
    """A row a task and model."""
    rows = [
        [
            task,
            model,
            f"{found['parameters'][0]:,}",
            *(spread(found[key], 1, 100) for key in ("best", "test", "train", "gap")),
            spread(found["seconds"], 1),
        ]
        for task, models in results.items()
        for model, found in models.items()
    ]
    columns = ["task", "model", "recurrent parameters", "test, best epoch, %", "test, last, %", "train, last, %", "gap"]
    return Table([*columns, "training, s"], rows)


def draw(results: Results, figure: Figure) -> None:
    """Train and test accuracy a model, a panel a task."""
    for ax, (task, models) in zip(figure.subplots(1, 2), results.items(), strict=True):
        for shift, key in enumerate(("test", "train")):
            means = [mean(found[key]) for found in models.values()]
            ends = [[m - min(f[key]) for m, f in zip(means, models.values(), strict=True)]]
            ends += [[max(f[key]) - m for m, f in zip(means, models.values(), strict=True)]]
            ax.bar([k + 0.38 * shift for k in range(len(models))], means, 0.36, yerr=ends, label=key)
        ax.set(title=task, xticks=[0.19, 1.19, 2.19], ylim=(0.5, 1))
        ax.set_xticklabels([name.replace(", ", ",\n") for name in models])
    figure.axes[0].set_ylabel("accuracy")
    figure.axes[0].legend(fontsize=7, loc="lower right")


CLAIM = Claim(
    name="bilstm",
    title="A BiLSTM is more accurate, larger, slower, and over-fits more easily",
    notes=[
        (
            "It catches the information of a sequence better, which makes the model more accurate.",
            "BiLSTM可以同时从前向和后向进行计算，可以更好地捕捉序列中的信息，提高了模型的准确性。",
        ),
        (
            "It computes more, has more parameters and takes longer to train.",
            "BiLSTM需要两个LSTM单元，因此参数数量比LSTM多，需要更多的计算资源和更长的训练时间。",
        ),
        (
            "It over-fits easily, since it has more parameters.",
            "由于BiLSTM的参数数量较多，容易过拟合，需要进行正则化等技术来避免过拟合。",
        ),
    ],
    how=f"Classification: 3,000 of the set reviews-zh by characters, cut at 60, tested on 1,500. Tagging: 1,500 lines "
    f"of People's Daily (words, at most 40), tested on the 1,000 last of the month. Embedding and layer of 48 units, "
    f"{EPOCHS} epochs of batches of {texts.ROWS}, Adam at 0.005, no dropout: the over-fitting is to show. Gap: "
    "accuracy on the training texts less that on the test texts after the last epoch. Best epoch: chosen on the test "
    "texts, the same for all. Time is processor time of one thread. Means of 3 seeds, lowest and highest in brackets.",
    measure=measure,
    judge=judge,
    table=table,
    draw=draw,
)
