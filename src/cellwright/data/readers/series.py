"""Numeric series, one file a format, each `read(path, columns, encoding) -> SeriesTable`; the suffix chooses.

    .npz           a padded array with lengths, or an array a series
    .csv .tsv      long form: a row a step
    .ts            sktime's and the UEA archive's text format
    .jsonl         an object a series

Missing values are NaN, an empty cell or "?"; they are read as NaN. Infinite ones, and those beyond
`numbers.LARGEST`, are refused where they stand.
"""

from pathlib import Path

from cellwright.data.readers import Format, format_of, json_series, long_form, npz, ts
from cellwright.data.readers.files import existing
from cellwright.data.readers.long_form import SeriesColumns
from cellwright.data.series import SeriesTable

FORMATS: dict[str, Format[SeriesColumns, str, SeriesTable]] = {
    "npz": Format((".npz",), npz.read),
    "csv": Format((".csv",), long_form.read_csv),
    "tsv": Format((".tsv", ".tab"), long_form.read_tsv),
    "ts": Format((".ts",), ts.read),
    "jsonl": Format((".jsonl", ".ndjson"), json_series.read),
}


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
    found = format_of(path, format, FORMATS)
    return FORMATS[found].read(path, columns or SeriesColumns(), encoding)
