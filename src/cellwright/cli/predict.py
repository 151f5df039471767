"""`cellwright predict`: what a run says of texts, from the command line, from files or from standard input."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from cellwright.cli.run_options import OwnCell
from cellwright.errors import InputError
from cellwright.stages import stage

if TYPE_CHECKING:
    from cellwright.cli.answers import Answers
    from cellwright.cli.journal import Journal
    from cellwright.data.readers.jsonl import Pairs
    from cellwright.data.unseen import Unseen
    from cellwright.tasks.predictor import FileRequest, Predictor

LINES = 1000  # read from a file or a pipe before they are answered together


def predict(
    run: Annotated[Path, typer.Argument(help="Folder that `cellwright fit` made.", show_default=False)],
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT|FILE…",
            help="Texts, or files, folders and patterns of them: what is there as a file is one. Without any, the "
            "lines of standard input.",
            show_default=False,
        ),
    ] = None,
    texts_only: Annotated[
        bool, typer.Option("--text", help="Take every argument for a text, whatever files there are.")
    ] = False,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of text files (default the run's) and of standard input (default utf-8)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the files' columns and the answers beside them to this CSV, TSV, JSONL or Parquet; of a tagger "
            "also .conll or .conllu: the file once more, with its tags."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an --out that was interrupted; begin it where there is none.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an --out that is there.")] = False,
    cell: OwnCell = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, which says more.")] = False,
    **options: Any,
) -> None:
    """Print the answer for each text: of a classifier, the label and its probability.

    One line a text, fields with tabs between them. An empty text is answered too. Runs of some tasks add options:
    `cellwright predict RUN --help` lists them.
    """
    from cellwright import tasks
    from cellwright.allocator import keep_freed_memory, what_is_there_stays
    from cellwright.cli.journal import Journal, question
    from cellwright.cli.run_options import expanded, may_be_read, requests_of, say
    from cellwright.files import check_apart
    from cellwright.runs import load_told

    keep_freed_memory()
    _check(encoding or "utf-8", by_line=not given)
    _check_out(out, as_json=as_json, overwrite=overwrite, resume=resume)
    # Standard input may be a file, and its name then is one of that file's.
    check_apart({"--out": out}, may_be_read(given, texts_only=texts_only) if given else [Path("/dev/stdin")])
    loaded = load_told(run, cell, options)
    predictor = tasks.get(loaded.config.task).predictor(loaded)
    how = options | {"encoding": encoding}
    _check_columns(how["column"] or [], predictor, out)
    given = given if texts_only or not given else expanded(given, predictor)
    requests = requests_of(given or [], predictor, how, texts_only=texts_only, written=predictor.replaced)
    journal = None
    if out is not None:
        told = how | {"texts_only": texts_only, "cell": cell}
        journal = Journal(out, question(run, given, list(requests), told) if given else None)
        if not journal.begin(resume=resume, overwrite=overwrite):
            say(f"{out}: is whole")
            return
    typed = not given and sys.stdin.isatty()
    if typed:
        print("One text a line; Ctrl-D ends.", file=sys.stderr)
    rows = _given(given, requests) if given else _lines(sys.stdin.buffer, encoding or "utf-8")
    what = ", ".join(requests) or "texts"
    seen = typed or (out is None and sys.stdout.isatty())  # the answers themselves tell how far it is
    with (
        _answers(predictor, journal, as_json, requests, given or []) as answers,
        nullcontext(lambda count: None) if seen else stage(f"answering {what}") as done,
        what_is_there_stays(),
    ):
        _answer(predictor, rows, answers, done, typed=typed)


def _given(given: list[str], requests: "dict[str, FileRequest]") -> "Iterator[tuple[Any, Pairs]]":
    """What is asked, with the columns beside it, in the order of the arguments."""
    from cellwright.cli.run_options import rows_of

    for argument in given:
        if argument in requests:
            yield from rows_of(requests[argument].pieces())
        else:
            yield argument, [("text", argument)]


@contextmanager
def _answers(
    predictor: "Predictor[Any]",
    journal: "Journal | None",
    as_json: bool,
    requests: "dict[str, FileRequest]",
    given: list[str],
) -> "Iterator[Answers]":
    """Where the answers go, and what to say of them at the end."""
    from cellwright.cli.answers import FORMATS, Printed, rewritten, written, written_format
    from cellwright.cli.run_options import say
    from cellwright.data.wording import counted

    if predictor.reads:
        say(predictor.reads)
    if journal is None:
        yield Printed(predictor.header, as_json=as_json, echoes=predictor.echoes)
        return
    if written_format(journal.out, sentences=True) in FORMATS:
        with stage("looking for the names of the columns"):
            asked = (name for each in requests.values() for name in _names(each))
            texts = [] if given and requests.keys() >= set(given) else ["text"]
            names = list(dict.fromkeys([*asked, *texts]))
        file: Any = written(journal, names)
    else:
        file = rewritten(journal, [(each, requests.get(each)) for each in given or ["standard input"]])
    with file as answers:
        if answers.count:
            say(f"going on after {counted(answers.count, 'answer')}; what the run does not know is counted from there")
        yield answers
    for note in answers.notes:
        say(note)
    for name, other in answers.renamed.items():
        say(f"the input has a column {name!r}: the answer's is {other!r}")
    say(f"{counted(answers.count, 'answer')} in {journal.out}")


def _names(request: "FileRequest") -> list[str]:
    """The columns of a file, in their order. Raises InputError for two of one name.

    Where rows may have others than the first, as objects of JSON, the file is read for them, and again for the answers.
    """
    found: dict[str, None] = {}
    for piece in request.pieces():
        for row in piece.rows[: 1 if piece.alike else None]:
            names = [name for name, _ in row]
            if len(set(names)) < len(names):
                double = next(name for name in names if names.count(name) > 1)
                raise InputError(
                    f"--out: column {double!r} stands twice in the file; expected once: rename one of them"
                )
            found |= dict.fromkeys(names)
        if piece.alike:
            break
    return list(found)


def _answer(
    predictor: "Predictor[Any]",
    rows: "Iterator[tuple[Any, Pairs]]",
    answers: "Answers",
    done: Callable[[int], None],
    *,
    typed: bool,
) -> None:
    """Answer all, and say what the run does not know of it; where somebody types, of each line at once.

    done: is told how many more are answered.
    """
    read, unseen = answers.count, list["Unseen"]()
    rows = islice(rows, read, None)
    done(read)
    while chunk := list(islice(rows, 1 if typed else LINES)):
        texts = [text for text, _ in chunk]
        said = predictor.answered(texts, read + 1)
        answers.add(texts, [row for _, row in chunk], said.predictions)
        read += len(chunk)
        done(len(chunk))
        _count(unseen, said.unseen)
        if typed:
            _say(unseen)
    _say(unseen)


def _count(unseen: "list[Unseen]", found: "list[Unseen]") -> None:
    if not unseen:
        unseen += found
        return
    for each, further in zip(unseen, found, strict=True):
        each.add(further)


def _say(unseen: "list[Unseen]") -> None:
    """Say it, and begin to count anew."""
    from cellwright.cli.run_options import say
    from cellwright.data.unseen import sentences

    for sentence in sentences(unseen):
        say(sentence)
    unseen.clear()


def _lines(stream: BinaryIO, encoding: str) -> "Iterator[tuple[str, Pairs]]":
    """Yield the lines, without line ends and byte order mark; raises InputError at one the encoding does not know."""
    for number, line in enumerate(stream, start=1):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            raise InputError(
                f"standard input, line {number}: not {encoding}: byte 0x{line[error.start]:02x} at offset "
                f"{error.start} of the line ({error.reason}); name its encoding, such as --encoding gb18030 for Chinese"
            ) from None
        text = (text.removeprefix("\ufeff") if number == 1 else text).removesuffix("\n").removesuffix("\r")
        yield text, [("text", text)]


def _check(encoding: str, *, by_line: bool) -> None:
    try:
        ends_lines = b"a\n".decode(encoding, errors="replace") == "a\n"
    except (LookupError, UnicodeError):  # idna replaces nothing
        raise InputError(f"--encoding is {encoding!r}; expected one such as utf-8 or gb18030") from None
    if by_line and sys.stdin is None:  # as schedulers may start a command
        raise InputError(
            "standard input is closed, and no argument is a text or a file; expected texts from one of them"
        )
    if by_line and not ends_lines:
        raise InputError(
            f"standard input cannot be read line by line in {encoding}, whose line ends are not ASCII's; "
            f"convert it: iconv -f {encoding} -t utf-8"
        )


def _check_columns(given: list[str], predictor: "Predictor[Any]", out: Path | None) -> None:
    """Raise InputError where a column of answers is named and none is written, or one is to be that cannot."""
    from cellwright.cli.answers import FORMATS, written_format

    named = [each for each in given if each.partition("=")[0] in predictor.replaced]
    of_rows = out is None or written_format(out, sentences=True) in FORMATS
    if not of_rows and not predictor.replaced:
        raise InputError(
            f"--out {out}: only a tagger's answers can stand in a file of columns, and the run is of task "
            f"{predictor.run.config.task}; write CSV, TSV, JSONL or Parquet"
        )
    if named and of_rows:
        raise InputError(
            f"--column {named[0]} says where the answers stand in a file of columns, and none is written; leave it "
            "out, or give --out FILE.conll or FILE.conllu"
        )


def _check_out(out: Path | None, *, as_json: bool, overwrite: bool, resume: bool) -> None:
    from cellwright.cli.answers import written_format
    from cellwright.files import check_free

    if out is None:
        if resume:
            raise InputError("--resume goes on with a file of answers; expected --out, which names it")
        return
    if as_json:
        raise InputError(f"--json prints the answers and --out {out} writes them; give one of them, JSONL is a format")
    if not resume:
        check_free({"--out": out}, overwrite=overwrite)  # at once; of a resumed one the journal knows
    written_format(out, sentences=True)
