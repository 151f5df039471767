"""Series from JSON lines, an object a series: {"values": [[0.5, 2.25], [0.75, null]], "name": "a", "label": "good"}.

`values` are steps of channels, or of one channel numbers; null is a missing value. Or they are an object of channels by
name: {"values": {"flow": [2.25, 2.5], "rain": [4.5, 0, 8], "area": 35}}. A shorter one is missing in the steps behind
its end, and a number stands in all steps. A name and a label may be there, and `ahead`, when the steps come that are
forecast: ["2026-02-01", "2026-02-02"]. A file whose first object has no `values` is one of records, a step each:
{"series": "a", "time": 1, "x": 0.5, "y": 2.25}.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.data.readers.files import decoded, lines_of
from cellwright.data.readers.long_form import read_records
from cellwright.data.readers.numbers import ReadSeries, as_table
from cellwright.data.readers.picked import picked
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable, Values
from cellwright.errors import InputError
from cellwright.files import RepeatedKey, once_each

Line = str | Mapping[str, Any]
"""JSON, or the object that it spells."""
EXPECTED = '{"values": [[0.5, 2.25], [0.75, null]], "name": "a"}'


def read(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read a series from each line that is not blank, or a step."""
    content = decoded(path, encoding)
    if _holds_records(content):
        return read_records(path, options, content)
    return picked(parse(lines_of(content), str(path), options=options), options)


def parse(lines: Iterable[Line], source: str, first: int = 1, *, options: SeriesOptions | None = None) -> SeriesTable:
    """Return the series of the lines that are not blank. Raises InputError, naming the line.

    lines: each JSON, or the object that it spells, in which arrays are lists. first: number of the first line.
    options: of which the missing and filled values are read.
    """
    numbered = enumerate(lines, start=first)
    contents = [(k, _content(line, f"{source}, line {k}")) for k, line in numbered if not is_blank(line)]
    if not contents:
        raise InputError(f"{source}: blank; expected a series a line, {EXPECTED}")
    line, begun = contents[0]
    names = [*begun["values"]] if isinstance(begun["values"], dict) else None
    for k, content in contents:
        _check_names(content["values"], names, f"{source}, line {k}", f"line {line}")
    found = [_series(content, names, str(k), f"{source}, line {k}") for k, content in contents]
    return as_table(found, names, source, options)


def is_blank(line: Line) -> bool:
    """Whether it is a line without a character to be read."""
    return isinstance(line, str) and not line.strip()


def dump(table: SeriesTable, ahead: Sequence[Sequence[str]] = ()) -> list[str]:
    """Write each series as a line that `parse` reads back, to the bit; ahead: of each when what is forecast comes."""
    further = [{"ahead": [*times]} if times else {} for times in ahead or [()] * len(table)]
    return [
        json.dumps({"name": name, "values": [[None if v != v else v for v in step] for step in values.tolist()]} | more)
        for name, values, more in zip(table.names, table.values, further, strict=True)
    ]


@dataclass(frozen=True)
class _Said:
    """When the steps come that are forecast, as a line says it."""

    times: Sequence[str]
    where: str

    def ahead(self, present: int, steps: int) -> list[str]:
        """All of them. Raises InputError where they are not as many as the steps."""
        if len(self.times) != steps:
            raise InputError(f"{self.where}: {len(self.times)} times ahead; expected {steps}, one a step to forecast")
        return [*self.times]


def _holds_records(content: str) -> bool:
    """Whether the first line is an object of numbers and texts, and not one of a series."""
    try:
        first = json.loads(next((line for line in lines_of(content) if line.strip()), "null"))
    except (ValueError, RecursionError):  # said better where the lines are read
        return False
    return (
        isinstance(first, dict)
        and "values" not in first
        and not any(isinstance(value, list | dict) for value in first.values())
    )


