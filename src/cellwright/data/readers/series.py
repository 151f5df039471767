"""Numeric series, one file a format, each `read(path, options, encoding) -> SeriesTable`; the suffix chooses.

    .npz                     a padded array with lengths, or an array a series
    .csv .tsv .parquet       long form: a row a step
    .jsonl                   an object a series, or a step
    .ts                      sktime's and the UEA archive's text format
    .arff                    Weka's, as the UCR and UEA archives have it
    .tsf                     the Monash forecasting archive's
    .ucr                     the UCR archive's tables: a series a row, its label first

Missing values are NaN, an empty cell or "?"; they are read as NaN. Infinite ones, and those beyond
`numbers.LARGEST`, are refused where they stand.
"""

from dataclasses import replace
from pathlib import Path

from cellwright.data.readers import Format, arff, format_of, json_series, long_form, npz, ts, tsf, wide
from cellwright.data.readers.files import existing
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable

FORMATS: dict[str, Format[SeriesOptions, str, SeriesTable]] = {
    "npz": Format((".npz",), npz.read),
    "csv": Format((".csv",), long_form.read_csv),
    "tsv": Format((".tsv", ".tab"), long_form.read_tsv),
    "parquet": Format((".parquet", ".pq"), long_form.read_parquet),
    "jsonl": Format((".jsonl", ".ndjson"), json_series.read),
    "ts": Format((".ts",), ts.read),
    "arff": Format((".arff",), arff.read),
    "tsf": Format((".tsf",), tsf.read),
    "ucr": Format((".ucr",), wide.read),
}


def read_series(
    path: str | Path,
    options: SeriesOptions | None = None,
    *,
    encoding: str = "utf-8",
    format: str | None = None,
) -> SeriesTable:
    """Read every series of a file.

    A CSV or TSV that looks like the UCR archive's tables is read as one of them, and a note says so; a format, a
    separator or that there is no header makes it one of steps.

    Args:
        path: The file.
        options: Where names, times, labels and values stand, and what becomes of those that are missing.
        encoding: How the bytes of a text file spell characters.
        format: A name from FORMATS, where the suffix does not tell.

    Returns:
        The series, (steps, channels) each, with their names, labels and channels.

    Raises:
        InputError: the file, a series or a value is not as expected; names file, line and column, what was found.

    """
    path, options = existing(path), options or SeriesOptions()
    found = series_format(path, options, encoding, format)
    table = FORMATS[found].read(path, options, encoding)
    if found != "ucr" or format is not None:
        return table
    note = (
        f"{path}: no header, and a whole number before measured values in each row: read as --format ucr, a series a "
        "row with its label first (with --no-header, a row is a step)"
    )
    return replace(table, notes=(note, *table.notes))


def series_format(path: Path, options: SeriesOptions, encoding: str, format: str | None) -> str:
    """The name of a file's format: as given, by its suffix, or by what a table of numbers looks like."""
    found = format_of(path, format, FORMATS)
    unsaid = format is None and options.header and options.separator is None
    return "ucr" if unsaid and found in ("csv", "tsv") and wide.is_wide(path, encoding) else found
