"""What `fit` reaches with the defaults it has, and with those it had, on built-in sets and on small parts of them.

python benchmarks/defaults.py                                # into docs/defaults.md; goes on where it was stopped
python benchmarks/defaults.py "transduce g2p-en, whole"      # that alone, and what was measured before

Each run is in a process of its own. A part is of the training split, those whose texts have the smallest hashes; a
tenth as many of the validation split choose the best epoch. Scores are of the set's own test split, of a part's at most
TESTED rows of it. Seconds are of the processor, so that programs beside a run count less.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import child_process
import machine
from page_section import replace_measured
from recipes import SCORES, at

ROOT = Path(__file__).parents[1]
PAGE, FOLDER = ROOT / "docs" / "defaults.md", ROOT / "runs" / "defaults"
TESTED = 2000
EPOCHS_BEFORE: dict[str, Any] = {"max_epochs": 6, "patience": 3}
BEFORE: dict[str, dict[str, Any]] = {
    "classify": EPOCHS_BEFORE | {"lr_schedule": "constant"},
    "tag": EPOCHS_BEFORE | {"lr_schedule": "constant"},
    "lm": EPOCHS_BEFORE,
    "transduce": EPOCHS_BEFORE | {"lr_schedule": "constant"},
    "autoencode": EPOCHS_BEFORE | {"lr_schedule": "constant"},
}
"""The options of a task by which it trains as it did."""
WHENS = ("before", "now")


@dataclass(frozen=True)
class Case:
    """A set, or so many rows of its training split, and how many seeds are tried."""

    task: str
    data: str
    rows: int | None
    seeds: int

    @property
    def name(self) -> str:
        """As the page has it, and as it is asked for."""
        return f"{self.task} {self.data}, {'whole' if self.rows is None else f'{self.rows} rows'}"


CASES = [
    Case("classify", "reviews-zh", 270, 3),
    Case("classify", "reviews-zh", 900, 1),
    Case("classify", "reviews-zh", None, 1),
    Case("classify", "news-en", None, 1),
    Case("transduce", "g2p-en", 1200, 1),
    Case("transduce", "g2p-en", 3600, 1),
    Case("transduce", "g2p-en", None, 1),
    Case("tag", "pos-zh", 500, 1),
    Case("tag", "pos-zh", None, 1),
    Case("lm", "pydoc", None, 1),
    Case("autoencode", "news-en", None, 1),
]


@dataclass(frozen=True)
class Found:
    """The scores of one run, its epochs, the best of them, and the processor's seconds."""

    scores: dict[str, float]
    epochs: int
    best: int
    seconds: float


def run(task: str, options: dict[str, Any], scored: str) -> Found:
    """Train and score, in this process; scored: the file or set whose test split, or whole, is scored."""
    from cellwright import tasks
    from cellwright.allocator import keep_freed_memory
    from cellwright.data import datasets
    from cellwright.tasks.run import load_run
    from cellwright.training import fit

    keep_freed_memory()
    begin = time.process_time()
    result = fit(tasks.config_of(task)(**options), progress=False, say=lambda sentence: None)
    seconds = time.process_time() - begin
    split = "test" if scored in datasets.names() else "all"
    report = tasks.get(task).evaluate(load_run(result.out), scored, split, {}, lambda said: None, False).as_json()
    scores = {score: found for score, path in SCORES[task].items() if (found := at(report, path)) is not None}
    return Found(scores, result.epochs, result.best_epoch, seconds)


def written(case: Case) -> tuple[dict[str, str], str]:
    """The options that name what is trained on, and what is scored: files of a part, or the set itself."""
    from cellwright import tasks
    from cellwright.data import datasets

    if case.rows is None:
        return {"data": case.data}, case.data
    splits = datasets.load(case.data, tasks.config_of(case.task).reads)
    sizes = {"train": case.rows, "validation": case.rows // 10, "test": TESTED}
    files = {split: _write(case, splits[split], split, most) for split, most in sizes.items()}
    return {"data": files["train"], "validation": files["validation"]}, files["test"]


def _write(case: Case, rows: Any, split: str, most: int) -> str:
    """Those rows of a split whose texts have the smallest hashes, from their ends on: forward they chose the split."""
    from cellwright.data.hash_split import position

    columns = {
        "classify": lambda: {"text": rows.texts, "label": rows.labels},
        "transduce": lambda: {"source": rows.sources, "target": rows.targets},
        "tag": lambda: {"tokens": rows.tokens, "tags": rows.tags},
    }[case.task]()
    found = [dict(zip(columns, each, strict=True)) for each in zip(*columns.values(), strict=True)]
    found.sort(key=lambda row: position(str(next(iter(row.values())))[::-1]))
    path = FOLDER / f"{case.data}-{case.rows}-{split}.jsonl"
    with path.open("w") as file:
        for row in found[:most]:
            for target in row.get("target", [None]):  # a source's own row for each of its targets
                file.write(json.dumps(row if target is None else row | {"target": target}, ensure_ascii=False) + "\n")
    return str(path)


def measure(case: Case, when: str, seed: int, kept: dict[str, Any]) -> Found:
    """What was found before, or is found now, in a process of its own."""
    key = f"{case.name}, {when}, seed {seed}"
    if key not in kept:
        data, test = written(case)
        options = data | {"out": str(FOLDER / "run"), "overwrite": True, "seed": seed, "threads": 1}
        options |= BEFORE[case.task] if when == "before" else {}
        kept[key] = child_process.ask(Path(__file__), case.task, options, test)
        (FOLDER / "found.json").write_text(json.dumps(kept, indent=1) + "\n")
        print(f"{key}: {kept[key]}", flush=True)
    return Found(**kept[key])


def table(found: Iterable[tuple[Case, dict[str, list[Found]]]]) -> str:
    """A row a case and score: means over the seeds, and each seed's."""
    lines = [
        "| | score | before | now | epochs before | now | seconds before | now |",
        "|---|---|---|---|---:|---:|---:|---:|",
    ]
    for case, runs in found:
        for score in runs["now"][0].scores:
            cells = [spread([each.scores[score] for each in runs[when]]) for when in WHENS]
            cells += [f"{statistics.mean(each.epochs for each in runs[when]):.0f}" for when in WHENS]
            cells += [f"{statistics.mean(each.seconds for each in runs[when]):.0f}" for when in WHENS]
            lines.append(f"| {case.name} | {score} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """The mean, and of several the values behind it."""
    mean = f"{statistics.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({', '.join(f'{value:.3f}' for value in values)})"


def main() -> None:
    """Measure what was not measured yet, and put all that is known into the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "found.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    names = {case.name for case in CASES}
    if unknown := set(sys.argv[1:]) - names:
        sys.exit(f"defaults.py: got {sorted(unknown)}; expected some of {sorted(names)}")
    asked = sys.argv[1:] or names
    found = []
    for case in CASES:
        if case.name in asked or f"{case.name}, now, seed {case.seeds - 1}" in kept:
            runs = {when: [measure(case, when, seed, kept) for seed in range(case.seeds)] for when in WHENS}
            found.append((case, runs))
    facts = machine.describe()
    about = f"{facts['date']} ({facts['processor']}; {facts['versions']})"
    head = f"Written by `python benchmarks/defaults.py` on {about}; one thread; of several seeds the mean (and each)."
    replace_measured(PAGE, f"{head}\n\n{table(found)}\n")


if __name__ == "__main__":
    if arguments := child_process.asked():
        print(json.dumps(asdict(run(*arguments))))
    else:
        main()
