"""Texts longer than sense: the ways to shorten them, side by side, and what an autoencoder's encoder is worth.

python benchmarks/long_texts.py    # into docs/long-texts.md; about an hour, and goes on where it was stopped

Each run is `cellwright fit` in a process of its own on the built-in set news-en. Accuracy is that of the test split,
which no run sees; the time of an epoch is that of training with its validation; memory is the peak of the process, less
what it had before training.
"""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import child_process
import machine
from memory import RETURN_AT_ONCE, status
from page_section import replace_measured

DATA, LENGTH, SEEDS = "news-en", 64, 3
ROOT = Path(__file__).parents[1]
PAGE, FOLDER = ROOT / "docs" / "long-texts.md", ROOT / "runs" / "long-texts"
TRAINING: dict[str, Any] = {"max_epochs": 5, "lr_schedule": "cosine", "batch_tokens": 2048}
COMMON: dict[str, Any] = TRAINING | {"bigram_buckets": 0}
AUTOENCODER: dict[str, Any] = TRAINING | {"max_length": LENGTH, "vocab_size": 2000}
SHARE = 0.1
"""Of the training labels, in the comparison of pre-trained with random weights."""

WAYS: dict[str, dict[str, Any]] = {
    "whole text": {},
    "head": {"truncation": "head"},
    "tail": {"truncation": "tail"},
    "head+tail": {"truncation": "head+tail"},
    "middle": {"truncation": "middle"},
    "windows, mean": {"truncation": "windows"},
    "windows, recurrent": {"truncation": "windows", "join": "recurrent"},
    "sentences": {"truncation": "sentences"},
    "compress, frozen": {"truncation": "compress", "join": "recurrent", "freeze_encoder": True},
    "compress, fine-tuned": {"truncation": "compress", "join": "recurrent"},
}
STARTS: dict[str, dict[str, Any]] = {
    "random weights": {"truncation": "windows", "vocab_size": AUTOENCODER["vocab_size"]},
    "the autoencoder's": {"truncation": "windows", "encoder": True},
}
"""The same sizes, tokens and pooling; what differs is where the weights begin."""


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
    return Found(**child_process.ask(Path(__file__), task, options, environment=RETURN_AT_ONCE))


def few_labels(folder: Path) -> str:
    """Write a CSV of the set in which a tenth of the training texts are left; the other splits are as they were."""
    from cellwright.data.datasets import load
    from cellwright.data.hash_split import position

    path = folder / "few.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for split, table in load(DATA).items():
            for text, label in zip(table.texts, table.labels or [], strict=True):
                # The text's hash chose its split; that of the text from its end on is another number.
                if split != "train" or position(text[::-1]) < SHARE:
                    writer.writerow([text, label])
    return str(path)


def naive_bayes() -> float:
    """Test accuracy of counted words and multinomial naive Bayes: the baseline."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    from cellwright.data.datasets import load

    splits = load(DATA)
    model = make_pipeline(CountVectorizer(), MultinomialNB())
    model.fit(splits["train"].texts, splits["train"].labels)
    return float(model.score(splits["test"].texts, splits["test"].labels))


def table(rows: Iterable[tuple[str, list[Found]]]) -> str:
    """Mean and range of the accuracy, the median of memory, and the least time: others may be at work beside a run."""
    lines = ["| | test accuracy | lowest – highest | s an epoch | peak memory, MB |", "|---|---:|---:|---:|---:|"]
    for name, runs in rows:
        accuracies = [each.accuracy for each in runs]
        seconds = min(each.seconds for each in runs)
        size = statistics.median(each.bytes for each in runs) / 1e6
        spread = f"{min(accuracies):.3f} – {max(accuracies):.3f}"
        lines.append(f"| {name} | {statistics.mean(accuracies):.3f} | {spread} | {seconds:.1f} | {size:,.0f} |")
    return "\n".join(lines)


class Kept:
    """Runs that were measured, in a file that is written after each, so that a run of an hour may be stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str, seed: int, make: Callable[[], Found]) -> Found:
        """What was found before, or is found now."""
        key = f"{name}, seed {seed}"
        if key not in self.found:
            self.found[key] = asdict(make())
            self.path.write_text(json.dumps(self.found, indent=1) + "\n")
            print(f"{key}: {self.found[key]}", flush=True)
        return Found(**self.found[key])


class Table:
    """Rows of the page, each run asked for once."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.encoder = str(FOLDER / "encoder")

    def row(self, name: str, data: str, way: dict[str, Any]) -> tuple[str, list[Found]]:
        """The runs of one way to read, a seed each."""
        options = COMMON | ({"max_length": LENGTH} if "truncation" in way else {}) | way
        if way.get("truncation") == "compress" or "encoder" in way:
            self.kept.get("autoencoder", 0, self._autoencoder)
            options["encoder"] = self.encoder
        return name, [
            self.kept.get(name, seed, partial(self._classifier, data, options, seed)) for seed in range(SEEDS)
        ]

    def _autoencoder(self) -> Found:
        return ask("autoencode", data=DATA, out=self.encoder, overwrite=True, **AUTOENCODER)

    def _classifier(self, data: str, options: dict[str, Any], seed: int) -> Found:
        return ask("classify", data=data, out=str(FOLDER / "run"), overwrite=True, seed=seed, **options)


def measured(ways: list[tuple[str, list[Found]]], starts: list[tuple[str, list[Found]]]) -> str:
    """What stands in the page between the two marks."""
    facts = machine.describe()
    return f"""
Written by `python benchmarks/long_texts.py` on {facts["date"]}, not by hand
({facts["processor"]}; {facts["versions"]}). Means over {SEEDS} seeds.
Words counted by naive Bayes, over whole texts, reach {naive_bayes():.3f}.

{table(ways)}

With a tenth of the training labels, windows of {LENGTH} tokens, the mean of their vectors; weights begin from

{table(starts)}
"""


def main() -> None:
    """Measure what was not measured yet, and put all of it into the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = Table(Kept(FOLDER / "found.json"))
    ways = [rows.row(name, DATA, way) for name, way in WAYS.items()]
    few = few_labels(FOLDER)
    text = measured(ways, [rows.row(name, few, way) for name, way in STARTS.items()])
    replace_measured(PAGE, text)


if __name__ == "__main__":
    if arguments := child_process.asked():
        print(json.dumps(asdict(run(*arguments))))
    else:
        main()
