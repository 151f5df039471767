"""Runs of one task side by side: what they scored, the options in which they differ, how they learned.

Read is what their folders say, as JSON and CSV: no weights, no data, no code.
"""

import csv
import html
import io
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cellwright import tasks
from cellwright.data.wording import shortened
from cellwright.errors import InputError
from cellwright.evaluation.report import Section
from cellwright.files import read_json, replace_file
from cellwright.options import flag
from cellwright.tasks.run import load_config, with_defaults
from cellwright.training.folder import LOG, METRICS, SCORES, model_scores
from cellwright.tuning.space import shown

NOT_THERE = "–"
SCORE_DIGITS = 4
TRAINING = ("best_epoch", "epochs", "seconds", "parameters")
SUFFIXES = (".html", ".png")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0 2rem; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #8884; text-align: right; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; }
"""


@dataclass(frozen=True)
class ComparedRun:
    """What a run's folder says of it."""

    path: str
    """As it was given."""
    options: Mapping[str, Any]
    """Those in which the runs differ."""
    validation: Mapping[str, float]
    """Scores of the kept weights on the validation split; none where training has not ended or nothing was held out."""
    test: Mapping[str, float]
    """Scores on the test split; none where they were not taken."""
    log: Sequence[Mapping[str, float]]
    """A row an epoch, as `log.csv` has it."""
    epochs: int | None
    """Done; None where training has not ended."""
    best_epoch: int | None
    """Whose weights are kept."""
    seconds: float | None
    """Wall time of training."""
    parameters: int | None
    """Numbers that the model consists of."""


