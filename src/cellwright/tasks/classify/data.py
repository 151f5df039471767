"""The texts of a run with their labels: a built-in set or files, and whether they can be learned from."""

from collections.abc import Mapping
from typing import Any

from cellwright.data.checks import classes_of
from cellwright.data.labels import LabelOptions
from cellwright.data.source import kind_of, open_source
from cellwright.data.splits import Given, Kind, SplitOptions, Splits
from cellwright.data.table import Table
from cellwright.tasks.classify.config import OF_TABLES, ClassifyConfig
from cellwright.tasks.files import caching, read_options
from cellwright.tasks.splits import Source


def load_splits(config: ClassifyConfig, given: Given[Table] | None = None) -> tuple[Splits[Table], list[str]]:
    """Return the three splits, and all their labels. Raises InputError for what cannot be learned from.

    given: texts in memory and their labels, in place of DATA.
    """
    if given is not None:
        return given.splits, list(given.labels)
    splits = SOURCE.for_training(config, OF_TABLES)
    return splits, classes_of(splits)


def open_data(data: str, options: Mapping[str, Any]) -> Splits[Table]:
    """Return the splits of what a user names as DATA, by the options of a run. Raises InputError."""
    return open_source(
        data,
        text=options["text"],
        label=options["label"],
        how=read_options(options),
        splits=SplitOptions.of(options),
        labels=LabelOptions.of(options),
        cache=caching(options),
    )


def _kind_of(options: Mapping[str, Any]) -> Kind[Table]:
    labels = LabelOptions.of(options)
    return kind_of(options["text"], options["label"], read_options(options), labels, caching(options))


SOURCE = Source(_kind_of, open_data)
