"""Columns by name, and the values of cells, as every format's reader checks them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from cellwright.errors import InputError

_SURROGATE = re.compile("[\ud800-\udfff]")


class Columns(NamedTuple):
    """The columns to read; `label` is None where none is asked for."""

    text: str
    label: str | None


def index_of(column: str, names: Sequence[str], where: str) -> int:
    """Return the place of a column among those of the file, from 0.

    Raises:
        InputError: it is not there (names those that are), or stands twice.

    """
    places = [place for place, name in enumerate(names) if name == column]
    if len(places) == 1:
        return places[0]
    if places:
        numbers = " and ".join(str(place + 1) for place in places)
        raise InputError(f"{where}: column {column!r} stands {len(places)} times ({numbers}); expected once")
    raise InputError(f"{where}: no column {column!r}; the columns are {listed(names)}")


def listed(names: Sequence[str], most: int = 12) -> str:
    """Write names in quotation marks, long ones and long lists cut short."""
    short = [repr(name if len(name) <= 40 else name[:39] + "…") for name in names[:most]]
    return ", ".join(short) + (f" and {len(names) - most} more" if len(names) > most else "")


def text_of(value: object, column: str, where: str) -> str:
    """Return a cell's text, "" for a missing one.

    Raises:
        InputError: the value is not a string, or holds half of a surrogate pair, which is no character.

    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{where}: column {column!r} holds {_shown(value)}; expected a string")
    return _whole(value, column, where)


def label_of(value: object, column: str, where: str) -> str:
    """Return a cell's label as a string: "1" for 1, "true" for True.

    Raises:
        InputError: there is none, or it is neither string, integer nor boolean. A float is refused since it
            is a measured value more often than a class, and 1 and 1.0 would be two classes.

    """
    if value is None or (isinstance(value, str) and not value.strip()):
        raise InputError(f"{where}: the label is missing in column {column!r}; expected one in every row")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _whole(value, column, where)
    raise InputError(
        f"{where}: column {column!r} holds {_shown(value)}; expected a label: a string, an integer or a boolean"
    )


def _whole(value: str, column: str, where: str) -> str:
    half = _SURROGATE.search(value)
    if half:
        raise InputError(
            f"{where}: column {column!r} holds half of a surrogate pair, \\u{ord(half[0]):04x}, as character "
            f"{half.start() + 1}; expected whole characters: was the text cut inside an emoji?"
        )
    return value


def _shown(value: object) -> str:
    written = repr(value)
    return f"{written if len(written) <= 40 else written[:39] + '…'} ({type(value).__name__})"
