"""What copying gains a transducer of few pairs: `fit` with its defaults, and with --no-copying.

python benchmarks/copying.py                        # made-up inflection, into docs/transduce.md
python benchmarks/copying.py --conll FOLDER         # and the languages of CoNLL-SIGMORPHON 2017, from a clone of
                                                    # https://github.com/sigmorphon/conll2017

Each run is in a process of its own; what was measured before stays. A tenth as many pairs choose the best epoch, of the
languages their dev part; 1,000 others are scored. Seconds are of the processor, so that programs beside a run count
less.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import child_process
import defaults
import inflection
import machine
from page_section import replace_measured

ROOT = Path(__file__).parents[1]
PAGE, FOLDER = ROOT / "docs" / "transduce.md", ROOT / "runs" / "copying"
TESTED = 1000
SIZES, LANGUAGES, SEEDS = (1000,), ("german",), 1
OPTIONS: dict[str, Any] = {"hidden_size": 128, "embedding_dim": 64, "threads": 1, "overwrite": True}
"""Half the usual sizes, so that a run takes two minutes."""
COLUMNS: dict[str, Any] = {"format": "tsv", "header": False, "source": "1", "target": "2", "features": "3"}
WAYS: dict[str, dict[str, Any]] = {"without": {"copying": False}, "with": {}}


@dataclass(frozen=True)
class Case:
    """Pairs to learn from, files of three columns."""

    name: str
    train: Path
    validation: Path
    test: Path


def cases(conll: Path | None) -> Iterator[Case]:
    """What is measured."""
    for rows in SIZES:
        made = inflection.pairs(rows + rows // 10 + TESTED, seed=0)
        parts = {"train": made[:rows], "validation": made[rows:-TESTED], "test": made[-TESTED:]}
        for part, found in parts.items():
            _file(rows, part).write_text("".join(f"{stem}\t{form}\t{features}\n" for stem, features, form in found))
        yield Case(f"made-up inflection, {rows:,} pairs", *(_file(rows, part) for part in parts))
    for language in LANGUAGES if conll else ():
        task = conll / "all" / "task1"
        test = conll / "answers" / "task1" / f"{language}-uncovered-test"
        yield Case(
            f"{language.title()}, 1,000 pairs", task / f"{language}-train-medium", task / f"{language}-dev", test
        )


def _file(rows: int, part: str) -> Path:
    return FOLDER / f"{rows}-{part}.tsv"


def measure(case: Case, way: str, seed: int, kept: dict[str, Any]) -> defaults.Found:
    """What was found before, or is found now."""
    key = f"{case.name}, {way}, seed {seed}"
    if key not in kept:
        options = OPTIONS | COLUMNS | WAYS[way] | {"data": str(case.train), "validation": str(case.validation)}
        options |= {"out": str(FOLDER / "run"), "seed": seed}
        kept[key] = child_process.ask(Path(__file__), "transduce", options, str(case.test))
        (FOLDER / "found.json").write_text(json.dumps(kept, indent=1) + "\n")
        print(f"{key}: {kept[key]}", flush=True)
    return defaults.Found(**kept[key])


def row(case: Case, found: dict[str, list[defaults.Found]]) -> str:
    """Means over the seeds, and each seed's error."""
    errors = [defaults.spread([each.scores["sequence error"] for each in found[way]]) for way in WAYS]
    seconds = [f"{statistics.mean(each.seconds for each in found[way]):.0f}" for way in WAYS]
    return f"| {case.name} | {' | '.join(errors + seconds)} |"


def main() -> None:
    """Measure what was not measured yet, and put it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--conll", type=Path, help="a clone of the shared task's data")
    conll = parser.parse_args().conll
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "found.json"
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    rows = []
    for case in cases(conll):
        rows.append(row(case, {way: [measure(case, way, seed, kept) for seed in range(SEEDS)] for way in WAYS}))
    facts = machine.describe()
    about = f"{facts['date']} ({facts['processor']}; {facts['versions']}); one thread; sequence error"
    head = f"Written by `python benchmarks/copying.py` on {about}; of several seeds the mean (and each)."
    table = ["| | without copying | with | seconds without | with |", "|---|---|---|---:|---:|", *rows]
    replace_measured(PAGE, f"{head}\n\n" + "\n".join(table) + "\n")


if __name__ == "__main__":
    if arguments := child_process.asked():
        print(json.dumps(asdict(defaults.run(*arguments))))
    else:
        main()
