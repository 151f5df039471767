"""Series from `.arff` files, Weka's format, as the UCR and UEA archives have them; SciPy reads it.

    @attribute att0 numeric                     a step each: one channel
    @attribute target {1,-1}                    the label: the last attribute of names, or the one --label names

    @attribute att relational …                 one relation: a row in it a channel, its attributes the steps
    @attribute activity {Standing,Running}

SciPy knows neither strings, sparse rows nor the lines that it reads: what is wrong is named by the number of its row.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.data.readers.files import decoded, with_newlines
from cellwright.data.readers.numbers import ReadSeries, as_table
from cellwright.data.readers.picked import picked
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.readers.values import listed
from cellwright.data.series import SeriesTable, Values
from cellwright.errors import InputError


def read(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read a series from each row."""
    rows, kinds = _opened(path, with_newlines(decoded(path, encoding)))
    label = _label_of(path, kinds, options)
    steps = [name for name in kinds if name != label]
    others = [name for name in steps if kinds[name] not in ("numeric", "relational")]
    if others or not steps or (len(steps) > 1 and "relational" in kinds.values()):
        raise InputError(
            f"{path}: attributes {listed(others or steps)} beside the label {label!r}; expected numeric ones, a step "
            "each, or one that is relational, whose rows are the channels"
        )
    found = [
        ReadSeries(str(k), _values(row, steps), _text(row[label]) if label else None, f"row {k}")
        for k, row in enumerate(rows, start=1)
    ]
    if not found:
        raise InputError(f"{path}: nothing below @data; expected a series a line")
    return picked(as_table(found, None, str(path), options), options)


def _opened(path: Path, content: str) -> tuple[Any, dict[str, str]]:
    """The rows, and of each attribute what it holds."""
    try:
        from scipy.io import arff  # comes with scikit-learn; slow to load, and only this format needs it
    except ImportError:
        raise InputError(f"{path}: .arff is read with the package scipy, not found here: pip install scipy") from None
    try:
        rows, about = arff.loadarff(io.StringIO(content))
    except (arff.ArffError, NotImplementedError, ValueError, IndexError, KeyError, StopIteration, TypeError) as error:
        raise InputError(
            f"{path}: SciPy does not read it as ARFF ({str(error)[:200] or type(error).__name__}); expected numeric "
            "attributes and one of names, without strings and sparse rows"
        ) from None
    return rows, {name: about[name][0] for name in about.names()}


def _label_of(path: Path, kinds: dict[str, str], options: SeriesOptions) -> str | None:
    if not options.labelled:
        return next((name for name in reversed(kinds) if kinds[name] == "nominal"), None)
    if options.label in kinds:
        return options.label
    if options.label != SeriesOptions().label:
        raise InputError(f"{path}: no attribute {options.label!r}, which --label names; got {listed(list(kinds))}")
    return next((name for name in reversed(kinds) if kinds[name] == "nominal"), None)


def _values(row: Any, steps: list[str]) -> Values:
    """Steps by channels (T, C)."""
    first = row[steps[0]]
    if isinstance(first, np.ndarray):  # a relation: (C,) records of T attributes
        return np.array([list(channel) for channel in first], dtype=np.float64).T
    return np.array([[row[name]] for name in steps], dtype=np.float64)


def _text(value: Any) -> str | None:
    """A label as a text, None for one that is missing."""
    written = value.decode("utf-8") if isinstance(value, bytes) else repr(float(value)).removesuffix(".0")
    return None if written in ("?", "nan") else written
