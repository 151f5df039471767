"""Texts longer than sense: the ways to shorten them, side by side, and what an autoencoder's encoder is worth.

python benchmarks/long_texts.py                       # everything, into docs/long-texts.md; about an hour
python benchmarks/long_texts.py --seeds 1 --ways head windows

Each run is `cellwright fit` in a process of its own on the built-in set news-en. Accuracy is that of the test side,
which no run sees; the time of an epoch is that of training with its validation; memory is the peak of the process, less
what it had before training.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import child
import machine
from memory import RETURN_AT_ONCE, status

DATA, LENGTH, SEEDS = "news-en", 64, 3
MARKS = ("<!-- measured -->\n", "<!-- end -->\n")
PAGE = Path(__file__).parents[1] / "docs" / "long-texts.md"
COMMON: dict[str, Any] = {"max_epochs": 8, "pairs": 0}
AUTOENCODER: dict[str, Any] = {"max_length": LENGTH, "vocabulary": 5000, "max_epochs": 3}
SHARE = 0.1
"""Of the training labels, in the comparison of pre-trained with random weights."""

WAYS: dict[str, dict[str, Any]] = {
    "whole text": {},
    "head": {"long": "head"},
    "tail": {"long": "tail"},
    "head+tail": {"long": "head+tail"},
    "middle": {"long": "middle"},
    "windows, mean": {"long": "windows"},
    "windows, recurrent": {"long": "windows", "join": "recurrent"},
    "sentences": {"long": "sentences"},
    "compress, frozen": {"long": "compress", "join": "recurrent", "freeze_encoder": True},
    "compress, fine-tuned": {"long": "compress", "join": "recurrent"},
}


@dataclass(frozen=True)
class Found:
    """One run: share of the test texts labelled correctly, seconds an epoch, bytes, epoch that was kept."""

    accuracy: float
    seconds: float
    bytes: int
    epoch: int


def run(task: str, options: dict[str, Any]) -> Found:
    """Train and score, in this process."""
    from cellwright import tasks
    from cellwright.tasks.run import load_run
    from cellwright.training import fit

    config = tasks.config_of(task)(**options)
    before = status("VmRSS")
    result = fit(config, progress=False, say=lambda sentence: None)
    peak = status("VmHWM")
    report = tasks.get(task).evaluate(load_run(result.out), options["data"], "test", {}, print).as_json()
    accuracy = report["model"]["accuracy"] if task == "classify" else report["told"]["exact"]
    with (result.out / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    # The first epoch compiles.
    ends = [float(row["seconds"]) for row in rows]
    epochs = [late - early for early, late in pairwise(ends)] or ends
    return Found(accuracy, statistics.median(epochs), peak - before, result.best_epoch)


def ask(task: str, **options: Any) -> Found:
    """The same in a process of its own."""
    return Found(**child.ask(Path(__file__), task, options, environment=RETURN_AT_ONCE))


def few_labels(folder: Path) -> str:
    """A CSV of the set in which a tenth of the training texts are left; the other sides are as they were."""
    from cellwright.data.datasets import load
    from cellwright.data.split import position

    path = folder / "few.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for side, table in load(DATA).items():
            for text, label in zip(table.texts, table.labels or [], strict=True):
                # The hash chose the side by its first 32 bits; this is another share of the same number.
                if side != "train" or position(text[::-1]) < SHARE:
                    writer.writerow([text, label])
    return str(path)


def naive_bayes() -> float:
    """Test accuracy of counted words and multinomial naive Bayes: the floor."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    from cellwright.data.datasets import load

    sides = load(DATA)
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    model.fit(sides["train"].texts, sides["train"].labels)
    return float(model.score(sides["test"].texts, sides["test"].labels))


def table(rows: Iterable[tuple[str, list[Found]]]) -> str:
    """Mean and range of the accuracy, medians of time and memory."""
    lines = ["| | test accuracy | lowest – highest | s an epoch | peak memory, MB |", "|---|---:|---:|---:|---:|"]
    for name, runs in rows:
        accuracies = [each.accuracy for each in runs]
        seconds = statistics.median(each.seconds for each in runs)
        size = statistics.median(each.bytes for each in runs) / 1e6
        spread = f"{min(accuracies):.3f} – {max(accuracies):.3f}"
        lines.append(f"| {name} | {statistics.mean(accuracies):.3f} | {spread} | {seconds:.1f} | {size:,.0f} |")
    return "\n".join(lines)


def seeds_of(name: str, seeds: int, make: Callable[[int], Found]) -> tuple[str, list[Found]]:
    """One row of a table."""
    runs = [make(seed) for seed in range(seeds)]
    print(table([(name, runs)]).splitlines()[-1], flush=True)
    return name, runs


def measure(seeds: int, ways: list[str]) -> dict[str, Any]:
    """Every figure of the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder = folder / "encoder"
        coded = ask("autoencode", data=DATA, out=str(encoder), **AUTOENCODER)
        print(f"autoencoder: {coded}", flush=True)

        def classify(data: str, way: dict[str, Any], seed: int) -> Found:
            begins = {"encoder": str(encoder)} if way.get("long") == "compress" else {}
            length = {"max_length": LENGTH} if "long" in way else {}
            options = {**COMMON, **length, **begins, **way}
            return ask("classify", data=data, out=str(folder / "run"), overwrite=True, seed=seed, **options)

        by_way = [seeds_of(w, seeds, lambda seed, w=w: classify(DATA, WAYS[w], seed)) for w in ways]  # type: ignore[misc]
        few = few_labels(folder)
        # The same sizes, tokens and pooling; what differs is where the weights begin.
        begun = {"long": "windows", "join": "mean"}
        pretrained = {**begun, "encoder": str(encoder)}
        plain = {**begun, "vocabulary": AUTOENCODER["vocabulary"]}
        by_start = [
            seeds_of("random weights", seeds, lambda seed: classify(few, plain, seed)),
            seeds_of("autoencoder's weights", seeds, lambda seed: classify(few, pretrained, seed)),
        ]
    return {"autoencoder": coded, "ways": by_way, "starts": by_start, "floor": naive_bayes()}


def measured(found: dict[str, Any]) -> str:
    """What stands in the page between the two marks."""
    facts = machine.describe()
    coded = found["autoencoder"]
    return f"""
Written by `python benchmarks/long_texts.py` on {facts["date"]}, not by hand
({facts["processor"]}; {facts["versions"]}). Means over {SEEDS} seeds.
Words counted by naive Bayes, over whole texts, reach {found["floor"]:.3f}.

{table(found["ways"])}

The autoencoder brings back {coded.accuracy:.3f} of the test side's tokens, told those before; an epoch of it takes
{coded.seconds:.0f} s.

With a tenth of the training labels, windows of {LENGTH} tokens, mean of their vectors:

{table(found["starts"])}
"""


def main() -> None:
    """Measure, print, and put it into the page if all of it was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--ways", nargs="*", choices=list(WAYS), default=list(WAYS))
    given = parser.parse_args()
    text = measured(measure(given.seeds, given.ways))
    print(text)
    if given.ways == list(WAYS) and given.seeds == SEEDS:
        before, _, rest = PAGE.read_text().partition(MARKS[0])
        PAGE.write_text(before + MARKS[0] + text + MARKS[1] + rest.partition(MARKS[1])[2])


if __name__ == "__main__":
    if arguments := child.asked():
        found = run(*arguments)
        print(json.dumps(found.__dict__))
    else:
        main()
