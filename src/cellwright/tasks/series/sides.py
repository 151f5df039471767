"""The sides of what a user names as DATA: a built-in set, a file, or three files."""

from pathlib import Path

import numpy as np

from cellwright.data import datasets
from cellwright.data.readers.files import existing
from cellwright.data.readers.long_form import SeriesColumns
from cellwright.data.readers.series import read_series
from cellwright.data.readers.values import listed
from cellwright.data.series import SERIES, SeriesTable, cut_series, split_series
from cellwright.data.split import SHARE, SIDES, Parted
from cellwright.errors import InputError
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.sides import refuse_for_a_set

OF_FILES = {
    name: SeriesConfig.model_fields[name].default
    for name in ("validation", "test", "format", "series", "time", "label")
}
"""Options that say how files are read, and nothing of a built-in set; each with its default."""
FEW = 10
"""Series fewer than this are cut in time to find anomalies: no side could do with one or two of them."""


def open_sides(config: SeriesConfig) -> Parted[SeriesTable]:
    """Return "train", "validation" and "test". Raises InputError for files that are not as expected, an empty side."""
    if config.data in datasets.names():
        refuse_for_a_set(config.data, config.model_dump(), OF_FILES)
        found: Parted[SeriesTable] = datasets.load(config.data, SERIES)
        sides = Parted(dict(found), list(found.notes))
    else:
        path = existing(config.data, built_in=datasets.names(SERIES))
        sides = _cut(config, read_file(config, path))
    for side in SIDES:
        _check(config, sides, side)
    return sides


def read_file(config: SeriesConfig, path: str | Path) -> SeriesTable:
    """Read a file as the options say. Raises InputError."""
    columns = SeriesColumns(config.series, config.time, config.label)
    return read_series(path, columns, encoding=config.encoding, format=config.format)


def _cut(config: SeriesConfig, table: SeriesTable) -> Parted[SeriesTable]:
    """Take the sides that have no file of their own from the table."""
    files = {"validation": config.validation, "test": config.test}
    shares = {side: 0.0 if file else SHARE for side, file in files.items()}
    in_time = config.target == "forecast" or (config.target == "anomaly" and len(table) < FEW)
    sides = (cut_series if in_time else split_series)(table, **shares)
    if in_time and any(shares.values()):
        sides.notes.append("each series is cut in time: its last steps are the test side, those before the validation")
    for side, file in files.items():
        if file:
            sides[side] = read_file(config, file)
    return sides


def _check(config: SeriesConfig, sides: Parted[SeriesTable], side: str) -> None:
    table = sides[side]
    if not len(table):
        counts = ", ".join(f"{name} {len(each)}" for name, each in sides.items())
        raise InputError(
            f"{config.data}: no series falls to the {side} side ({counts}); each one's hash decides, or with forecast "
            "its length: give more, or files of their own with --validation and --test"
        )
    check_channels(table, sides["train"].channels)


def check_complete(table: SeriesTable) -> None:
    """Raise InputError at the first missing value, for a model that learns from series without any."""
    for row, values in enumerate(table.values):
        for step, channel in np.argwhere(np.isnan(values))[:1]:
            raise InputError(
                f"{table.where(row)}, step {step + 1}, channel {table.channels[channel]!r}: a value is missing, and "
                "the run learned from series without any: fill it, or train on series that miss some too"
            )


def check_channels(table: SeriesTable, channels: tuple[str, ...] | list[str]) -> None:
    """Raise InputError where a table has other channels than those learned from."""
    if list(table.channels) != list(channels):
        raise InputError(
            f"{table.source}: the channels are {listed(table.channels)}; expected {listed(list(channels))}, in this "
            "order, as in training"
        )
