"""`cellwright inspect`: what a run does on a text, token by token."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cellwright.cli.run_options import OwnCell
from cellwright.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cellwright.inspect.probes import Probe
    from cellwright.inspect.recording import Recording
    from cellwright.tasks.run import Run


def inspect(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    text: Annotated[str, typer.Argument(metavar="TEXT|FILE", help="The text, or a file of them.", show_default=False)],
    row: Annotated[int, typer.Option(help="Which text or series of the file, from 1.")] = 1,
    texts_only: Annotated[bool, typer.Option("--text", help="Take it for a text, whatever files there are.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write an HTML report, which opens without a network.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write maps of every gate and state to this PNG.")] = None,
    npz: Annotated[Path | None, typer.Option(help="Write the recorded numbers to this NumPy file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    cell: OwnCell = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")] = False,
    **options: Any,
) -> None:
    """Show the answer token by token, how selective the gates are and what is remembered.

    Of a classifier also what each token contributed; of a tagger each word's tag; of a transducer where it looked; of
    an autoencoder what comes back; of a language model how surprising each token is, and which units follow quotation
    marks, brackets or lines.
    """
    from cellwright.cli.run_options import may_be_read
    from cellwright.files import check_apart, check_free
    from cellwright.inspect.recorders import recorder_of
    from cellwright.tasks.run import load_run

    written = {"--out": out, "--png": png, "--npz": npz}
    check_free(written, overwrite=overwrite)
    check_apart(written, may_be_read([text], texts_only=texts_only))
    loaded: Run[Any, Any] = load_run(run, cell)
    recorder = recorder_of(loaded)
    recording = recorder.record(loaded, _chosen(loaded, text, row, options, texts_only=texts_only), True)
    found = _followed(recorder.follow, loaded)
    if out is not None:
        _write(out, _html(recording, found))
    if png is not None:
        _write(png, _png(recording))
    if npz is not None:
        _write(npz, _npz(recording))
    if as_json:
        _print_json(recording, found)
    else:
        _print(recording, found)
        for path in filter(None, (out, png, npz)):
            print(f"written: {path}")


def _chosen(run: "Run[Any, Any]", argument: str, row: int, how: dict[str, Any], *, texts_only: bool) -> str:
    """The text that is meant: the argument, or one of those of the file that it names."""
    from cellwright import tasks
    from cellwright.cli.run_options import expanded, requests_of, rows_of

    predictor = tasks.get(run.config.task).predictor(run)
    given = [argument] if texts_only else expanded([argument], predictor)
    requests = requests_of(given, predictor, how, texts_only=texts_only)
    asked = (text for each in requests.values() for text, _ in rows_of(each.pieces()))
    texts = asked if requests else iter(given)
    count = 0
    for count, chosen in enumerate(texts, start=1):
        if count == row:
            return chosen if isinstance(chosen, str) else " ".join(chosen)  # a tagger's words
    expected = "1, the only one" if count == 1 else f"1 to {count:,}, as many as there are"
    raise InputError(f"--row is {row}; expected {expected}")


def _followed(follow: "Callable[[Any], list[Probe]] | None", run: "Run[Any, Any]") -> "list[Probe]":
    """The units that follow something; none, and a sentence, where the text by which they are found is gone."""
    try:
        return [] if follow is None else follow(run)
    except InputError as error:
        print(f"without the units that follow something: {error}", file=sys.stderr)
        return []


def _html(recording: "Recording", found: "list[Probe]") -> bytes:
    from cellwright.inspect.report import report

    return report(recording, found).encode()


def _png(recording: "Recording") -> bytes:
    from cellwright.evaluation.fonts import font_for
    from cellwright.inspect.heatmaps import heatmaps

    channels = recording.channels.names if recording.channels else []
    return heatmaps(recording, font_for([*recording.tokens, *recording.written, *channels]))


def _npz(recording: "Recording") -> bytes:
    from cellwright.inspect.summary import arrays

    return arrays(recording)


def _write(path: Path, content: bytes) -> None:
    from cellwright.files import replace_file

    replace_file(path, content)


def _print_json(recording: "Recording", found: "list[Probe]") -> None:
    from dataclasses import asdict

    from cellwright.inspect.summary import summary

    print(json.dumps(summary(recording) | {"units": [asdict(each) for each in found]}, ensure_ascii=False))


def _print(recording: "Recording", found: "list[Probe]") -> None:
    from cellwright.cli.render_recording import print_recording

    print_recording(recording, found)
