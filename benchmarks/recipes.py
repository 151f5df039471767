"""Scores of finished runs of the recipes, as a table in docs/results.md.

python benchmarks/recipes.py vowels=runs/vowels0 vowels=runs/vowels1 slots=runs/slots0    # recipe=folder it made
python benchmarks/recipes.py vowels=runs/vowels0 vowels@torch.nn=runs/vowels-torch        # what recipe_on_torch.py made

Runs of one recipe, cell and kind of layers are its seeds. The scores are those of the test split, as the run
folder keeps them; minutes are those of training, validation included.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
from page_section import replace_measured

TOP = Path(__file__).parents[1]
PAGE = TOP / "docs" / "results.md"

Places = dict[str, tuple[str, ...]]
SCORES: dict[str, Places] = {
    "classify": {"accuracy": ("model", "accuracy")},
    "tag": {
        "accuracy of words": ("model", "accuracy"),
        "F1 of spans": ("model", "spans", "f1"),
        "accuracy of sentences": ("model", "sentence_accuracy"),
    },
    "lm": {"nats a token": ("model", "loss"), "bits a character": ("model", "bits_a_character")},
    "transduce": {"sequence error": ("model", "sequence_error"), "symbol error": ("model", "symbol_error")},
    "series": {"accuracy": ("models", "this model", "accuracy"), "nats a frame": ("nll", "this model")},
    "autoencode": {"exact": ("free",), "nats a token": ("told", "nats")},
}
"""Of each task what is told, and where `test.json` has it; what a run has not is left out."""


@dataclass(frozen=True)
class Run:
    """A finished run: its recipe and cell, its seed, its scores, and the seconds that it took."""

    recipe: str
    seed: int
    scores: dict[str, float]
    seconds: float


def scripts() -> dict[str, Path]:
    """The recipes' files by their names."""
    return {path.stem: path for path in sorted((TOP / "examples" / "recipes").glob("*.sh"))}


def read(given: str) -> Run:
    """Read the run folder of RECIPE=FOLDER or RECIPE@LAYERS=FOLDER."""
    name, sign, folder = given.partition("=")
    recipe, _, layers = name.partition("@")
    if not sign or recipe not in scripts():
        sys.exit(f"recipes.py: got {given!r}; expected RECIPE=FOLDER, of the recipes {', '.join(scripts())}")
    config, metrics, test = (json.loads(Path(folder, f"{n}.json").read_text()) for n in ("config", "metrics", "test"))
    scores = {score: found for score, path in SCORES[config["task"]].items() if (found := at(test, path)) is not None}
    shown = f"{recipe}, {config['options']['cell']}" + (f", layers of {layers}" if layers else "")
    return Run(shown, config["options"]["seed"], scores, metrics["seconds"])


def at(found: Any, path: tuple[str, ...]) -> float | None:
    """What a report has at that place; None where it has none."""
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def table(runs: list[Run]) -> str:
    """A row a score of a recipe: the mean and each seed's."""
    by_recipe: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_recipe[run.recipe].append(run)
    lines = ["| recipe, cell | score | mean | each seed | minutes |", "|---|---|---:|---|---:|"]
    for recipe, found in sorted(by_recipe.items()):
        minutes = statistics.median(run.seconds for run in found) / 60
        for score in found[0].scores:
            values = [run.scores[score] for run in sorted(found, key=lambda run: run.seed)]
            each = ", ".join(f"{value:.4f}" for value in values)
            lines.append(f"| {recipe} | {score} | {statistics.mean(values):.4f} | {each} | {minutes:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Put the table into the page."""
    facts = machine.describe()
    about = f"{facts['date']} ({facts['processor']}; {facts['versions']})"
    text = f"Written by `python benchmarks/recipes.py` on {about}.\n\n{table(list(map(read, sys.argv[1:])))}\n"
    replace_measured(PAGE, text)


if __name__ == "__main__":
    main()
