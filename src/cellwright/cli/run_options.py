"""What commands on a run share: options of its task, whose defaults are the run's own, and what it does not know."""

import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cellwright.errors import InputError
from cellwright.runs import of_files

if TYPE_CHECKING:
    from pydantic import BaseModel

    from cellwright.data.readers.jsonl import Pairs
    from cellwright.tasks.predictor import FileRequest, Piece, Predictor


Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ROLE=NAME",
        help="A column whose name or number differs from the run's: text=review, say. May be repeated.",
    ),
]
OwnCell = Annotated[
    str | None,
    typer.Option(
        "--cell", metavar="FILE.py:NAME", help="Code of the run's own cell, which is run: RUN/cell.py:NAME is it."
    ),
]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a text file (default the run's).")]
FileFormat = Annotated[
    str | None, typer.Option(help="Format of a file whose suffix does not tell (default the run's).")
]
Separator = Annotated[
    str | None, typer.Option(help="What stands between the fields of CSV and TSV (default the run's, or as found).")
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="The first row of CSV and TSV names the columns (default the run's)."),
]
Quoting = Annotated[
    bool | None, typer.Option("--quoting/--no-quoting", help="Double quotes may enclose a field (default the run's).")
]
FILE_OPTIONS: dict[str, Any] = {
    "column": Columns,
    "encoding": Encoding,
    "format": FileFormat,
    "separator": Separator,
    "header": Header,
    "quoting": Quoting,
}
"""How files are read by commands on a run; None leaves it to the run."""
_UNREADABLE = {".xlsx", ".xls", ".ods", ".docx", ".doc", ".odt", ".pdf", ".json", ".xml", ".html", ".npz", ".zip"}
"""Suffixes of files that hold texts but are not read: a name with one of them is not answered as if it were a text."""


class FilesCommand(TyperCommand):
    """A command on a run that reads files, whose function takes FILE_OPTIONS among its `**options`."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the command line with these options too; where the function names one itself, with its own."""
        from cellwright.cli.options import command_of

        assert self.callback is not None  # typer has given it
        function = inspect.unwrap(self.callback)
        given = inspect.signature(function).parameters
        own = [each.replace(kind=each.KEYWORD_ONLY) for each in given.values() if each.kind != each.VAR_KEYWORD]
        shared = [_option(name, kind) for name, kind in FILE_OPTIONS.items() if name not in given]
        return command_of(function, [*own, *shared, *self.further(args)]).make_context(info_name, args, parent, **extra)

    def further(self, args: list[str]) -> list[inspect.Parameter]:
        """Return the options that this command line has besides."""
        return []


class RunCommand(FilesCommand):
    """One whose function takes in `**options` those of how the run's task looks for answers, too.

    They are read when the command is used: which they are depends on the run that it names.
    """

    def further(self, args: list[str]) -> list[inspect.Parameter]:
        """Return all the options of the run's task."""
        from cellwright.cli.options import options_of

        kind = _kind(args)
        return [] if kind is None else options_of(kind, default="the run's")


