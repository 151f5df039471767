"""Columns by name, and the values of cells, as every format's reader checks them."""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from numbers import Number
from typing import NamedTuple

from cellwright.data.compatible import SURROGATE
from cellwright.errors import InputError

NUMBER = re.compile(r"-?\d+")
"""A column by its number."""


OPTIONS = "--text and --label"
COLUMN = "--column ROLE=NAME"
"""Of `evaluate` and of `predict`, which has it alone."""


class Columns(NamedTuple):
    """The columns to read, by name or by number; `label` and `features` are None where none is asked for.

    `options` name other ones on the command line; `pairs` says that they are a source and its target.
    """

    text: str
    label: str | None
    options: str = OPTIONS
    pairs: bool = False
    features: str | None = None

    @property
    def asked(self) -> list[str]:
        """The columns to read."""
        return [column for column in (self.text, self.label, self.features) if column is not None]


FILE = "file"
"""Unit of the rows of a folder of texts, which have names and no lines."""


class Cells(NamedTuple):
    """Some rows of a file, at its end perhaps none, as the library of its format hands out their cells."""

    values: Mapping[str, Sequence[object]]
    """Of each column that is asked for, by its name."""
    lines: Sequence[int | str]
    """Of each row, as in `Table`; `unit` likewise."""
    notes: Sequence[str] = ()
    """What nobody had said of the file, in sentences that begin with its path; not said with the rows before."""
    unit: str = "line"


def place_of(column: str, names: Sequence[str], where: str, options: str = OPTIONS, hint: str = "") -> int:
    """Return the place of a column, from 0, which is given by its name or else by its number, from 1 or from -1 back.

    Raises:
        InputError: it is not there (says `hint` too), or its name stands twice.

    """
    if column not in names and NUMBER.fullmatch(column):
        return numbered(column, len(names), f"{where}: no column {column}")
    return index_of(column, names, where, options, hint)


def numbered(column: str, width: int, what: str) -> int:
    """Return the place, from 0, of a column by its number. Raises InputError, which begins with `what`."""
    number = int(column)
    if not 1 <= abs(number) <= width:
        raise InputError(
            f"{what}, and there are {width}; expected 1 to {width}, or -1 to -{width} counted from the end"
        )
    return number - 1 if number > 0 else width + number


def index_of(column: str, names: Sequence[str], where: str, options: str = OPTIONS, hint: str = "") -> int:
    """Return the place of a column among those of the file, from 0; `options` name another one on the command line.

    Raises:
        InputError: it is not there (names those that are, and says `hint`), or stands twice.

    """
    places = [place for place, name in enumerate(names) if name == column]
    if len(places) == 1:
        return places[0]
    if places:
        numbers = " and ".join(str(place + 1) for place in places)
        raise InputError(f"{where}: column {column!r} stands {len(places)} times ({numbers}); expected once")
    raise InputError(
        f"{where}: no column {column!r}; the columns are {listed(names)}: name yours with {named_by(options)}{hint}"
    )


def named_by(options: str) -> str:
    """The options of `fit` that name columns, and what `evaluate`, which reads the same files, has in their place."""
    return options if options == COLUMN else f"{options} (evaluate: {COLUMN})"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Write names in quotation marks, long ones and long lists cut short."""
    short = [repr(name if len(name) <= 40 else name[:39] + "…") for name in names[:most]]
    return ", ".join(short) + (f" and {len(names) - most} more" if len(names) > most else "")


def as_text(value: object, column: str, where: str) -> str:
    """Return a cell's text, "" for a missing one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{where}: column {column!r} holds {shown(value)}; expected a string")
    return whole(value, column, where)


def as_optional(value: object, column: str, where: str) -> str:
    """Return a cell's label, "" for a missing one."""
    return "" if _missing(value) else as_label(value, column, where)


def as_label(value: object, column: str, where: str) -> str:
    """Return a cell's label, spelled as `readers.read` says."""
    if _missing(value):
        raise InputError(f"{where}: the label is missing in column {column!r}; expected one in every row")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and isfinite(value):
        return str(int(value) if value == int(value) else value)
    if isinstance(value, str):
        return whole(value, column, where)
    raise InputError(
        f"{where}: column {column!r} holds {shown(value)}; expected a label: a string, a number or a boolean"
    )


def _missing(value: object) -> bool:
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, or NaN, which a column of numbers has there in pandas and what it wrote."""
    return value is None or (isinstance(value, Number) and value != value)


def whole(value: str, column: str, where: str) -> str:
    """Return a text. Raises InputError for half a character, which JSON and NumPy can spell and no file can hold."""
    half = SURROGATE.search(value)
    if half:
        raise InputError(
            f"{where}: column {column!r} holds half of a surrogate pair, \\u{ord(half[0]):04x}, as character "
            f"{half.start() + 1}; expected whole characters: was the text cut inside an emoji?"
        )
    return value


def shown(value: object) -> str:
    """Write a value with its type, cut short."""
    written = repr(value)
    return f"{written if len(written) <= 40 else written[:39] + '…'} ({type(value).__name__})"
