"""How long `fit` takes to its first training step, and how much memory, by the number of rows it learns from.

    python benchmarks/scale.py [--task TASK] [--rows 100000,1000000,10000000] [--times 3] [--before SRC] [--page]

Of each number of rows, with the arrays of the data in memory and on disk (`--cache`), and of another version where
`--before` is its folder `src`. Each figure is from a process of its own: seconds and processor seconds from its start
to the first step, and the most memory by then that is the process's own, beyond what PyTorch and Lightning take,
without pages of mapped files, which the system takes back where others want memory. Ways are measured in turn,
`--times` over, of which the median counts. The steps after are measured in one process, a step on disk after each one
in memory, of the fewest rows. The rows are made of stretches of articles of the set news-en, 6 to 24 words each,
which have a label each, or a tag a word: its length, or a target: the same words from the last to the first; or are the
lines of one text, for a language model. `--page` writes the figures of the task into docs/scale.md.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import child_process
from page_section import replace_measured

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
STEPS = 40
"""Training steps of each way whose speed is measured."""
MEMORY, DISK, BEFORE = "in memory", "on disk", "before"
"""Where the arrays of the data lie; of a version before, in memory."""


@dataclass
class Start:
    """Of one process."""

    seconds: float
    processor: float
    own: float
    """Megabytes, the most until the first step, without those when PyTorch and Lightning were loaded."""
    disk: float
    """Megabytes of the cache."""


class Peak(threading.Thread):
    """Looks how much memory is the process's own, fifty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.loaded = self.most = _own()

    def run(self) -> None:
        """Look."""
        while True:
            self.most = max(self.most, _own())
            time.sleep(0.02)


TOGETHER = 100_000
"""Rows that are drawn at once."""
SUFFIXES = {"classify": ".csv", "tag": ".conll", "transduce": ".tsv", "lm": ".txt"}
"""Of the file of each task that can be measured."""


def write_rows(path: Path, count: int) -> None:
    """Write so many short texts, with their labels, a tag a word, their targets or nothing, as the suffix says."""
    with path.open("w", newline="") as file:
        if task_of(str(path)) == "lm":
            file.writelines(" ".join(words) + "\n" for words, _ in stretches(count))
        elif task_of(str(path)) == "tag":
            for words, _ in stretches(count):
                file.write("".join(f"{word}\t{len(word)}\n" for word in words) + "\n")
        elif task_of(str(path)) == "transduce":
            rows = csv.writer(file, csv.excel_tab)
            rows.writerow(["source", "target"])
            rows.writerows((" ".join(words), " ".join(words[::-1])) for words, _ in stretches(count))
        else:
            rows = csv.writer(file)
            rows.writerow(["text", "label"])
            rows.writerows((" ".join(words), label) for words, label in stretches(count))


def stretches(count: int) -> Iterator[tuple[list[str], str]]:
    """Yield so many times some words of an article and its label, nearly all of them different."""
    from cellwright.data import datasets

    articles = datasets.load("news-en")["train"]
    found = [(text.split(), label) for text, label in zip(articles.texts, articles.labels, strict=True)]
    draw = np.random.default_rng(1)
    for begin in range(0, count, TOGETHER):
        size = min(TOGETHER, count - begin)
        which, sizes = draw.integers(0, len(found), size), draw.integers(3, 13, (size, 2))
        for (words, label), pair, places in zip(
            map(found.__getitem__, which.tolist()), sizes.tolist(), draw.random((size, 2)).tolist(), strict=True
        ):
            starts = [int(place * max(1, len(words) - each)) for place, each in zip(places, pair, strict=True)]
            yield [w for s, e in zip(starts, pair, strict=True) for w in words[s : s + e]], label


def task_of(data: str) -> str:
    """The task whose file it is."""
    return next(task for task, suffix in SUFFIXES.items() if data.endswith(suffix))


