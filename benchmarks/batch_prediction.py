"""How fast `predict FILE --out` is beside the bare model, which is fed the very batches that the command makes.

    python benchmarks/batch_prediction.py                         each task and format, one thread
    python benchmarks/batch_prediction.py --tasks classify,tag --formats csv --times 5 --runs build/runs

Of each task a run of the usual sizes is trained for some seconds; `--runs` keeps it for the next time. A first call of
the command notes what the model is given and what it answers. The model is then given the same again, where its answers
must be the same to the bit, and from there on command and model are timed in turn, in one process. The command's time
is all of it: loading the run, reading the file, tokenising, batching, and writing the answers. Input and answers have
the same format; series are read as JSON lines. What a command does before its first answer (loading the run, looking
at the file) takes as long for a file of any size: the last column leaves it out. `--page` writes the table into
docs/scale.md.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import io
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import torch

import cellwright
from cellwright.bench.timing import others_at_work
from cellwright.cli import main as command
from cellwright.data import datasets
from cellwright.data.wording import counted
from cellwright.models.classifier import Classifier
from cellwright.models.forecaster import Forecaster
from cellwright.models.language_model import LanguageModel
from cellwright.models.tagger import Tagger
from cellwright.models.transducer import Transducer
from cellwright.tasks.transduce.predictor import TransducePredictor
from machine import describe
from page_section import replace_measured

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
SECONDS = 20
"""Of training: enough that answers have the length of answers."""
STEPS, HORIZON = 96, 24
"""Of each series, and of its forecast."""


@dataclass(frozen=True)
class Case:
    """What is answered."""

    texts: Callable[[], Any]
    """Returns the texts, as many as there are, or the steps of a series."""
    rows: int
    """Of the file."""
    model: list[tuple[type, str]]
    """The methods that are the model's work."""
    data: str | None = None
    """The set that the run learns from; None is the texts."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of `fit`."""


def _reviews() -> list[str]:
    return list(datasets.load("reviews-zh")["test"].texts)


def _sentences() -> list[str]:
    return [" ".join(words) for words in datasets.load("pos-zh", "tagged sentences")["test"].tokens]


def _stretches() -> list[str]:
    """Some words of an article each."""
    draw = np.random.default_rng(0)
    found = []
    for text in datasets.load("news-en")["test"].texts:
        words = text.split()
        while len(words) > 8:
            size = int(draw.integers(8, 33))
            found.append(" ".join(words[:size]))
            words = words[size:]
    return found


def _words() -> list[str]:
    return list(datasets.load("g2p-en", "pairs")["test"].sources)


def _waves() -> list[list[float]]:
    """Series that repeat every day of 24 steps, with noise."""
    draw = np.random.default_rng(0)
    steps = np.arange(STEPS)
    waves = [np.sin(2 * np.pi * (steps + phase) / 24) for phase in draw.integers(0, 24, 500)]
    return [(wave + 0.2 * draw.standard_normal(STEPS)).round(4).tolist() for wave in waves]


CASES = {
    "classify": Case(_reviews, 10_000, [(Classifier, "forward")], "reviews-zh"),
    "tag": Case(_sentences, 4_000, [(Tagger, "forward"), (Tagger, "decode")], "pos-zh"),
    "lm": Case(_stretches, 10_000, [(LanguageModel, "nats"), (LanguageModel, "nats_of_each")], "news-en"),
    "transduce": Case(
        _words,
        4_000,
        [(TransducePredictor, "search"), (Transducer, "encode"), (Transducer, "decode")],
        "g2p-en",
    ),
    "series": Case(
        _waves,
        4_000,
        [(Forecaster, "forward"), (Forecaster, "forecast")],
        options={"objective": "forecast", "horizon": HORIZON, "max_epochs": 3},
    ),
}
FORMATS = ("csv", "jsonl", "parquet")
COLUMNS = {"transduce": "source"}
"""The text's, where it is not "text"."""


def trained(task: str, runs: Path) -> Path:
    """The run of a task, trained unless it is there."""
    out, case = runs / task, CASES[task]
    if not out.exists():
        data = case.data
        if data is None:
            data = str(runs / "train.csv")
            write_series(Path(data), case.texts())
        limit = {"max_minutes": SECONDS / 60, "baseline": False, "threads": 1}
        cellwright.fit(data, out, task=task, options=case.options | limit, say=lambda sentence: None)
    return out


