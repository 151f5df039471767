"""The texts of a run: a built-in set or files, and whether they can be learned from."""

from collections.abc import Mapping
from typing import Any

from cellwright.data.checks import check_splits
from cellwright.data.source import kind_of, open_source
from cellwright.data.splits import Kind, SplitOptions, Splits
from cellwright.data.table import Table
from cellwright.tasks.autoencode.config import AutoencodeConfig
from cellwright.tasks.files import OF_CACHED_FILES, caching, read_options
from cellwright.tasks.splits import Source


def load_splits(config: AutoencodeConfig) -> Splits[Table]:
    """Return "train", "validation" and "test". Raises InputError for what cannot be learned from."""
    splits = SOURCE.for_training(config, OF_CACHED_FILES)
    check_splits(splits, config.data, "text")
    return splits


def open_data(data: str, options: Mapping[str, Any]) -> Splits[Table]:
    """Return the splits of what a user names as DATA, by the options of a run. Raises InputError."""
    how, splits = read_options(options), SplitOptions.of(options)
    return open_source(data, text=options["text"], label=None, how=how, splits=splits, cache=caching(options))


def _kind_of(options: Mapping[str, Any]) -> Kind[Table]:
    return kind_of(options["text"], None, read_options(options), cache=caching(options))


SOURCE = Source(_kind_of, open_data)
