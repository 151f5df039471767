"""What the command line does with a run, from Python: fit, load, evaluate, export.

    result = cellwright.fit("reviews.csv", "runs/reviews", options={"text": "review", "label": "stars"})
    predictor = cellwright.load(result.out)
    report = cellwright.evaluate(result.out, "more.csv")
    written = cellwright.export(result.out, "reviews.onnx")

Each takes the options of the command of its name, with underscores for hyphens: `--max-epochs 3` is
`options={"max_epochs": 3}`, `--no-header` is `{"header": False}`, `none` is None. `cellwright fit --task NAME --help`
lists them; what is wrong is refused in the command line's own sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellwright import tasks
from cellwright.errors import InputError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cellwright.evaluation.report import Report
    from cellwright.onnx import Written
    from cellwright.tasks.predictor import Predictor
    from cellwright.tasks.run import Run
    from cellwright.training import FitResult

READING = ("encoding", "format", "separator", "header", "quoting")
"""Options that say how a file is written; None leaves it to the run."""


def fit(
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    task: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: bool = False,
    say: Callable[[str], None] = print,
) -> FitResult:
    """Train a model on a file of examples, and leave the best one in a run folder: `cellwright fit`.

    It trains, and scores nothing but the validation examples; `evaluate` scores the test examples.

    Args:
        data: A file of examples or several, a folder or a pattern of them, a folder of texts, or the name of a
            built-in set (`cellwright datasets`).
        out: The run folder to make.
        task: What to learn: classify, tag, lm, transduce, series or autoencode. None is classify, and with
            `resume=True` among the options what the run was started with.
        options: Options of `cellwright fit --task NAME`, by name; the others have their defaults.
        progress: Whether to show a progress bar on standard error.
        say: Is given one sentence at a time: what the data is, each epoch's scores, why training stopped.

    Returns:
        How training ended: the folder `out`, the epochs, the best epoch's validation scores, and what a model that
        has learned nothing would score.

    Raises:
        InputError: The data cannot be read or learned from, an option is unknown or out of its range, `out` is there
            already, or the disk is full.

    """
    from cellwright.options import OFF, check_names, configured
    from cellwright.tasks.run import task_of
    from cellwright.training import fit as train

    given = {name: OFF if value is None else value for name, value in (options or {}).items()}
    name = task or (task_of(Path(out)) if given.get("resume") is True else tasks.USUAL)
    config = tasks.config_of(name)
    check_names(f"fit, task {name}", config.model_fields.keys() - {"data", "out"}, given)
    made = configured(config, {**given, "data": _named(data), "out": Path(out)})
    return train(made, progress=progress, say=say)


def load(run: str | Path, *, options: Mapping[str, Any] | None = None) -> Predictor[Any]:
    """Read a run folder, to put its model to use: `cellwright predict`.

        predictor = cellwright.load("runs/reviews")
        predictor.predict(["The room was clean."])[0].label

    Opening a run never runs code that it brings, unless `cell` names it.

    Args:
        run: A folder that `fit` made.
        options: How answers are looked for, where the run's task has such options (`cellwright predict RUN --help`),
            and `cell`, FILE.py:NAME, the code of a cell that is not the library's.

    Returns:
        A predictor. Its `predict` takes a list of texts and gives an answer for each, whose fields are those of
        `--json`; its `run` has the model (`run.model`, a torch module) and the description of the folder. It may be
        called from several threads at once.

    Raises:
        InputError: The folder, or a file in it, is missing, cut short or of a newer version, or an option is unknown.

    """
    opened = _opened(run, dict(options or {}), also=frozenset())
    return tasks.get(opened.config.task).predictor(opened)


def evaluate(
    run: str | Path,
    data: str | Path | Sequence[str | Path],
    *,
    split: Literal["train", "validation", "test", "all"] | None = None,
    options: Mapping[str, Any] | None = None,
    baselines: bool = True,
    say: Callable[[str], None] = print,
) -> Report:
    """Score a run on examples whose answers are known, beside its baselines: `cellwright evaluate`.

    Args:
        run: A folder that `fit` made.
        data: A file of examples or several, as `fit` takes them, or the name of a built-in set.
        split: What of the data to score. None is the test split of a built-in set or of the run's own file, and all
            of another file.
        options: Columns whose name or number differs from the run's, how the file is written, how answers are looked
            for, and `cell`; as in `cellwright evaluate RUN --help`.
        baselines: Whether to fit those that take the run's training examples.
        say: Is given a sentence on what cannot be done or flatters.

    Returns:
        The scores: `as_json()` gives them by name, `verdict()` says in a sentence what the network adds, and
        `pictures()` draws what can be drawn. Its `mistakes` are the examples that the run is wrong about, the surest
        first, each a dict: where it stood, what it is, "expected", "answered", "probability"; None of runs whose
        answers are neither right nor wrong.

    Raises:
        InputError: The run or the data cannot be read, or an option is unknown.

    """
    from cellwright.data import datasets
    from cellwright.tasks.run import task_of
    from cellwright.tasks.splits import usual_split

    task = tasks.get(task_of(Path(run)))
    of_data = {*task.columns, *READING, "skip_missing"}
    told = {name: value for name, value in (options or {}).items() if name in of_data}
    rest = {name: value for name, value in (options or {}).items() if name not in of_data}
    opened = _opened(run, rest, also=of_data)
    named = _named(data)
    chosen = split or usual_split(opened, named, datasets.names())
    columns = {name: value for name, value in told.items() if name in task.columns}
    written = of_files({name: value for name, value in told.items() if name not in columns}, task.name)
    return task.evaluate(opened, named, chosen, columns | written, say, baselines)


def export(
    run: str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    portable: bool = False,
    check: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Written:
    """Write a run as one ONNX file, and compare the two: `cellwright export`.

    `to_onnx` does the same with a layer or a module of yours.

    Args:
        run: A folder that `fit` made; runs of classify, tag, lm and series can be written.
        out: The file to write; its folder exists.
        overwrite: Whether a file that is there is replaced.
        portable: Whether to write nothing that runtimes other than ONNX Runtime compute otherwise.
        check: The runtimes whose numbers have to be the run's: onnxruntime, openvino, onnx.reference. None is ONNX
            Runtime, and with `portable` every one, where they are installed.
        options: `cell`, FILE.py:NAME, the code of a cell that is not the library's.

    Returns:
        What was written: its inputs and outputs by name, type and shape, what each layer became, how to feed it, and
        the largest difference of each runtime.

    Raises:
        InputError: The run cannot be read or exported, a package is missing, the file is there or cannot be written,
            or its numbers are not the run's; then there is no new file.

    """
    from cellwright.onnx import exporters
    from cellwright.options import check_names
    from cellwright.tasks.run import load_run

    given = dict(options or {})
    check_names("export", ["cell"], given)
    return exporters.export(
        load_run(run, given.get("cell")), Path(out), overwrite=overwrite, portable=portable, check=check
    )


def load_told(path: Path, cell: str | None, options: Mapping[str, Any]) -> Run[Any, Any]:
    """Load a run, to look for answers as its task's among these options say, else as it was. Raises InputError."""
    from cellwright.options import configured
    from cellwright.tasks.run import load_run

    run = load_run(path, cell)
    field = tasks.get(run.config.task).decoding
    if field is None:
        return run
    own: BaseModel = getattr(run.config, field)
    given = {name: options[name] for name in type(own).model_fields if options.get(name) is not None}
    told = configured(type(own), own.model_dump() | given)
    return replace(run, config=run.config.model_copy(update={field: told}))


def of_files(told: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the options that were given; raises InputError for one that files of this task do not have."""
    from cellwright.options import flag

    given = {name: value for name, value in told.items() if value is not None}
    for name in sorted(given.keys() - tasks.config_of(task).model_fields):
        raise InputError(
            f"{flag(name)} is {given[name]}, which files of a run of task {task} do not have; leave it out"
        )
    return given


def _named(data: str | Path | Sequence[str | Path]) -> str:
    """DATA as the command line has it. Raises InputError."""
    from cellwright.data import datasets
    from cellwright.data.readers.several import as_one

    return as_one([data] if isinstance(data, str | Path) else data, datasets.names())


def _opened(run: str | Path, options: dict[str, Any], *, also: frozenset[str] | set[str]) -> Run[Any, Any]:
    """The run, as the options say; `also` are further names that there are. Raises InputError."""
    from cellwright.options import check_names
    from cellwright.tasks.run import load_config

    config = load_config(Path(run))
    field = tasks.get(config.task).decoding
    own = set() if field is None else set(type(getattr(config, field)).model_fields)
    check_names(f"a run of task {config.task}", {"cell", *own, *also}, options)
    return load_told(Path(run), options.pop("cell", None), options)