def write_series(path: Path, series: list[list[float]]) -> None:
    """A row a step."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["series", "x"])
        rows.writerows((name, value) for name, steps in enumerate(series) for value in steps)


def write_texts(path: Path, column: str, texts: list[str]) -> None:
    """A row a text, with its number."""
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table({"id": range(len(texts)), column: texts}), path)
    elif path.suffix == ".jsonl":
        rows = ({"id": number, column: text} for number, text in enumerate(texts))
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", column])
            writer.writerows(enumerate(texts))


def written(task: str, format: str, rows: int | None, folder: Path) -> tuple[Path, int]:
    """The file that is answered, and its rows."""
    case = CASES[task]
    count = rows or case.rows
    given = list(itertools.islice(itertools.cycle(case.texts()), count))
    path = folder / f"{task}.{format}"
    if task == "series":
        path = path.with_suffix(".jsonl")
        path.write_text("".join(json.dumps({"values": steps}) + "\n" for steps in given))
    else:
        write_texts(path, COLUMNS.get(task, "text"), given)
    return path, count


@dataclass
class Calls:
    """What the model was given, and what it answered."""

    made: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    @torch.inference_mode()
    def again(self) -> list[Any]:
        """The answers to the same."""
        return [call(*given, **named) for call, given, named in self.made]


@contextlib.contextmanager
def noted(methods: list[tuple[type, str]]) -> Iterator[Calls]:
    """Note the calls of these methods, but not those that are made within another."""
    calls, inside, before = Calls(), [False], [getattr(kind, name) for kind, name in methods]

    def noting(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if inside[0]:
                return method(*given, **named)
            inside[0] = True
            try:
                answer = method(*given, **named)
            finally:
                inside[0] = False
            calls.made.append((method, given, named))
            calls.answers.append(answer)
            return answer

        return call

    for (kind, name), method in zip(methods, before, strict=True):
        setattr(kind, name, noting(method))
    try:
        yield calls
    finally:
        for (kind, name), method in zip(methods, before, strict=True):
            setattr(kind, name, method)


def same(one: Any, other: Any) -> bool:
    """Whether two answers are the same to the bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    return (
        one == other
        if isinstance(one, int | float | str | None)
        else same([*vars(one).values()], [*vars(other).values()])
    )


def predict(run: Path, path: Path, out: Path) -> None:
    """The command."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        if command(["predict", str(run), str(path), "--out", str(out), "--overwrite"]):
            raise SystemExit(said.getvalue())


def clocked(work: Callable[[], Any]) -> tuple[float, float, float]:
    """Seconds by the clock, of the processor, and of the processor from a command's first answer on."""
    module = importlib.import_module("cellwright.cli.predict")
    answer, begins = module._answer, list[float]()

    def answering(*given: Any, **named: Any) -> None:
        begins.append(time.process_time())
        answer(*given, **named)

    module._answer = answering
    try:
        begin, busy = time.perf_counter(), time.process_time()
        work()
        ended = time.process_time()
        return time.perf_counter() - begin, ended - busy, ended - (begins or [busy])[0]
    finally:
        module._answer = answer


def measured(run: Path, path: Path, out: Path, task: str, times: int) -> list[list[tuple[float, float, float]]]:
    """Of the command and of the bare model, each time."""
    with noted(CASES[task].model) as calls:
        predict(run, path, out)
    if not same(calls.again(), calls.answers):
        raise SystemExit(f"{task}: the model's answers to the same batches are others")
    found: list[list[tuple[float, float, float]]] = [[], []]
    for _ in range(times):
        for times_of, work in zip(found, (lambda: predict(run, path, out), calls.again), strict=True):
            times_of.append(clocked(work))
    return found


HEAD = """\
| task | answers | rows | command, rows/s | model, rows/s | ratio | by processor time | from the first answer on |
|---|---|---:|---:|---:|---:|---:|---:|
"""


def row_of(run: Path, task: str, format: str, asked: argparse.Namespace, folder: Path) -> str:
    """What was measured of a task and format as a row of the table."""
    path, rows = written(task, format, asked.rows, folder)
    ours, bare = measured(run, path, Path(folder, f"out.{format}"), task, asked.times)
    rates = [rows / statistics.median(each[0] for each in taken) for taken in (ours, bare)]
    ratios = [statistics.median(b[k] / o[k] for o, b in zip(ours, bare, strict=True)) for k in range(3)]
    said = [task, format, f"{rows:,}", *(f"{rate:,.0f}" for rate in rates), *(f"{ratio:.2f}" for ratio in ratios)]
    return f"| {' | '.join(said)} |\n"


def main() -> None:
    """Print a row a task and format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(CASES), help="with commas between them")
    parser.add_argument("--formats", default=",".join(FORMATS), help="likewise")
    parser.add_argument("--rows", type=int, help="of each file, where not the task's own number")
    parser.add_argument("--times", type=int, default=3, help="of each, in turn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=Path, help="folder of the runs; without, they are thrown away")
    parser.add_argument("--page", action="store_true", help="write the table into docs/scale.md")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    busy = others_at_work()
    print(busy or "", HEAD, sep="\n", end="", flush=True)
    table = HEAD
    with tempfile.TemporaryDirectory() as folder:
        for task in asked.tasks.split(","):
            run = trained(task, asked.runs or Path(folder))
            for format in asked.formats.split(","):
                table += (row := row_of(run, task, format, asked, Path(folder)))
                print(row, end="", flush=True)
    if asked.page:
        on = describe()
        said = [
            on["date"],
            on["processor"],
            f"threads {asked.threads}",
            f"each measured {counted(asked.times, 'time')}",
        ]
        replace_measured(PAGE, f"{table}\n{'; '.join([*said, busy] if busy else said)}.\n", "measured prediction")


if __name__ == "__main__":
    main()
