"""JSON lines: an object a line. Blank lines are no rows; other keys than those asked for are not looked at."""

import json
from pathlib import Path

from cellwright.data.readers.files import decoded
from cellwright.data.readers.values import Columns, checked_table, index_of
from cellwright.data.table import Table
from cellwright.errors import InputError

Pairs = list[tuple[str, object]]  # an object's keys and values as written, so that a key given twice shows


def read(path: Path, columns: Columns, encoding: str) -> Table:
    """Read an object from each line."""
    content = decoded(path, encoding)
    # Not splitlines(): U+2028 and its like may stand inside a JSON string.
    rows = [
        (number, _pairs(line, f"{path}, line {number}"))
        for number, line in enumerate(content.split("\n"), start=1)
        if line.strip()
    ]
    if not rows:
        raise InputError(f"{path}: the file is blank; expected a JSON object on each line")
    values = {name: [_value(pairs, name, f"{path}, line {number}") for number, pairs in rows] for name in columns.asked}
    return checked_table(columns, values, [number for number, _ in rows], str(path))


class _Object:
    """An object's pairs, told from a list by its type: the decoder calls this for every object."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def _pairs(line: str, where: str) -> Pairs:
    try:
        value = json.loads(line, object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}, column {error.colno}: not JSON ({error.msg}); expected an object") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a thousand brackets
        raise InputError(f"{where}: JSON beyond what can be read ({error})") from error
    if isinstance(value, _Object):
        return value.pairs
    raise InputError(
        f'{where}: a {type(value).__name__} by itself; expected an object such as {{"text": "…", "label": "…"}}'
    )


def _value(pairs: Pairs, column: str, where: str) -> object:
    return pairs[index_of(column, [key for key, _ in pairs], where)][1]
