"""Texts without labels, for a language model: what a user names -> train, validation, test.

A file of plain text is one text: its end is kept for validation and test. A table (CSV, TSV,
JSONL, Parquet) has a text a row, each by itself, which go to the sides by their hash as for every other task. So a
side is a Table, and each of its rows a document.
"""

from pathlib import Path

from cellwright.data import datasets
from cellwright.data.cut import TEST, VALIDATION, cut
from cellwright.data.datasets.dataset import TEXTS
from cellwright.data.readers import FORMATS, format_of, read
from cellwright.data.readers.files import decoded, existing, with_newlines
from cellwright.data.source import open_source
from cellwright.data.split import Sides, split
from cellwright.data.table import Table
from cellwright.errors import InputError

WITHIN = "the training side: "
"""Salt of the hash by which the training side is split again."""


def open_texts(
    data: str,
    *,
    text: str = "text",
    encoding: str = "utf-8",
    format: str | None = None,
    validation: float = VALIDATION,
    test: float = TEST,
) -> Sides:
    """Return "train", "validation" and "test" of a built-in set or of a file.

    Args:
        data: a set's name, which means the set whatever lies in the working folder, or the path of a file.
        text: the column of the texts, in a table.
        encoding: how the file's bytes spell characters; not used for Parquet.
        format: a name from `readers.FORMATS`; None: as the suffix says, and plain text for any other suffix.
        validation: the share for choosing the best epoch, in [0, 1). A built-in set has its own.
        test: the share for the final score, in [0, 1); 0: there is none.

    Raises:
        InputError: neither a set nor a file, a file that is not as expected, nothing to train on.

    """
    if data in datasets.names():
        sides: Sides = datasets.load(data)
        return sides
    table = read_texts(data, text=text, encoding=encoding, format=format)
    if _is_plain(Path(data), format):
        return cut(table.texts[0], table.source, validation=validation, test=test)
    return split(table, validation=validation, test=test)


def open_training_side(
    data: str,
    *,
    text: str = "text",
    encoding: str = "utf-8",
    format: str | None = None,
    validation: float = VALIDATION,
    test: float = TEST,
) -> Sides:
    """Return the sides of the training side of a table or set, as tasks with labels split it; the rest is never seen.

    Arguments and errors as for `open_texts`; a plain text is an error too.
    """
    if data not in datasets.names() and _is_plain(existing(data, built_in=datasets.names(TEXTS)), format):
        raise InputError(
            f"{data}: one text, of which no row is on the training side; expected a table or a built-in set: leave "
            "--train-side-only out"
        )
    sides = open_source(data, text=text, label=None, encoding=encoding, format=format)
    within = split(sides["train"], validation=validation, test=test, salt=WITHIN)
    others = sum(len(table) for side, table in sides.items() if side != "train")
    return Sides(within, [*sides.notes, f"{others:,} texts of the validation and test sides left alone"])


def read_texts(data: str, *, text: str = "text", encoding: str = "utf-8", format: str | None = None) -> Table:
    """Return every text of a file: of plain text the whole as one row. Arguments and errors as for `open_texts`."""
    path = existing(data, built_in=datasets.names(TEXTS))
    if _is_plain(path, format):
        return Table([with_newlines(decoded(path, encoding))], None, [1], str(path))
    return read(path, text=text, label=None, encoding=encoding, format=format)


def _is_plain(path: Path, format: str | None) -> bool:
    if format is not None:
        return format_of(path, format) == "plain"
    tables = [suffix for name, candidate in FORMATS.items() if name != "plain" for suffix in candidate.suffixes]
    return path.suffix.lower() not in tables
