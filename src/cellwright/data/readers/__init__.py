"""One file a format, each `read(path, columns, encoding) -> Table`; the file's suffix chooses.

To add a format: its file, and a line in FORMATS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from cellwright.data.readers import delimited, jsonl, parquet, plain
from cellwright.data.readers.files import existing
from cellwright.data.readers.values import Columns
from cellwright.data.table import Table
from cellwright.errors import InputError

Asked = TypeVar("Asked")
Read = TypeVar("Read")


@dataclass(frozen=True)
class Format(Generic[Asked, Read]):
    """A way to write rows to a file: the suffixes that mean it, and who reads it."""

    suffixes: tuple[str, ...]
    read: Callable[[Path, Asked, str], Read]


FORMATS: dict[str, Format[Columns, Table]] = {
    "csv": Format((".csv",), delimited.read_csv),
    "tsv": Format((".tsv", ".tab"), delimited.read_tsv),
    "jsonl": Format((".jsonl", ".ndjson"), jsonl.read),
    "parquet": Format((".parquet", ".pq"), parquet.read),
    "plain": Format((".txt",), plain.read),
}


def read(
    path: str | Path,
    *,
    text: str = "text",
    label: str | None = "label",
    encoding: str = "utf-8",
    format: str | None = None,
) -> Table:
    """Read every row of a file.

    An empty or missing text is read as "", for whoever asks about it gets an answer; `split` leaves such
    rows out of a training and says so. A label that is missing is an error. Labels become strings: integers
    in digits, booleans as "true" and "false"; a float is an error, being a measured value more often than a class.

    Args:
        path: the file.
        text: the column of the texts.
        label: the column of the labels; None if there is none to read.
        encoding: how the file's bytes spell characters; not used for Parquet.
        format: a name from FORMATS, where the suffix does not tell.

    Raises:
        InputError: the file, a row or a value is not as expected; names file, line or column, what was found.

    """
    columns = Columns(text, label) if label is not None else Columns(text, None, "--text")
    return read_columns(path, columns, encoding=encoding, format=format)


def read_columns(path: str | Path, columns: Columns, *, encoding: str = "utf-8", format: str | None = None) -> Table:
    """Read these columns of every row of a file; else as `read`."""
    path = existing(path)
    if columns.text == columns.label:
        raise InputError(f"{path}: column {columns.text!r} for both of {columns.options}; expected two columns")
    return FORMATS[format_of(path, format)].read(path, columns, encoding)


def format_of(
    path: Path,
    format: str | None = None,
    formats: Mapping[str, Format[Any, Any]] = FORMATS,
    *,
    option: bool = False,
) -> str:
    """Return the name of a file's format among these, from what the user says or else from the suffix.

    option: whether --format is there to say it, which the error then names.
    """
    if format is not None and format not in formats:
        raise InputError(f"{path}: no format {format!r}; expected one of {', '.join(formats)}")
    if format is not None:
        return format
    for name, candidate in formats.items():
        if path.suffix.lower() in candidate.suffixes:
            return name
    suffixes = ", ".join(suffix for candidate in formats.values() for suffix in candidate.suffixes)
    named = f", or --format {'|'.join(formats)}" if option else ""
    found = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
    raise InputError(f"{path}: {found} tells no format; expected a file that ends in {suffixes}{named}")
