"""Where the answers of `predict` go: lines on standard output, or a file that keeps the input's columns beside them."""

import csv
import io
import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from cellwright.cli.journal import Journal, Progress
from cellwright.data.readers.columns import CONLLU
from cellwright.data.readers.rewritten import MARK, OPTION, REWRITTEN, Kind, Line
from cellwright.errors import InputError
from cellwright.files import replacing
from cellwright.stages import stage
from cellwright.tasks.predictor import name_beside

if TYPE_CHECKING:
    from cellwright.data.readers import Format
    from cellwright.data.readers.jsonl import Pairs
    from cellwright.data.readers.rewritten import AsWritten, TagColumn
    from cellwright.tasks.predictor import FileRequest, Prediction, Rewriting

LINE_ENDS = {chr(end): f"\\u{end:04x}" for end in (0x85, 0x2028, 0x2029)}  # JSON allows them, `splitlines` cuts there
ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)  # of Parquet, dates

Made = TypeVar("Made", bound="Written")

GROUP = 2**23
"""Bytes of a row group of Parquet, about."""


class Answers(ABC):
    """Takes the answers as they come."""

    count: int = 0
    """How many a file had before this command, which goes on from there, and has now; 0 of what is printed."""

    @abstractmethod
    def add(self, texts: Sequence[Any], rows: "Sequence[Pairs]", said: "Sequence[Prediction]") -> None:
        """Give out the answers to some texts, each with the columns that stood beside it."""


class Printed(Answers):
    """A line an answer, or a JSON object; `echoes` as of `Predictor`."""

    def __init__(self, header: str | None, *, as_json: bool, echoes: bool) -> None:
        self.as_json = as_json
        self.echoes = echoes
        if header is not None and not as_json:
            print(header)

    def add(self, texts: Sequence[Any], rows: "Sequence[Pairs]", said: "Sequence[Prediction]") -> None:
        """Print them, and let them be seen."""
        for text, prediction in zip(texts, said, strict=True):
            text = text if isinstance(text, str) else " ".join(text)
            echoed = {"text": text} if self.echoes else {}
            print(_json(echoed | prediction.as_json()) if self.as_json else prediction.line(text))
        sys.stdout.flush()


class Written(Answers):
    """A file, which is in its place when all answers are there."""

    columns: list[str] | None = None
    """Of the file, where its first line names them; None before it is there."""
    notes: Sequence[str] = ()
    """Where the answers stand, in sentences."""

    def __init__(self, file: BinaryIO, journal: Journal) -> None:
        """file: of the answers, which the journal has opened."""
        self.journal = journal
        self.file = file
        self.count = journal.progress.rows
        self.renamed = dict(journal.progress.renamed)
        """Fields of the answers whose name the input has, and what they are called."""

    def end(self) -> None:
        """Put the file in its place, when all is there."""
        self.journal.wrote(self._progress(finished=True), self.file, now=True)
        self.file.flush()
        os.fsync(self.file.fileno())
        self.journal.answers.replace(self.journal.out)

    def _progress(self, *, finished: bool = False) -> Progress:
        return Progress(self.count, 0, self.columns, self.renamed, finished)


