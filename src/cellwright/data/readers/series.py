"""Numeric series, one file a format, each `read(path, columns, encoding) -> SeriesTable`; the suffix chooses.

    .npz           a padded array with lengths, or an array a series
    .csv .tsv      long form: a row a step
    .ts            sktime's and the UEA archive's text format
    .jsonl         an object a series

Missing values are NaN, an empty cell or "?"; they are read as NaN. Infinite ones, and those beyond
`numbers.LARGEST`, are refused where they stand.
"""

from collections.abc import Callable
from pathlib import Path

from cellwright.data.readers import json_series, long_form, npz, ts
from cellwright.data.readers.files import existing
from cellwright.data.readers.long_form import SeriesColumns
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError

FORMATS: dict[str, tuple[tuple[str, ...], Callable[[Path, SeriesColumns, str], SeriesTable]]] = {
    "npz": ((".npz",), npz.read),
    "csv": ((".csv",), long_form.read_csv),
    "tsv": ((".tsv", ".tab"), long_form.read_tsv),
    "ts": ((".ts",), ts.read),
    "jsonl": ((".jsonl", ".ndjson"), json_series.read),
}
"""Suffixes and reader of each format."""


def read_series(
    path: str | Path,
    columns: SeriesColumns | None = None,
    *,
    encoding: str = "utf-8",
    format: str | None = None,
) -> SeriesTable:
    """Read every series of a file.

    Args:
        path: the file.
        columns: where in CSV and TSV the series' names, times and labels stand.
        encoding: how the bytes of a text file spell characters.
        format: a name from FORMATS, where the suffix does not tell.

    Raises:
        InputError: the file, a series or a value is not as expected; names file, line and column, what was found.

    """
    path = existing(path)
    _, read = FORMATS[_format_of(path, format)]
    return read(path, columns or SeriesColumns(), encoding)


def _format_of(path: Path, format: str | None) -> str:
    if format is not None and format not in FORMATS:
        raise InputError(f"{path}: no format {format!r} of series; expected one of {', '.join(FORMATS)}")
    if format is not None:
        return format
    for name, (suffixes, _) in FORMATS.items():
        if path.suffix.lower() in suffixes:
            return name
    known = ", ".join(suffix for suffixes, _ in FORMATS.values() for suffix in suffixes)
    found = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
    raise InputError(f"{path}: {found} tells no format of series; expected a file that ends in {known}")
