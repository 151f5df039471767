"""How long `fit` takes to its first training step, and how much memory, by the number of rows it learns from.

    python benchmarks/scale.py [--rows 100000,1000000] [--before SRC] [--page]

Each figure is from a process of its own: seconds and processor seconds from its start to the first step, the largest
resident memory by then, and tokens a processor second of the steps after. The rows are made of stretches of articles of
the set news-en, 6 to 24 words each. `--before` is the folder `src` of another version, measured beside this one, in
turn; `--page` writes the table into docs/scale.md.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import child_process
from page_section import replace_measured

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
STEPS = 50
"""Training steps whose speed is measured."""


@dataclass
class Start:
    """Of one process."""

    seconds: float
    processor: float
    loaded: float
    """Megabytes when PyTorch and Lightning were loaded, and nothing was read."""
    peak: float
    """Megabytes, the most until the first step."""
    tokens: float
    """A processor second, which what else the machine does changes least."""


def write_rows(path: Path, count: int) -> None:
    """Write so many short texts with their labels, nearly all of them different."""
    from cellwright.data import datasets

    articles = datasets.load("news-en")["train"]
    found = [(text.split(), label) for text, label in zip(articles.texts, articles.labels, strict=True)]
    draw = random.Random(1)

    def stretch(words: list[str]) -> list[str]:
        size = draw.randrange(3, 13)
        start = draw.randrange(max(1, len(words) - size))
        return words[start : start + size]

    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for _ in range(count):
            words, label = draw.choice(found)
            rows.writerow([" ".join(stretch(words) + stretch(words)), label])


def measure(data: str, began: float) -> None:
    """Train on the file in this process up to STEPS steps, print what that took as JSON, and end it."""
    from cellwright.allocator import keep_freed_memory
    from cellwright.tasks.classify import ClassifyConfig
    from cellwright.tasks.classify.objective import ClassifyObjective
    from cellwright.training import fit

    keep_freed_memory()  # as the command does
    loaded, loss = _peak(), ClassifyObjective.loss
    starts: list[Start] = []
    counted: list[int] = []
    first = 0.0

    def timed(self, model, batch):
        nonlocal first
        if not starts:
            starts.append(Start(time.time() - began, time.process_time(), loaded, _peak(), 0.0))
            first = time.process_time()
        step = loss(self, model, batch)
        counted.append(step.tokens)
        if len(counted) == STEPS:
            starts[0].tokens = sum(counted) / (time.process_time() - first)
            print(json.dumps(asdict(starts[0])), flush=True)
            os._exit(0)
        return step

    ClassifyObjective.loss = timed
    with tempfile.TemporaryDirectory() as folder:
        fit(ClassifyConfig(data=data, out=Path(folder, "run"), max_epochs=1), progress=False)


def table(found: dict[tuple[int, str], Start]) -> str:
    """The figures as a table of Markdown."""
    lines = [
        "| rows | version | seconds to the first step | processor seconds | memory, MB | of it data and model "
        "| tokens a processor second |",
        "|---|---|---|---|---|---|---|",
    ]
    for (rows, version), start in found.items():
        own = start.peak - start.loaded
        lines.append(
            f"| {rows:,} | {version} | {start.seconds:.1f} | {start.processor:.1f} | {start.peak:,.0f} | {own:,.0f} | "
            f"{start.tokens:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Measure, print, and write the page where that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="100000,1000000")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    versions = {"before": options.before, "now": Path(__file__).parents[1] / "src"}
    found: dict[tuple[int, str], Start] = {}
    with tempfile.TemporaryDirectory() as folder:
        for rows in map(int, options.rows.split(",")):
            path = Path(folder, f"{rows}.csv")
            write_rows(path, rows)
            for version, source in versions.items():
                if source is not None:
                    asked = child_process.ask(
                        Path(__file__), str(path), time.time(), environment={"PYTHONPATH": str(source)}
                    )
                    found[rows, version] = Start(**asked)
                    print(rows, version, found[rows, version], flush=True)
    print(table(found))
    if options.page:
        replace_measured(PAGE, table(found))


if __name__ == "__main__":
    if (asked := child_process.asked()) is not None:
        measure(*asked)
    else:
        main()
