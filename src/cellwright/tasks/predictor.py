"""A trained run put to use: `Predictor.load("runs/first").predict(["很好用"])`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from cellwright import tasks
from cellwright.data.readers import FORMATS, Format
from cellwright.data.readers.jsonl import Pairs
from cellwright.data.readers.records import Records, read_pieces
from cellwright.data.readers.rewritten import AsWritten
from cellwright.data.unseen import Unseen
from cellwright.tasks.files import as_the_run, check_written, read_options
from cellwright.tasks.run import Run, load_run


@dataclass(frozen=True)
class Prediction(ABC):
    """What a model says of one text; its fields are what JSON can hold."""

    @abstractmethod
    def line(self, text: str) -> str:
        """The prediction as one line for people, fields with tabs between them."""

    def as_json(self) -> dict[str, Any]:
        """The fields by name; lists and dicts in them are the answer's own."""
        return _by_name(self)

    def as_rows(self) -> list[dict[str, Any]]:
        """The fields as rows of a table, most often one."""
        return [self.as_json()]


def _by_name(record: Any) -> dict[str, Any]:
    """Not dataclasses.asdict, which copies each number of a list by itself."""
    return {name: _plain(value) for name, value in vars(record).items()}


def _plain(value: Any) -> Any:
    """A list of records as dicts, whatever else as it is."""
    if isinstance(value, list) and value and is_dataclass(value[0]):
        return list(map(_by_name, value))
    return value


def name_beside(field: str, columns: Collection[str], fields: Collection[str]) -> str:
    """The name of an answer's field beside the columns of its input, of which one may have it already.

    fields: all of the answer.
    """
    if field not in columns:
        return field
    name = f"predicted_{field}"
    while name in columns or name in fields:
        name = f"predicted_{name}"
    return name


class Piece(NamedTuple):
    """Some of what a file asks of a run, row by row."""

    texts: Sequence[Any]
    """What is answered: a text, or words that a text was cut into."""
    rows: Sequence[Pairs]
    """The columns of each, which are handed on beside its answer."""
    notes: Sequence[str] = ()
    """Sentences on how the file was read."""
    alike: bool = True
    """Whether all rows of the file have the columns of the first; objects of JSON may have others."""


@dataclass(frozen=True)
class Rewriting:
    """How a file is written once more, with the answers in it."""

    format: str
    """Name of the file's, among `formats` of the predictor."""
    sentences: Callable[[], Iterator[AsWritten]]
    """Reads the file from its beginning, a sentence for each that `FileRequest.pieces` asks. Raises InputError."""


@dataclass(frozen=True)
class FileRequest:
    """What a file asks of a run."""

    pieces: Callable[[], Iterator[Piece]]
    """Reads the file from its beginning, some rows at a time. Raises InputError at what is not as expected."""
    rewriting: Rewriting | None = None
    """None of a file that cannot be written so."""

    @staticmethod
    def at_once(texts: Sequence[Any], rows: Sequence[Pairs], notes: Sequence[str] = ()) -> "FileRequest":
        """What was asked by a file that is read as a whole."""
        return FileRequest(lambda: iter([Piece(texts, rows, notes)]))

    @property
    def texts(self) -> list[Any]:
        """All that is asked, at once. Raises InputError."""
        return [text for piece in self.pieces() for text in piece.texts]


Predicted = TypeVar("Predicted", bound=Prediction)


class Answered(NamedTuple, Generic[Predicted]):
    """What is said of some texts."""

    predictions: list[Predicted]
    """Of each, in their order."""
    unseen: list[Unseen]
    """As of `Predictor.unseen`."""


class Predictor(ABC, Generic[Predicted]):
    """A run that takes texts. It may be called from several threads at once."""

    run: Run[Any, Any]
    roles: tuple[str, ...] = ("text",)
    """Options of `fit` that name columns which are needed to answer; the first is that of the texts."""
    takes_texts: bool = True
    """Whether an argument of the command line can be a text; a series is in a file."""
    formats: Mapping[str, Format[Any, Any, Any]] = FORMATS
    """Of the files that it answers; their suffixes tell a folder of tables."""
    replaced: tuple[str, ...] = ()
    """Options of `fit` that name columns which the answers take the place of, where a file is written once more."""
    reads: str = ""
    """How texts are read, in a sentence, where a user has to know."""
    echoes: bool = True
    """Whether JSON repeats the text; a series has its name."""

    @property
    def header(self) -> str | None:
        """Names of the fields of `Prediction.line`, to stand above the first; None where they speak for themselves."""
        return None

    @staticmethod
    def load(path: str | Path, cell: str | None = None) -> "Predictor[Any]":
        """Predict with the run in the folder `path`; arguments and errors are those of `load_run`."""
        run = load_run(path, cell)
        return tasks.get(run.config.task).predictor(run)

    def request(self, path: str, given: Mapping[str, Any], *, several: bool = False) -> FileRequest:
        """What a file asks: the texts of a column, or the files of a folder.

        Raises InputError for options that do not fit; what is wrong in the file is raised where it is read.

        given: options by which the file is read, or a column by its role, in place of the run's own.
        several: other files are asked too, so that an answer without a text must say whose it is.
        """
        check_written(given, path)
        read = partial(self._pieces, path, as_the_run(self.run.config.options, given, path))
        if Path(path).is_file() or Path(path).is_dir():
            return FileRequest(read)
        kept = list(read())  # a pipe can be read once
        return FileRequest(lambda: iter(kept))

    def _pieces(self, path: str, options: Mapping[str, Any]) -> Iterator[Piece]:
        asked = [options[role] for role in self.roles if options.get(role) is not None]
        for count, records in enumerate(read_pieces(path, read_options(options), asked)):
            options = options if count else self.settled(records, options)
            yield Piece(self.cells(records, options), records.rows, records.notes, records.ordered)

    def settled(self, first: Records, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options, where the first rows of a file say what they leave open of its columns."""
        return options

    def cells(self, records: Records, options: Mapping[str, Any]) -> Sequence[Any]:
        """What `predict` is given of the columns of some rows that the options name. Raises InputError."""
        return records.texts(options[self.roles[0]])

    @abstractmethod
    def predict(self, texts: Sequence[str]) -> list[Predicted]:
        """What the model says of each text, in their order."""

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """What the run does not know of the texts, a kind of their parts each; nothing of series."""
        return []

    def predict_lines(self, texts: Sequence[str], first: int) -> list[Predicted]:
        """The same of the lines of a stream from line `first` on, for tasks whose answers and errors name a line."""
        return self.predict(texts)

    def answered(self, texts: Sequence[str], first: int) -> Answered[Predicted]:
        """`predict_lines` and `unseen` of the same texts, for tasks that need not read them twice."""
        return Answered(self.predict_lines(texts, first), self.unseen(texts))