def _option(name: str, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def columns_of(given: list[str], roles: tuple[str, ...]) -> dict[str, str]:
    """Return the name of each role that was given one; raises InputError for what is no role."""
    found = {}
    for each in given:
        role, sign, name = each.partition("=")
        if role not in roles or not sign or not name:
            expected = ", ".join(f"{known}=NAME" for known in roles)
            raise InputError(f"--column is {each!r}; expected {'one of ' if len(roles) > 1 else ''}{expected}")
        found[role] = name
    return found


def requests_of(
    given: list[str],
    predictor: "Predictor[Any]",
    how: Mapping[str, Any],
    *,
    texts_only: bool,
    written: tuple[str, ...] = (),
) -> "dict[str, FileRequest]":
    """Return what those of the arguments ask that are files or folders. Raises InputError.

    how: the options of the command, of which those of FILE_OPTIONS say how a file is read.
    texts_only: whether the user says, by --text, that none of them is a file.
    written: roles of columns that the command writes, beside those that the predictor reads.
    """
    files = [] if texts_only else [each for each in given if not predictor.takes_texts or _is_meant_as_file(each)]
    if texts_only and not predictor.takes_texts:
        raise InputError("--text: the run takes series, which stand in files; leave it out")
    told = {name: how[name] for name in FILE_OPTIONS if how[name] is not None}
    if not files and (for_files := sorted(told.keys() - {"encoding"})):
        raise InputError(f"--{for_files[0]} says how a file is read, and no argument is one; leave it out")
    columns = columns_of(told.pop("column", []), (*predictor.roles, *written))
    if not predictor.takes_texts:
        of_files(told, predictor.run.config.task)
    requests = {path: predictor.request(path, told | columns, several=len(files) > 1) for path in files}
    for each in requests.values():
        next(each.pieces())  # so that a mistake in any is said before the first answer
    return requests


def expanded(given: list[str], predictor: "Predictor[Any]") -> list[str]:
    """The arguments, a folder of tables and a pattern replaced by the files that they name, as `fit` takes them.

    A pattern that no file fits may be a text, and stays. Raises InputError for folders in a folder that hold tables.
    """
    from cellwright.data.readers.several import files_of

    found: list[str] = []
    for each in given:
        if os.path.isdir(each) and (files := files_of(each, predictor.formats)) != [Path(each)]:
            found += map(str, files)
        else:
            found += [str(file) for file in _fitting(each)] or [each]
    return found


def may_be_read(given: list[str], *, texts_only: bool) -> list[Path]:
    """The files that arguments name where they are there, as `check_apart` takes them; texts_only: as above."""
    return [] if texts_only else [file for each in given for file in _fitting(each) or [Path(each)]]


def rows_of(pieces: "Iterable[Piece]") -> "Iterator[tuple[Any, Pairs]]":
    """Yield what is asked with the columns beside it, and say what was found in the file."""
    for piece in pieces:
        for note in piece.notes:
            say(note)
        yield from zip(piece.texts, piece.rows, strict=True)


def _looks_like_file(argument: str) -> bool:
    """Whether an argument is written like the name of a file, of texts or of what people keep texts in."""
    from cellwright.data.readers import FORMATS, Format, tagged
    from cellwright.data.readers.files import unpacked_suffix

    formats: list[Format[Any, Any, Any]] = [*FORMATS.values(), *tagged.FORMATS.values()]
    suffixes = {suffix for each in formats for suffix in each.suffixes} | _UNREADABLE
    return unpacked_suffix(Path(argument)) in suffixes and not any(map(str.isspace, argument))


def _fitting(argument: str) -> list[Path]:
    """The files that an argument fits as a pattern; none where it is a file itself, or has white space, as texts do."""
    from cellwright.data.readers.several import fitting, is_pattern

    if not is_pattern(argument) or any(map(str.isspace, argument)) or os.path.exists(argument):
        return []
    return [file for file in fitting(argument) if not file.is_dir()]


def _is_meant_as_file(argument: str) -> bool:
    """Whether an argument is a path, or written like one. Raises InputError where there is no file."""
    from cellwright.data.readers.several import existing_or_fitted

    # os.path answers False to names that no file can have, where Path raises: texts stand among the arguments.
    if not _looks_like_file(argument) and not os.path.exists(argument):
        return False
    try:
        return bool(existing_or_fitted(argument))
    except InputError as error:
        raise InputError(f"{error} (a text of these words needs --text)") from None


def say(sentence: str) -> None:
    """Say something about the work, on standard error: standard output is for answers."""
    print(sentence, file=sys.stderr, flush=True)


def _kind(arguments: list[str]) -> "type[BaseModel] | None":
    """The options of the run among the arguments, if its task has some."""
    from cellwright import tasks
    from cellwright.tasks.run import CONFIG, task_of

    # os.path answers False to names that no file can have, where Path raises: texts stand among the arguments.
    folder = next((Path(each) for each in arguments if os.path.isfile(Path(each, CONFIG))), None)
    if folder is None:
        return None
    try:
        task = tasks.get(task_of(folder))
    except InputError:  # which the command itself says better
        return None
    return None if task.decoding is None else task.run_config.model_fields[task.decoding].annotation