def measure(data: str, began: float, way: str) -> None:
    """Train on the file in this process up to STEPS steps, print what that took as JSON, and end it."""
    from cellwright import tasks
    from cellwright.allocator import keep_freed_memory
    from cellwright.tasks.task import Objective
    from cellwright.training import fit

    config = tasks.config_of(task_of(data))
    module = importlib.import_module(f"cellwright.tasks.{config.task}.objective")
    [objective] = [each for name, each in vars(module).items() if name.endswith("Objective") and each is not Objective]
    keep_freed_memory()  # as the command does
    peak = Peak()
    peak.start()
    cache = Path(data + ".cache")

    def ended(self, model, batch):
        disk = sum(file.stat().st_size for file in cache.glob("*/*")) / 1e6
        own = max(peak.most, _own()) - peak.loaded
        print(json.dumps(asdict(Start(time.time() - began, time.process_time(), own, disk))), flush=True)
        os._exit(0)

    objective.loss = ended
    options: dict[str, Any] = {"cache": cache} if way == DISK else {}
    if way == MEMORY:
        from cellwright.data import cache as caching

        caching.LARGE = 2**63
    with tempfile.TemporaryDirectory() as folder:
        fit(config(data=data, out=Path(folder, "run"), max_epochs=1, **options), progress=False)


def pace(data: str) -> None:
    """Print how many times the processor seconds of a step from memory a step from disk takes, as JSON."""
    from cellwright import tasks

    task = tasks.get(task_of(data))
    found = [
        task.prepare(task.config(data=data, out=Path(data), **options), None)
        for options in ({}, {"cache": Path(data + ".cache")})
    ]
    epochs = [prepared.train.epoch(0, 0, 1) for prepared in found]
    model, seconds = found[0].objective.model(), [0.0, 0.0]
    for number in range(STEPS + 1):
        for way, (prepared, epoch) in enumerate(zip(found, epochs, strict=True)):
            began = time.process_time()
            batch = prepared.train.collate([epoch.examples[row] for row in epoch.batches[number]])
            prepared.objective.loss(model, batch).loss.backward()
            if number:  # the first compiles
                seconds[way] += time.process_time() - began
    print(json.dumps(seconds[1] / seconds[0]))


def table(task: str, found: dict[tuple[int, str], list[Start]], steps: float) -> str:
    """The figures of a task as Markdown."""
    lines = [
        "| task | rows | arrays | seconds to the first step | processor seconds | memory of data and model, MB "
        "| on disk, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for (rows, way), starts in found.items():
        start = Start(*map(statistics.median, zip(*map(astuple, starts), strict=True)))
        lines.append(
            f"| {task} | {rows:,} | {way} | {start.seconds:.1f} | {start.processor:.1f} | {start.own:,.0f} "
            f"| {start.disk:,.0f} |"
        )
    said = (
        f"A training step on arrays on disk takes {steps:.2f} times the processor seconds of one on arrays in memory."
    )
    return "\n".join([*lines, "", said]) + "\n"


def _own() -> float:
    """Megabytes that are the process's own, and no file's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no line RssAnon; expected Linux from 4.5 on")


def main() -> None:
    """Measure, print, and write the page where that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=list(SUFFIXES), default="classify")
    parser.add_argument("--rows", default="100000,1000000")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    here = Path(__file__).parents[1] / "src"
    ways = {BEFORE: options.before, MEMORY: here, DISK: here}
    found: dict[tuple[int, str], list[Start]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        several = sorted(map(int, options.rows.split(",")))
        for rows in several:
            path = Path(folder, f"{rows}{SUFFIXES[options.task]}")
            write_rows(path, rows)
            for _ in range(options.times):
                for way, source in ways.items():
                    if source is not None:
                        shutil.rmtree(f"{path}.cache", ignore_errors=True)
                        environment = {"PYTHONPATH": str(source)}
                        asked = child_process.ask(Path(__file__), str(path), time.time(), way, environment=environment)
                        found[rows, way].append(Start(**asked))
                        print(rows, way, found[rows, way][-1], flush=True)
        fewest = str(Path(folder, f"{several[0]}{SUFFIXES[options.task]}"))
        steps = child_process.ask(Path(__file__), fewest, environment={"PYTHONPATH": str(here)})
    made = table(options.task, found, steps)
    print(made)
    if options.page:
        replace_measured(PAGE, made, f"measured {options.task}")


if __name__ == "__main__":
    if (asked := child_process.asked()) is not None:
        measure(*asked) if len(asked) > 1 else pace(*asked)
    else:
        main()