def _content(line: Line, where: str) -> Mapping[str, Any]:
    """The object of a line, which has values. Raises InputError."""
    content: Any = line
    if isinstance(line, str):
        try:
            content = json.loads(line, object_pairs_hook=once_each)
        except RepeatedKey as error:
            raise InputError(f"{where}: {error}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: not JSON ({error}); expected a series, {EXPECTED}") from None
    values = content.get("values") if isinstance(content, Mapping) else None
    values = _listed({name: _listed(each) for name, each in values.items()} if isinstance(values, Mapping) else values)
    if not isinstance(values, list | dict):
        raise InputError(f"{where}: no list of values; expected a series, {EXPECTED}")
    return {**content, "values": values}


def _listed(value: Any) -> Any:
    """An array, or a column of a table, as a list; a tuple too; anything else as it is."""
    return value.tolist() if hasattr(value, "tolist") else list(value) if isinstance(value, tuple) else value


def _check_names(values: Any, names: Sequence[str] | None, where: str, first: str) -> None:
    """Raise InputError for channels by name where the first series has them by order, the reverse, or for others."""
    if isinstance(values, dict) != (names is not None):
        got, expected = ("by name", "in a list") if names is None else ("in a list", "by name")
        raise InputError(f"{where}: values {got}, and {expected} on {first}; expected them alike in all series")
    if names is not None and {*values} != {*names}:
        raise InputError(f"{where}: the channels are {listed([*values])}; expected {listed(names)}, as on {first}")


def _series(content: Mapping[str, Any], names: Sequence[str] | None, number: str, where: str) -> ReadSeries:
    name, label = content.get("name"), content.get("label")
    values = content["values"]
    read = _steps(values, where) if names is None else _columns([(name, values[name]) for name in names], where)
    return ReadSeries(
        number if name is None else str(name),
        read,
        None if label is None else str(label),
        f"line {number}",
        clock=None if (times := content.get("ahead")) is None else _Said(_texts(times, where), where),
    )


def _texts(times: Any, where: str) -> list[str]:
    found = _listed(times)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InputError(
            f'{where}: "ahead" is {json.dumps(times, default=str)[:40]}; expected a list of texts, when the steps to '
            'forecast come: ["2026-02-01", "2026-02-02"]'
        )
    return found


def _steps(values: Sequence[Any], where: str) -> Values:
    """Steps by channels (T, C) of a list of steps."""
    steps = [list(step) if isinstance(step, list | tuple) else [step] for step in map(_listed, values)]
    for k, step in enumerate(steps, start=1):
        if len(step) != len(steps[0]):
            raise InputError(f"{where}, step {k}: {len(step)} channels; expected {len(steps[0])}, as step 1 has")
    if {*map(type, chain.from_iterable(steps))} <= {float}:  # as `dump` writes them: none has to be looked at
        found: list[list[float]] = steps
    else:
        found = [[_number(v, f"{where}, step {k}") for v in step] for k, step in enumerate(steps, start=1)]
    return np.array(found, dtype=np.float64).reshape(len(found), -1 if found else 1)


def _columns(values: Sequence[tuple[str, Any]], where: str) -> Values:
    """The same of channels by name, each a list of steps or the one number of all."""
    steps = max((len(each) for _, each in values if isinstance(each, list)), default=0)
    if not steps:
        raise InputError(f'{where}: no channel has a step; expected a list of at least one: {{"flow": [2.25, 2.5]}}')
    found = np.full((steps, len(values)), math.nan)
    for place, (name, each) in enumerate(values):
        at = f"{where}, channel {name!r}"
        if isinstance(each, list):
            found[: len(each), place] = [_number(v, f"{at}, step {k}") for k, v in enumerate(each, start=1)]
        else:
            found[:, place] = _number(each, at)
    return found


def _number(value: Any, where: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # an integer of hundreds of digits: refused with whatever is too large
            return math.inf if value > 0 else -math.inf
    raise InputError(
        f"{where}: {json.dumps(value, default=str)[:40]} is no number; expected one, or null where it is missing"
    )
