"""The splits of what a user names as DATA: a built-in set, a file, or three files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.data.labels import one_spelling
from cellwright.data.readers.series import FORMATS, read_series
from cellwright.data.readers.series_options import Fill, SeriesOptions, names_of
from cellwright.data.readers.several import files_of, named_by
from cellwright.data.readers.values import listed
from cellwright.data.series import Roles, SeriesTable, numbered
from cellwright.errors import InputError
from cellwright.tasks.series.config import SeriesConfig
from cellwright.tasks.series.covariates import completed


def one_file(data: str, built_in: Iterable[str] = ()) -> Path:
    """Return the one file that a name means; built_in: sets that would have done as well. Raises InputError."""
    if len(files := named_by(data, FORMATS)) > 1:
        raise InputError(f"{data}: {len(files)} files; expected one, since series are read from one file: join them")
    return files_of(data, FORMATS, built_in, folder=False)[0]


def read_file(config: SeriesConfig, path: str | Path, options: SeriesOptions | None = None) -> SeriesTable:
    """Read a file as the options say. Raises InputError.

    options: in place of those of the config. --format is meant for DATA, and for files of its suffix or of none known.
    """
    known = {suffix for each in FORMATS.values() for suffix in each.suffixes}
    suffix = Path(path).suffix.lower()
    meant = suffix not in known or suffix == Path(config.data).suffix.lower()
    table = read_series(
        path, options or config.reading, encoding=config.encoding, format=config.format if meant else None
    )
    if config.objective != "classify" or table.labels is None:
        return table
    labels, notes = one_spelling(table.labels, table.source, row="series")
    return replace(table, labels=labels, notes=(*table.notes, *notes))


def read_alike(
    config: SeriesConfig, path: str, channels: Sequence[str], given: Mapping[str, Any], *, labelled: bool = True
) -> SeriesTable:
    """Read a file beside the training's, whose columns are those learned from, unless `given` names "values".

    labelled: whether labels are read.

    Raises InputError, for a column too that `given` ignores and that is read, or not there.
    """
    named, own = given.get("values") is not None, config.reading
    reading = own.of_further(own.values) if named else config.reading_like(channels)
    if given.get("series") is None:
        reading = reading._replace(alone=names_of(config.targets))
    if given.get("ignore") is not None:  # said of this file, where it is to be
        reading = reading._replace(ignore=own.ignore, passed_over=())
    table = read_file(config, one_file(path), reading._replace(labelled=labelled))
    if named and len(table.channels) == len(channels):  # they were named in their place
        return replace(table, channels=tuple(channels))
    return table


def check_complete(table: SeriesTable) -> None:
    """Raise InputError at the first missing value that is read, for a model that learns from series without any."""
    for row in range(len(table)):
        for step, channel in np.argwhere(table.missing_in(row))[:1]:
            raise InputError(
                f"{table.at(row, step, channel)}: a value is missing, and "
                "the run learned from series without any: fill it, or train on series that miss some too"
            )


def as_learned(table: SeriesTable, channels: Sequence[str], roles: Roles, fill: Fill | None) -> SeriesTable:
    """The table with the channels that were learned from, in their order and their roles, covariates as --fill says.

    Channels go by name. Of a table or a training without names they go by their order, since nothing else tells them.
    Targets that are simulated may be left out, and are missing then.

    Raises:
        InputError: other channels, or another number of them; a static covariate that changes.

    """
    inputs = tuple(channels)[len(channels) - roles.covariates :]
    if roles.simulated and len(table.channels) != len(channels):
        found = _in_order(table, inputs)  # which alone must be there
        absent = len(channels) - len(inputs)
        values = [np.insert(each, [0] * absent, np.nan, axis=1) for each in found.values]
        found = replace(found, values=values, channels=tuple(channels))
    else:
        found = _in_order(table, channels)
    return completed(replace(found, roles=roles), fill)


def _in_order(table: SeriesTable, channels: Sequence[str]) -> SeriesTable:
    learned = tuple(channels)
    if table.channels == learned:
        return table
    if sorted(table.channels) == sorted(learned):
        order = [table.channels.index(name) for name in learned]
        return replace(table, values=[values[:, order] for values in table.values], channels=learned)
    if not table.named and len(table.channels) != len(learned):
        raise InputError(
            f"{table.where(0)}: {len(table.channels)} channels; expected {len(learned)}, as in training "
            f"({listed(learned)})"
        )
    if len(table.channels) != len(learned) or (table.named and learned != numbered(len(learned))):
        raise InputError(
            f"{table.source}: the channels are {listed(table.channels)}; expected {listed(learned)}, as in training"
        )
    note = f"{table.source}: {listed(table.channels)} are taken for the channels of training, which had no names"
    return replace(table, channels=learned, notes=(*table.notes, note) if table.named else table.notes)
