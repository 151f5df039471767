"""`cellwright inspect`: what a run does on a text, token by token."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cellwright.errors import InputError

if TYPE_CHECKING:
    from rich.text import Text

    from cellwright.inspect.recording import Recording
    from cellwright.tasks.classify.run import ClassifyRun
    from cellwright.tasks.lm.run import LanguageRun

STRONGEST = 5  # tokens that the terminal names


def inspect(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    text: Annotated[str, typer.Argument(help="The text.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Write an HTML report, which opens without a network.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write maps of every gate and state to this PNG.")] = None,
    npz: Annotated[Path | None, typer.Option(help="Write the recorded numbers to this NumPy file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")] = False,
) -> None:
    """Show what each token contributed, the answer up to it, how selective the gates are and what is remembered.

    Of a language model: how surprising each token is, and which units follow quotation marks, brackets or lines.
    """
    from cellwright.tasks.run import load_run

    loaded: Any = load_run(run)
    task = loaded.config.task
    if task == "classify":
        _classifier(loaded, text, out, png, npz, as_json)
    elif task == "lm":
        _language_model(loaded, text, {"--out": out, "--png": png}, npz, as_json)
    else:
        raise InputError(f"{run}: a run of task {task}; expected one of classify or lm, which inspect can show")


def _language_model(
    run: "LanguageRun", text: str, pages: dict[str, Path | None], npz: Path | None, as_json: bool
) -> None:
    from cellwright.cli.inspect_lm import show_language
    from cellwright.inspect.language import arrays

    for option, path in pages.items():
        if path is not None:
            raise InputError(f"{option} {path}: of a language model there is no picture; expected --npz or --json")
    reading = show_language(run, text, as_json)
    if npz is not None:
        _write(npz, arrays(reading))


def _classifier(
    run: "ClassifyRun", text: str, out: Path | None, png: Path | None, npz: Path | None, as_json: bool
) -> None:
    from cellwright.inspect.recording import record
    from cellwright.inspect.summary import summary

    recording = record(run, text)
    written = {out: _html, png: _png, npz: _npz}
    for path, content in written.items():
        if path is not None:
            _write(path, content(recording))
    if as_json:
        print(json.dumps(summary(recording), ensure_ascii=False))
    else:
        _print(recording)
        for path in filter(None, written):
            print(f"written: {path}")


def _html(recording: "Recording") -> bytes:
    from cellwright.inspect.report import report

    return report(recording).encode()


def _png(recording: "Recording") -> bytes:
    from cellwright.evaluation.fonts import font_for
    from cellwright.inspect.heatmaps import heatmaps

    return heatmaps(recording, font_for(recording.tokens))


def _npz(recording: "Recording") -> bytes:
    from cellwright.inspect.summary import arrays

    return arrays(recording)


def _write(path: Path, content: bytes) -> None:
    from cellwright.models.files import replace_file

    replace_file(path, content)


def _print(recording: "Recording") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cellwright.inspect.summary import gates, memories

    console = Console(highlight=False)
    console.print(Text(f"{recording.label} {recording.probabilities[-1].max():.1%}", style="bold"))
    console.print(_coloured(recording), soft_wrap=True)
    console.print(Text(f"contributed most, green for it and red against it: {_strongest(recording)}\n"), soft_wrap=True)
    if rows := gates(recording):
        table = Table("gate", "layer", "direction", "closed", "open", "mean", box=box.SIMPLE_HEAD)
        for row in rows:
            shares = (f"{row['closed']:.1%}", f"{row['open']:.1%}", f"{row['mean']:.2f}")
            table.add_row(row["gate"], str(row["layer"]), row["direction"], *shares)
        console.print(table)
    for row in memories(recording):
        half = "∞" if row["median"] is None else f"{row['median']:.1f}"
        where = f"layer {row['layer']}, {row['direction']}"
        print(f"{where}: half of {row['state']} is left after {half} tokens in the median unit")


def _strongest(recording: "Recording") -> str:
    """The tokens that contributed most: lovely +1.40, boring −0.20."""
    values = recording.contributions.values
    order = abs(values).argsort()[::-1][:STRONGEST]
    return ", ".join(f"{' '.join(recording.tokens[t].split())} {values[t]:+.2f}".replace("-", "−") for t in order)


def _coloured(recording: "Recording") -> "Text":
    """The text, its tokens on green and red ground."""
    from rich.text import Text

    strongest = abs(recording.contributions.values).max() or 1.0
    coloured = Text()
    for before, token, value in zip(recording.between, recording.tokens, recording.contributions.values, strict=True):
        light = round(255 - 130 * abs(float(value)) / strongest)
        ground = f"rgb({light},255,{light})" if value > 0 else f"rgb(255,{light},{light})"
        coloured.append(before)
        coloured.append(token, style=f"black on {ground}")
    return coloured
