"""The pairs of a run: a built-in set or files, by its options."""

from collections.abc import Mapping
from typing import Any

from cellwright.data.pair_source import PairColumns, open_pairs
from cellwright.data.pair_source import read_pairs as read
from cellwright.data.pairs import Pairs
from cellwright.data.splits import SplitOptions, Splits
from cellwright.tasks.files import read_options


def load_splits(data: str, options: Mapping[str, Any]) -> Splits[Pairs]:
    """Return "train", "validation" and "test". Raises InputError."""
    return open_pairs(data, _columns(options), read_options(options), SplitOptions.of(options))


def read_pairs(path: str, options: Mapping[str, Any]) -> tuple[Pairs, list[str]]:
    """Return all pairs of a file, and sentences on it. Raises InputError."""
    return read(path, _columns(options), read_options(options))


def _columns(options: Mapping[str, Any]) -> PairColumns:
    return PairColumns(*(options[name] for name in PairColumns._fields))
