"""Series from JSON lines, an object a series: {"values": [[0.5, 2.25], [0.75, null]], "name": "a", "label": "good"}.

`values` are steps of channels, or of one channel numbers; null is a missing value. A name and a label may be there. A
file whose first object has no `values` is one of records, a step each: {"series": "a", "time": 1, "x": 0.5, "y": 2.25}.
"""

import json
import math
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.data.readers.files import decoded, lines_of
from cellwright.data.readers.long_form import read_records
from cellwright.data.readers.numbers import ReadSeries, as_table
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError

EXPECTED = '{"values": [[0.5, 2.25], [0.75, null]], "name": "a"}'


def read(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read a series from each line that is not blank, or a step."""
    content = decoded(path, encoding)
    if _holds_records(content):
        return read_records(path, options, content)
    return parse(lines_of(content), str(path), options=options)


def parse(lines: Iterable[str], source: str, first: int = 1, *, options: SeriesOptions | None = None) -> SeriesTable:
    """Return the series of the lines that are not blank. Raises InputError, naming the line.

    first: number of the first line. options: of which the missing and filled values are read.
    """
    numbered = enumerate(lines, start=first)
    found = [_series(line, str(k), f"{source}, line {k}") for k, line in numbered if line.strip()]
    if not found:
        raise InputError(f"{source}: blank; expected a series a line, {EXPECTED}")
    return as_table(found, None, source, options)


def dump(table: SeriesTable) -> list[str]:
    """Write each series as a line that `parse` reads back, to the bit."""
    return [
        json.dumps({"name": name, "values": [[None if v != v else v for v in step] for step in values.tolist()]})
        for name, values in zip(table.names, table.values, strict=True)
    ]


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


def _series(line: str, number: str, where: str) -> ReadSeries:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON ({error}); expected a series, {EXPECTED}") from None
    if not isinstance(content, dict) or not isinstance(content.get("values"), list):
        raise InputError(f"{where}: no list of values; expected a series, {EXPECTED}")
    name, label = content.get("name"), content.get("label")
    steps = [step if isinstance(step, list) else [step] for step in content["values"]]
    for k, step in enumerate(steps, start=1):
        if len(step) != len(steps[0]):
            raise InputError(f"{where}, step {k}: {len(step)} channels; expected {len(steps[0])}, as step 1 has")
    if {*map(type, chain.from_iterable(steps))} <= {float}:  # as `dump` writes them: none has to be looked at
        values: list[list[float]] = steps
    else:
        values = [[_number(v, f"{where}, step {k}") for v in step] for k, step in enumerate(steps, start=1)]
    return ReadSeries(
        number if name is None else str(name),
        np.array(values, dtype=np.float64).reshape(len(values), -1 if values else 1),
        None if label is None else str(label),
        f"line {number}",
    )


def _number(value: Any, where: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # an integer of hundreds of digits: refused with whatever is too large
            return math.inf if value > 0 else -math.inf
    raise InputError(f"{where}: {json.dumps(value)[:40]} is no number; expected one, or null where it is missing")