class Sentences(Written):
    """The input's own files once more, one behind the other, with the answers in them."""

    def __init__(self, files: "Sequence[Rewriting]", file: BinaryIO, journal: Journal) -> None:
        """files: whose sentences are answered, in their order. file: as above. Raises InputError."""
        super().__init__(file, journal)
        columns = [next(each.sentences()).column for each in files]
        _check_columns(columns, journal.out)
        self.notes = [each.note for each in columns]
        self._left = _one_by_one(files, self.notes.append)
        for _ in range(self.count):
            self._next(new=False)

    def add(self, texts: Sequence[Any], rows: "Sequence[Pairs]", said: "Sequence[Prediction]") -> None:
        """Write the lines of the sentences, and note that they are written."""
        self.count += len(said)
        answers: Sequence[Any] = said  # of a tagger, which alone asks for sentences
        for answer in answers:
            self._write(self._next(new=True).tagged(answer.tags, answer.label))
        self.journal.wrote(self._progress(), self.file)

    def end(self) -> None:
        """Write what stands below the last sentence, and put the file in its place."""
        for below in self._left:
            self._write(below.tagged())
        super().end()

    def _next(self, *, new: bool) -> "AsWritten":
        """The next sentence; what stands between two files is written where it is new."""
        for each in self._left:
            if each.tokens:
                return each
            if new:
                self._write(each.tagged())
        raise AssertionError("more answers than sentences")

    def _write(self, text: str) -> None:
        self.file.write(text.encode())


def _check_columns(columns: "Sequence[TagColumn]", out: Path) -> None:
    """Raise InputError for files that cannot stand in one, and for more columns than CoNLL-U has."""
    first = columns[0]
    for each in columns:
        if each.alike != first.alike:
            raise InputError(
                f"{each.source} has {each.drawn}, and {first.source} {first.drawn}; expected the same of all files "
                "that are written into one: write each to an --out of its own"
            )
        if each.added and each.width >= len(CONLLU) and out.suffix.lower() == ".conllu":
            raise InputError(
                f"--out {out}: CoNLL-U has {len(CONLLU)} columns, and the tags stand in column {each.place + 1}; "
                f"expected the place of one of them ({OPTION}), or a name that ends in .conllup"
            )


def _one_by_one(files: "Sequence[Rewriting]", say: Callable[[str], None]) -> "Iterator[AsWritten]":
    """Yield what stands in each file, and a blank line between two where there is none.

    Names of the columns and byte order marks stand at the beginning alone; say: is told where others are left out.
    """
    for place, each in enumerate(files):
        for sentence in each.sentences():
            yield _inside(sentence, say) if place else sentence
        last = sentence.lines[-1]
        if place + 1 < len(files) and (last.text.strip() or not last.end):
            missing = [Line("", sentence.column.end)] * (bool(last.text.strip()) + (not last.end))
            yield replace(sentence, lines=missing, head="")


def _inside(sentence: "AsWritten", say: Callable[[str], None]) -> "AsWritten":
    """A sentence behind those of another file."""
    column, kept = sentence.column, list[Line]()
    for line in sentence.lines:
        if line.kind is Kind.NAMES and line.names == [*column.names[: len(line.names)]]:
            say(f"{column.source}: the line {line.text!r} is left out, behind a file of the same columns")
        else:
            kept.append(line)
    if sentence.head.startswith(MARK):
        say(f"{column.source}: its byte order mark is left out, which would stand in the middle")
    return replace(sentence, lines=kept, head="")


