"""Series from `.tsf` files, the text format of the Monash forecasting archive: one channel, a series a line.

    # a comment
    @relation sales
    @attribute series_name string
    @attribute start_timestamp date
    @frequency daily
    @horizon 30
    @missing true
    @equallength false
    @data
    T1:1979-01-01 00-00-00:25.5,?,24.75

Godahewa et al. (2021), Monash time series forecasting archive. The values follow the attributes, after the last colon.
Series are named by their attributes of strings. Frequency and horizon are said, and taken by nobody who does not ask.
"""

from pathlib import Path

import numpy as np

from cellwright.data.readers.files import decoded
from cellwright.data.readers.header import Header, check_claims, header_of, split_header
from cellwright.data.readers.numbers import ReadSeries, as_table, number
from cellwright.data.readers.picked import picked
from cellwright.data.readers.series_options import SeriesOptions
from cellwright.data.series import SeriesTable
from cellwright.errors import InputError

FLAGS = frozenset({"missing", "equallength"})


def read(path: Path, options: SeriesOptions, encoding: str) -> SeriesTable:
    """Read every series; the format names its parts itself, and of the options' columns reads the channels."""
    lines, rows = split_header(path, decoded(path, encoding))
    attributes = [text.split() for _, text in lines if text.lower().startswith("@attribute")]
    header = header_of(path, [line for line in lines if not line[1].lower().startswith("@attribute")], FLAGS, FLAGS)
    for words in attributes:
        if len(words) != 3 or words[2].lower() not in ("string", "numeric", "date"):
            raise InputError(f"{path}: {' '.join(words)[:60]!r}; expected @attribute NAME string, numeric or date")
    found = [_series(path, count, line, text, attributes, options) for count, (line, text) in enumerate(rows, start=1)]
    check_claims(path, header, found)
    return picked(as_table(found, None, str(path), options, _notes(path, header)), options)


def _series(
    path: Path, count: int, line: int, text: str, attributes: list[list[str]], options: SeriesOptions
) -> ReadSeries:
    where = f"{path}, line {line}"
    *parts, written = [part.strip() for part in text.split(":")]
    if len(parts) != len(attributes):
        raise InputError(
            f"{where}: {len(parts)} values of attributes before the series; expected {len(attributes)}, a line "
            "@attribute each, and a colon behind each"
        )
    names = [part for part, (_, _, kind) in zip(parts, attributes, strict=True) if kind.lower() == "string"]
    values = [number(each, f"{where}, step {k}", options.missing) for k, each in enumerate(written.split(","), start=1)]
    return ReadSeries("/".join(names) or str(count), np.array(values)[:, None], None, f"line {line}")


def _notes(path: Path, header: Header) -> list[str]:
    """What the header says of a forecast, for who has not asked for it."""
    said = [f"@{name} {' '.join(header[name].words)}" for name in ("frequency", "horizon") if name in header]
    return (
        [f"{path}: its header says {', '.join(said)}; --horizon and --season-length are yours to give"] if said else []
    )
