"""The pairs of a run: a built-in set or files with two columns, and whether they can be learned from.

splits = open_pairs("words.csv", PairColumns("word", "pronunciation"))
splits["train"].sources[0], splits["train"].targets[0]    # "read", ["R EH D", "R IY D"]
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cellwright.data import datasets
from cellwright.data.arrays import MEMORY
from cellwright.data.cache import Caching
from cellwright.data.checks import check_splits
from cellwright.data.pairs import PAIRS, Pairs, among, gather, split_pairs
from cellwright.data.readers import FORMATS, format_of, read_columns
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.several import files_of
from cellwright.data.readers.values import Columns
from cellwright.data.splits import Kind, SplitOptions, Splits, open_splits
from cellwright.errors import InputError
from cellwright.tasks.files import OF_CACHED_FILES, caching, read_options
from cellwright.tasks.splits import Source
from cellwright.tasks.transduce.config import TransduceConfig


class PairColumns(NamedTuple):
    """Columns by name, or by number from 1."""

    source: str = "source"
    target: str = "target"
    features: str | None = None
    """What is asked of the target, such as V;PST: each becomes a symbol behind the source's own."""

    @property
    def asked(self) -> Columns:
        """The columns as readers have them."""
        options = "--source and --target" if self.features is None else "--source, --target and --features"
        return Columns(self.source, self.target, options, pairs=True, features=self.features)


def load_splits(config: TransduceConfig) -> Splits[Pairs]:
    """Return "train", "validation" and "test". Raises InputError for what cannot be learned from."""
    splits = SOURCE.for_training(config, OF_CACHED_FILES)
    check_splits(splits, config.data, "source")
    return splits


def open_data(data: str, options: Mapping[str, Any]) -> Splits[Pairs]:
    """Return the splits of what a user names as DATA, by the options of a run. Raises InputError."""
    return open_pairs(data, _columns(options), read_options(options), SplitOptions.of(options), caching(options))


def open_pairs(
    data: str,
    columns: PairColumns,
    how: ReadOptions | None = None,
    splits: SplitOptions | None = None,
    cache: Caching | None = None,
) -> Splits[Pairs]:
    """Return "train", "validation" and "test" of a built-in set of pairs or of a file, as `data.source` does for texts.

    cache: which files do not lie in memory; None: none.

    Raises:
        InputError: neither a set nor a file, a set of something else, or a file that is not as expected.

    """
    if data in datasets.names():
        built_in: Splits[Pairs] = datasets.load(data, PAIRS)
        return built_in
    files_of(data, FORMATS, datasets.names(PAIRS))
    return open_splits(data, _kind(columns, how, cache), splits or SplitOptions())


def read_pairs(
    path: str, columns: PairColumns, how: ReadOptions | None = None, cache: Caching | None = None
) -> tuple[Pairs, list[str]]:
    """Read the pairs of a file, and say in sentences which rows were left out; see `gather`. cache: as above.

    Raises:
        InputError: the file, a row or a value is not as expected, or no pair is left.

    """
    files = files_of(path, FORMATS)
    for file in files:
        if format_of(file, how.format if how else None) != "plain":
            continue
        raise InputError(
            f"{file}: plain text has no two columns; expected CSV, TSV, JSONL or Parquet with {columns.source!r} and "
            f"{columns.target!r}: if it is one of them, say so with --format"
        )
    return gather(read_columns(path, columns.asked, how, cache.store(files) if cache else MEMORY))


def _kind(columns: PairColumns, how: ReadOptions | None, cache: Caching | None) -> Kind[Pairs]:
    return Kind(lambda path: read_pairs(path, columns, how, cache), split_pairs, among, "source")


def _columns(options: Mapping[str, Any]) -> PairColumns:
    return PairColumns(*(options[name] for name in PairColumns._fields))


def _kind_of(options: Mapping[str, Any]) -> Kind[Pairs]:
    return _kind(_columns(options), read_options(options), caching(options))


SOURCE = Source(_kind_of, open_data)
