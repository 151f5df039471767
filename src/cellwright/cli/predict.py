"""`cellwright predict`: what a run says of texts, from the command line or from standard input."""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from cellwright.errors import InputError

if TYPE_CHECKING:
    from cellwright.tasks.predictor import Prediction

LINES = 1000  # read from a file or a pipe before they are answered together
LINE_ENDS = {end: f"\\u{end:04x}" for end in (0x85, 0x2028, 0x2029)}  # JSON allows them, `splitlines` cuts there


def predict(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT…",
            help="Texts, of a run on series files of them; without any, the lines of standard input.",
            show_default=False,
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of standard input.")] = "utf-8",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, which says more.")] = False,
    **options: Any,
) -> None:
    """Print the answer for each text: of a classifier, the label and its probability.

    One line a text, fields with tabs between them. An empty text is answered too. Runs of some tasks add options:
    `cellwright predict RUN --help` lists them.
    """
    from cellwright import tasks
    from cellwright.cli.answering import load_told, tell_unknown

    _check(encoding)
    loaded = load_told(run, options)
    predictor = tasks.get(loaded.config.task).predictor(loaded)
    if predictor.reads:
        print(predictor.reads, file=sys.stderr)
    given = predictor.texts_of(texts or [], encoding)
    for note in predictor.notes:
        print(note, file=sys.stderr)
    if predictor.header is not None and not as_json:
        print(predictor.header)
    read, told = 0, set[str]()
    for chunk in _chunks(given, encoding):
        found = predictor.predict_lines(chunk, read + 1)
        for text, prediction in zip(chunk, found, strict=True):
            print(_as_json(text, prediction, predictor.echoes) if as_json else prediction.line(text))
        sys.stdout.flush()
        unknown = {symbol for prediction in found for symbol in predictor.unknown(prediction)}
        tell_unknown("symbols", unknown - told)
        told |= unknown
        read += len(chunk)


def _chunks(texts: list[str] | None, encoding: str) -> Iterator[list[str]]:
    if texts:
        yield texts
        return
    typed = sys.stdin.isatty()
    if typed:
        print("One text a line; Ctrl-D ends.", file=sys.stderr)
    lines = _lines(sys.stdin.buffer, encoding)
    while chunk := list(islice(lines, 1 if typed else LINES)):
        yield chunk


def _lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """Yield the lines, without line ends and byte order mark; raises InputError at one the encoding does not know."""
    for number, line in enumerate(stream, start=1):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            raise InputError(
                f"standard input, line {number}: not {encoding}: byte 0x{line[error.start]:02x} at offset "
                f"{error.start} of the line ({error.reason}); name its encoding, such as --encoding gb18030 for Chinese"
            ) from None
        yield (text.removeprefix("\ufeff") if number == 1 else text).removesuffix("\n").removesuffix("\r")


def _check(encoding: str) -> None:
    try:
        ends_lines = b"a\n".decode(encoding, errors="replace") == "a\n"
    except (LookupError, UnicodeError):  # idna replaces nothing
        raise InputError(f"--encoding is {encoding!r}; expected one such as utf-8 or gb18030") from None
    if not ends_lines:
        raise InputError(
            f"standard input cannot be read line by line in {encoding}, whose line ends are not ASCII's; "
            f"convert it: iconv -f {encoding} -t utf-8"
        )


def _as_json(text: str, prediction: "Prediction", echoes: bool) -> str:
    said = {"text": text} if echoes else {}
    return json.dumps(said | prediction.as_json(), ensure_ascii=False).translate(LINE_ENDS)
