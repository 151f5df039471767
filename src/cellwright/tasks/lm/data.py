"""Texts without labels, for a language model: a built-in set or files.

A file of plain text is one text: its end is kept for validation and test. A table (CSV, TSV, JSONL, Parquet) has a text
a row and a folder a text a file, as several files of plain text are one each; each goes to a split by its hash as for
every other task. So a split is a Table, and each of its rows a document.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cellwright.data import datasets
from cellwright.data.arrays import MEMORY
from cellwright.data.cache import Caching
from cellwright.data.datasets.dataset import TEXTS
from cellwright.data.documents import Documents
from cellwright.data.hash_split import split_table
from cellwright.data.position_split import SHARE, split_by_position
from cellwright.data.readers import FORMATS
from cellwright.data.readers.documents import is_one_text, read_documents
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.several import files_of
from cellwright.data.source import kind_of, open_source
from cellwright.data.splits import SHARE as HASHED_SHARE
from cellwright.data.splits import Kind, SplitOptions, Splits, open_splits
from cellwright.data.table import TEXT, Table
from cellwright.errors import InputError
from cellwright.tasks.files import OF_CACHED_FILES, caching, read_options
from cellwright.tasks.lm.config import LanguageConfig
from cellwright.tasks.splits import Source, refuse_for_a_set

WITHIN = "the training side: "
"""Salt of the hash by which the training split is split again; another wording would draw other rows."""
HELD_OUT = 2 * HASHED_SHARE
"""Share that other tasks hold out where nobody says, for validation and test together."""


def load_splits(config: LanguageConfig) -> Splits[Table]:
    """Return "train", "validation" and "test" of what a run is to learn from. Raises InputError."""
    options = config.model_dump()
    # Who reads the training split alone splits it again, that of a set too.
    if not config.resume and not config.train_split_only:
        refuse_for_a_set(config.data, options, OF_CACHED_FILES)
    return open_data(config.data, options)


def open_data(data: str, options: Mapping[str, Any]) -> Splits[Table]:
    """Return the splits of what a user names as DATA, by the options of a run. Raises InputError."""
    how, splits = read_options(options), SplitOptions.of(options)
    if not options.get("train_split_only"):
        return open_texts(data, text=options["text"], how=how, splits=splits, cache=caching(options))
    held_out = HELD_OUT if options.get("held_out") is None else options["held_out"]
    return open_training_split(
        data, text=options["text"], how=how, splits=splits, held_out=held_out, cache=caching(options)
    )


def open_texts(
    data: str,
    *,
    text: str = TEXT,
    how: ReadOptions | None = None,
    splits: SplitOptions | None = None,
    cache: Caching | None = None,
) -> Splits[Table]:
    """Return "train", "validation" and "test" of a built-in set or of a file.

    Args:
        data: a set's name, which means the set whatever lies in the working folder, or the path of a file.
        text: the column of the texts, in a table.
        how: how the file is written; without a format that is as the suffix says, and plain text for any other suffix.
        splits: what is held out, a twentieth each where nobody says; a built-in set has its own splits.
        cache: which files do not lie in memory; None: none.

    Raises:
        InputError: neither a set nor a file, a file that is not as expected, nothing to train on.

    """
    if data in datasets.names():
        built_in: Splits[Table] = datasets.load(data)
        return built_in
    files = files_of(data, FORMATS, datasets.names(TEXTS))
    kind = _kind(text, how, cache)
    if len(files) == 1 and is_one_text(files[0], how):
        kind = replace(kind, split=_by_position)
    return open_splits(data, kind, splits or SplitOptions(), SHARE)


def open_training_split(
    data: str,
    *,
    text: str = TEXT,
    how: ReadOptions | None = None,
    splits: SplitOptions | None = None,
    held_out: float = HELD_OUT,
    cache: Caching | None = None,
) -> Splits[Table]:
    """Return the splits of the training split of a table or set, as tasks with labels split it; the rest is never seen.

    `held_out` is the share of a file that these tasks hold out, `splits` what is held out of the rest. Other arguments
    and errors as for `open_texts`; a plain text is an error too.
    """
    files = [] if data in datasets.names() else files_of(data, FORMATS, datasets.names(TEXTS))
    if len(files) == 1 and is_one_text(files[0], how):
        raise InputError(
            f"{data}: one text, of which no row is in the training split; expected a table or a built-in set: leave "
            "--train-split-only out"
        )
    theirs = SplitOptions(validation_share=0.0, test_share=held_out)
    found = open_source(data, text=text, label=None, how=how, splits=theirs, cache=cache)
    shares = (splits or SplitOptions()).shares(SHARE)
    within = split_table(found["train"], validation=shares["validation"], test=shares["test"], salt=WITHIN)
    within.without = frozenset(split for split, share in shares.items() if not share)
    others = sum(len(table) for split, table in found.items() if split != "train")
    within.notes[:] = [*found.notes, f"{others:,} texts of the validation and test splits left alone"]
    return within


def _by_position(table: Table, **shares: float) -> Splits[Table]:
    return split_by_position(Documents.of(table.texts), table.source, **shares)


def _kind(text: str, how: ReadOptions | None, cache: Caching | None) -> Kind[Table]:
    def noted(path: str) -> tuple[Table, list[str]]:
        store = cache.store(files_of(path, FORMATS, datasets.names(TEXTS))) if cache else MEMORY
        table = read_documents(path, text=text, how=how, store=store)
        return table, table.notes

    return replace(kind_of(text, None, how), read=noted)


def _kind_of(options: Mapping[str, Any]) -> Kind[Table]:
    return _kind(options["text"], read_options(options), caching(options))


SOURCE = Source(_kind_of, open_data)
