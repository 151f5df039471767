"""JSON lines: an object a line. Blank lines are no rows; other keys than those asked for are not looked at."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from cellwright.data.readers.files import in_pieces, lines
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.values import OPTIONS, Cells, Columns, index_of
from cellwright.errors import InputError

Pairs = list[tuple[str, object]]  # an object's keys and values as written, so that a key given twice shows
_ARRAY = " on each line: where a file is one array of them, `jq -c '.[]' FILE` writes such lines"
Row = tuple[int, Pairs]  # the line, from 1, and its object


def read(path: Path, columns: Columns, how: ReadOptions) -> Iterator[Cells]:
    """Read an object from each line; of `how` the encoding alone plays a part."""
    # A label that no row has is asked for by a wrong name; one that some lack is missing there, as with null.
    first, found = None, columns.label is None
    for some in in_pieces(rows(path, lines(path, how.encoding))):
        first = first or some[0]
        found = found or any(_holds(pairs, columns.label) for _, pairs in some)
        values = {name: [_cell(path, row, name, columns) for row in some] for name in columns.asked}
        yield Cells(values, [line for line, _ in some])
    if first is not None and not found:
        value(first[1], str(columns.label), f"{path}, line {first[0]}", columns.options)  # which says so


def _cell(path: Path, row: Row, name: str, columns: Columns) -> object:
    line, pairs = row
    if name == columns.label and not _holds(pairs, name):
        return None
    return value(pairs, name, f"{path}, line {line}", columns.options)


def rows(path: Path, written: Iterable[str]) -> Iterator[Row]:
    """Yield the object of each line that is not blank. Raises InputError where a line is none, or all are blank."""
    blank = True
    for number, line in enumerate(written, start=1):
        if line.strip():
            blank = False
            yield number, _pairs(line, f"{path}, line {number}")
    if blank:
        raise InputError(f"{path}: the file is blank; expected a JSON object on each line")


def value(pairs: Pairs, key: str, where: str, options: str = OPTIONS) -> object:
    """Return the value of a key. Raises InputError where it is not there, or twice; `options` as in `index_of`."""
    return pairs[index_of(key, [name for name, _ in pairs], where, options)][1]


def as_python(value: object) -> object:
    """Return a value with dicts for its objects; of a key that stands twice in one the last."""
    if isinstance(value, _Object):
        return {name: as_python(each) for name, each in value.pairs}
    return [as_python(each) for each in value] if isinstance(value, list) else value


def _holds(pairs: Pairs, key: str | None) -> bool:
    return any(name == key for name, _ in pairs)


class _Object:
    """An object's pairs, told from a list by its type: the decoder calls this for every object."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


def _pairs(line: str, where: str) -> Pairs:
    try:
        value = json.loads(line, object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        hint = _ARRAY if line.lstrip().startswith("[") else ""
        raise InputError(f"{where}, column {error.colno}: not JSON ({error.msg}); expected an object{hint}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, a thousand brackets
        raise InputError(f"{where}: JSON beyond what can be read ({error})") from error
    if isinstance(value, _Object):
        return value.pairs
    raise InputError(
        f'{where}: a {type(value).__name__} by itself; expected an object such as {{"text": "…", "label": "…"}}'
        f"{_ARRAY if isinstance(value, list) else ''}"
    )