@dataclass(frozen=True)
class Comparison:
    """Runs of one task side by side."""

    task: str
    """What they learn."""
    metric: str | None
    """The validation score that their best epochs were chosen by; None where there is none, or they differ in it."""
    runs: list[ComparedRun]
    """In the order in which they were given."""
    notes: list[str]
    """What is to be known of the comparison, a sentence each."""

    def as_json(self) -> dict[str, Any]:
        """All of it but the logs, for machines."""
        runs = [{name: value for name, value in asdict(each).items() if name != "log"} for each in self.runs]
        return {"task": self.task, "metric": self.metric, "runs": runs, "notes": self.notes}

    def sections(self) -> list[Section]:
        """Scores, training, and the options that differ, as tables with a row a run; none without a column."""
        parts: list[tuple[str, list[Mapping[str, Any]], int | None]] = [
            ("validation", [each.validation for each in self.runs], SCORE_DIGITS),
            ("test", [each.test for each in self.runs], SCORE_DIGITS),
            ("training", [{name: vars(each)[name] for name in TRAINING} for each in self.runs], None),
            ("options that differ", [each.options for each in self.runs], None),
        ]
        return [self._section(*part) for part in parts if any(part[1])]

    def _section(self, title: str, values: Sequence[Mapping[str, Any]], digits: int | None) -> Section:
        names = [*dict.fromkeys(name for each in values for name in each)]
        rows = [
            [run.path, *(_cell(each, name, digits) for name in names)]
            for run, each in zip(self.runs, values, strict=True)
        ]
        return Section(title, [name.replace("_", " ") for name in names], rows)

    def write(self, path: str | Path) -> None:
        """Write the comparison as one HTML file, or the learning curves as a PNG, by the suffix of the path.

        Raises InputError for another suffix, where there is nothing to draw, and where the file cannot be written.
        """
        path = Path(path)
        if path.suffix == ".png":
            replace_file(path, self._curves())
        elif path.suffix == ".html":
            replace_file(path, self._page().encode())
        else:
            raise InputError(f"{path}: expected a file name that ends in {' or '.join(SUFFIXES)}")

    def _curves(self) -> bytes:
        """The loss in training, that in validation, and the validation score, over the epochs of every run."""
        if not any(each.log for each in self.runs):
            raise InputError("no run has finished an epoch, so that there is no learning curve; leave --out out")
        columns = ["train_loss", "validation_loss", *([f"validation_{self.metric}"] if self.metric else [])]
        columns = [
            name for name in dict.fromkeys(columns) if any(name in row for each in self.runs for row in each.log)
        ]
        figure = Figure(figsize=(4.6 * len(columns), 3.8), layout="constrained")
        FigureCanvasAgg(figure)  # draws to memory: no display is needed
        for axes, name in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
            self._draw(axes, name)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4), fontsize="small")
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=120)
        return picture.getvalue()

    def _draw(self, axes: Axes, name: str) -> None:
        for number, each in enumerate(self.runs):
            rows = [row for row in each.log if name in row]
            color, line = f"C{number % 10}", ("-", "--", ":", "-.")[number // 10 % 4]
            label = each.path.replace("$", r"\$")
            points = [row["epoch"] for row in rows], [row[name] for row in rows]
            axes.plot(*points, marker="o", markersize=3, color=color, linestyle=line, label=label)
        axes.set(xlabel="epoch", ylabel=name.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.ticklabel_format(axis="y", useOffset=False)

    def _page(self) -> str:
        parts = [f"<p>{html.escape(note)}</p>" for note in self.notes]
        for section in self.sections():
            heads = "".join(f"<th>{html.escape(name)}</th>" for name in ("run", *section.columns))
            rows = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in section.rows)
            body = "".join(f"<tr>{row}</tr>" for row in rows)
            parts.append(f"<h2>{section.title}</h2><table><tr>{heads}</tr>{body}</table>")
        if any(each.log for each in self.runs):
            picture = b64encode(self._curves()).decode()
            parts.append(f'<h2>learning curves</h2><img alt="learning curves" src="data:image/png;base64,{picture}">')
        title = f"{len(self.runs)} runs of {self.task}"
        head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
        return f"<!doctype html><html lang=en><head>{head}</head><body><h1>{title}</h1>{''.join(parts)}</body></html>\n"


def compare(runs: Sequence[str | Path]) -> Comparison:
    """Lay runs of one task side by side: `cellwright compare`.

        cellwright.compare(["runs/lstm", "runs/gru"]).write("compare.html")

    Args:
        runs: Folders that `fit` made; the code of a cell of one's own is not run.

    Returns:
        Scores, the options that differ, and the learning curves.

    Raises:
        InputError: A folder is no run, stands twice, or is of another task than the first.

    """
    paths = [str(each) for each in runs]
    if len(paths) < 2:
        raise InputError(f"compare: got {len(paths)} run; expected at least two")
    if twice := next((one for one in paths if paths.count(one) > 1), None):
        raise InputError(f"{twice}: is given twice; expected different runs")
    configs = [load_config(Path(each)) for each in paths]
    for path, config in zip(paths, configs, strict=True):
        if config.task != configs[0].task:
            raise InputError(
                f"{path}: is a run of {config.task}, and {paths[0]} one of {configs[0].task}, whose scores are others; "
                "expected runs of one task"
            )
    options = [
        {name: value for name, value in with_defaults(config).items() if name not in config.unused}
        for config in configs
    ]
    differing = [name for name in dict.fromkeys(name for one in options for name in one) if _differ(options, name)]
    found = [
        _read(path, {name: of_run[name] for name in differing if name in of_run})
        for path, of_run in zip(paths, options, strict=True)
    ]
    metrics = {_metrics(path).get("metric") for path in paths} - {None}
    metric = str(metrics.pop()) if len(metrics) == 1 else None
    apart = [flag(name) for name in tasks.config_of(configs[0].task).incomparable if _is_apart(options, name)]
    notes = _notes(found, len({config.fingerprint for config in configs}) > 1, sorted(apart))
    return Comparison(configs[0].task, metric, found, notes)


def _differ(options: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether an option differs among the runs that have a use for it."""
    return any(one != other for one, other in pairwise([each[name] for each in options if name in each]))


def _is_apart(options: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether an option differs, or some of the runs alone have a use for it."""
    return _differ(options, name) or len({name in each for each in options}) > 1


def _read(path: str, options: Mapping[str, Any]) -> ComparedRun:
    metrics, folder = _metrics(path), Path(path)
    test, log = folder / SCORES["test"], folder / LOG
    return ComparedRun(
        path,
        options,
        metrics.get("validation", {}),
        model_scores(read_json(test)) if test.exists() else {},
        _log(log) if log.exists() else [],
        **{name: metrics.get(name) for name in TRAINING},
    )


def _metrics(path: str) -> dict[str, Any]:
    file = Path(path, METRICS)
    return read_json(file) if file.exists() else {}


def _log(path: Path) -> list[dict[str, float]]:
    """The rows of `log.csv`. Raises InputError where they are none."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    except (ValueError, TypeError, OSError) as error:
        raise InputError(f"{path}: cannot be read ({error}); expected numbers, as `fit` writes them") from None


def _notes(runs: Sequence[ComparedRun], other_data: bool, apart: Sequence[str]) -> list[str]:
    notes = []
    if apart:
        notes.append(
            f"the runs differ in {', '.join(apart)}: losses, and what is made of them, may differ by that alone"
        )
    if other_data:
        notes.append("the runs did not all learn from the same examples: scores may differ by that alone")
    if unfinished := [each.path for each in runs if each.epochs is None]:
        notes.append(f"training has not ended: {shortened(unfinished)}")
    if untested := [each.path for each in runs if not each.test and each.epochs is not None]:
        notes.append(f"without test scores: {shortened(untested)} (cellwright evaluate RUN DATA takes them)")
    return notes


def _cell(values: Mapping[str, Any], name: str, digits: int | None) -> str:
    """A value as a table shows it."""
    if name not in values or (name in TRAINING and values[name] is None):
        return NOT_THERE
    value = values[name]
    if value is None:
        return "none"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.{digits}f}" if digits else shown(value)