class Rows(Written):
    """Rows of a file: the input's columns, then the answers', under another name where the input has it already."""

    def __init__(self, names: Sequence[str], file: BinaryIO, journal: Journal) -> None:
        """names: of the input's columns. file: as above."""
        super().__init__(file, journal)
        self.names = list(names)
        self.columns = journal.progress.columns
        self._taken = frozenset(names)

    def add(self, texts: Sequence[Any], rows: "Sequence[Pairs]", said: "Sequence[Prediction]") -> None:
        """Write them, and note that they are written."""
        self.count += len(said)
        each = ((row, fields) for row, one in zip(rows, said, strict=True) for fields in self.fields(one))
        self.write([dict(row) | self._named(fields) for row, fields in each])
        self.journal.wrote(self._progress(), self.file)

    def fields(self, prediction: "Prediction") -> list[dict[str, Any]]:
        """The rows of an answer."""
        return prediction.as_rows()

    def begin(self, kinds: Mapping[str, type]) -> None:
        """Write what stands there without any row; kinds: of the columns' values, each str, int or float."""
        self.write([])

    @abstractmethod
    def write(self, rows: list[dict[str, Any]]) -> None:
        """Write rows, of which each may lack some of the input's columns."""

    def _named(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self._taken.isdisjoint(fields):
            return fields
        for name in [each for each in fields if each in self._taken and each not in self.renamed]:
            self.renamed[name] = name_beside(name, self.names, fields)
        return {self.renamed.get(name, name): value for name, value in fields.items()}


class _Separated(Rows):
    """CSV or TSV; what is no text, number or truth value stands as JSON in its cell."""

    def __init__(self, names: Sequence[str], file: BinaryIO, journal: Journal, separator: str) -> None:
        super().__init__(names, file, journal)
        self._separator = separator

    def write(self, rows: list[dict[str, Any]]) -> None:
        text = io.StringIO(newline="")
        heads = self.columns is None and bool(rows or self.names)
        if heads:
            self.columns = list(dict.fromkeys([*self.names, *(name for row in rows[:1] for name in row)]))
        columns = self.columns or []
        writer = csv.writer(text, delimiter=self._separator, lineterminator="\n")
        if heads:
            writer.writerow(columns)
        among = frozenset(columns)
        for row in rows:
            assert row.keys() <= among, f"fields of an answer that the first one has not: {row.keys() - among}"
            writer.writerow([_cell(row.get(name, "")) for name in columns])
        self.file.write(text.getvalue().encode())


class _JsonLines(Rows):
    """An object a line, an answer's fields as `--json` prints them."""

    def fields(self, prediction: "Prediction") -> list[dict[str, Any]]:
        return [prediction.as_json()]

    def write(self, rows: list[dict[str, Any]]) -> None:
        self.file.writelines(_json(row).encode() + b"\n" for row in rows)


class _Parquet(Rows):
    """Written at the end, when the type of every column is known; till then the journal's file has them, as Arrow.

    A column has the type that all its values fit: whole numbers and others are numbers, and what is missing fits any.
    """

    def __init__(self, names: Sequence[str], file: BinaryIO, journal: Journal) -> None:
        super().__init__(names, file, journal)
        self._schema: Any = None
        self._parts = 0
        whole = file.tell()
        file.seek(0)
        while file.tell() < whole:
            self._know(self._stream())

    def begin(self, kinds: Mapping[str, type]) -> None:
        import pyarrow

        types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
        self._schema = pyarrow.schema([(name, types[kind]) for name, kind in kinds.items()])

    def write(self, rows: list[dict[str, Any]]) -> None:
        import pyarrow  # slow to load, and only this format needs it

        columns = dict.fromkeys([*self.names, *(name for row in rows[:1] for name in row)])
        with _fitting():
            table = pyarrow.table({name: [row.get(name) for row in rows] for name in columns})
            self._know(table)
        with pyarrow.ipc.new_stream(self.file, table.schema) as stream:
            stream.write_table(table)

    def _know(self, table: Any) -> None:
        """Count a part, and let the columns have types that it fits."""
        import pyarrow

        known = table.schema if self._schema is None else self._schema
        self._schema = pyarrow.unify_schemas([known, table.schema], promote_options="permissive")
        self._parts += 1

    def end(self) -> None:
        import pyarrow.parquet

        if self._schema is None:
            self.write([])
        self.journal.wrote(self._progress(finished=True), self.file, now=True)
        self.file.seek(0)
        with (
            _fitting(),
            replacing(self.journal.out) as out,
            pyarrow.parquet.ParquetWriter(out, self._schema) as writer,
        ):
            group = self._schema.empty_table()
            for _ in range(self._parts):
                group = pyarrow.concat_tables([group, self._part()])
                if group.nbytes >= GROUP:
                    writer.write_table(group)
                    group = self._schema.empty_table()
            writer.write_table(group)

    def _stream(self) -> Any:
        """The next rows that were kept."""
        import pyarrow

        with pyarrow.ipc.open_stream(self.file) as stream:
            return stream.read_all()

    def _part(self) -> Any:
        """The same, in the types of all."""
        import pyarrow

        table = self._stream()
        if table.schema == self._schema:
            return table
        columns = [pyarrow.array(table[each.name].to_pylist(), each.type) for each in self._schema]
        return pyarrow.table(columns, schema=self._schema)


@contextmanager
def _fitting() -> Iterator[None]:
    """Say so in a sentence where the values of a column are not of one kind."""
    import pyarrow

    try:
        yield
    except pyarrow.ArrowException as error:
        raise InputError(
            f"the columns cannot be written as Parquet ({error}); expected values of one kind in each: write JSONL"
        ) from None


FORMATS: dict[str, Callable[[Sequence[str], BinaryIO, Journal], Rows]] = {
    "csv": lambda names, file, journal: _Separated(names, file, journal, ","),
    "tsv": lambda names, file, journal: _Separated(names, file, journal, "\t"),
    "jsonl": _JsonLines,
    "parquet": _Parquet,
}
"""By the names of `readers.FORMATS`, which can read them again."""


@contextmanager
def written(journal: Journal, names: Sequence[str]) -> Iterator[Rows]:
    """Rows that are in the journal's `out` when all are there; with a half of them there is no such file.

    names: of the input's columns. Raises InputError for a suffix of no format, and where the disk refuses.
    """
    make = FORMATS[written_format(journal.out)]
    with _whole(journal, lambda file: make(names, file, journal)) as answers:
        yield answers


@contextmanager
def rewritten(journal: Journal, asked: "Sequence[tuple[str, FileRequest | None]]") -> Iterator[Sentences]:
    """The files that ask once more, likewise.

    asked: each by its name; a text has no request. Raises InputError for what cannot be written so.
    """
    from cellwright.data.readers import tagged

    wanted, files = written_format(journal.out, sentences=True), list["Rewriting"]()
    for name, request in asked:
        if request is None or request.rewriting is None or request.rewriting.format != wanted:
            kind = tagged.FORMATS[wanted].suffixes[0]
            raise InputError(
                f"--out {journal.out} is the files that are answered once more, with the tags in them, and {name!r} is "
                f"not read as {kind}; expected such files, and no pipe: write CSV, TSV, JSONL or Parquet"
            )
        files.append(request.rewriting)
    with _whole(journal, lambda file: Sentences(files, file, journal)) as answers:
        yield answers


@contextmanager
def _whole(journal: Journal, make: Callable[[BinaryIO], Made]) -> Iterator[Made]:
    """What `make` makes of the journal's file, which is put in its place at the end."""
    with journal.opened() as file:
        answers = make(file)
        yield answers
        with stage(f"writing {journal.out}"):
            answers.end()


def written_format(path: Path, *, sentences: bool = False) -> str:
    """Return the name of the format that a file's suffix means. Raises InputError where it is none that can be written.

    sentences: whether it may be one of `REWRITTEN`, beside those of rows.
    """
    from cellwright.data import readers
    from cellwright.data.readers import tagged
    from cellwright.data.readers.files import PACKED

    formats: dict[str, Format[Any, Any, Any]] = {name: readers.FORMATS[name] for name in FORMATS}
    formats |= {name: tagged.FORMATS[name] for name in REWRITTEN if sentences}
    if path.suffix.lower() in PACKED:
        raise InputError(f"{path}: is written as it is, not compressed; leave {path.suffix} out of its name")
    if found := readers.by_suffix(path, formats):
        return found
    raise InputError(readers.untold(path, formats))


def _json(fields: Mapping[str, Any]) -> str:
    text = ENCODER.encode(fields)
    for end, written in LINE_ENDS.items():
        text = text.replace(end, written)
    return text


def _cell(value: object) -> object:
    return ENCODER.encode(value) if isinstance(value, (list, dict)) else value
