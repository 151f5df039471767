"""The sentences of a run: a built-in set or files, and whether they can be learned from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cellwright.data import datasets
from cellwright.data.checks import check_splits
from cellwright.data.column import Names
from cellwright.data.labels import spellings
from cellwright.data.lists import Lists, frequencies
from cellwright.data.readers.series_options import names_of
from cellwright.data.readers.several import files_of
from cellwright.data.readers.tagged import FORMATS, read_tagged
from cellwright.data.sentences import SENTENCES, Sentences, among, split_sentences, with_tokens
from cellwright.data.splits import Given, Kind, SplitOptions, Splits, open_splits
from cellwright.errors import InputError
from cellwright.tasks.files import caching
from cellwright.tasks.splits import Source
from cellwright.tasks.tag.config import TagConfig

OF_FILES = dict.fromkeys(
    ("tokens", "tags", "sentence_label", "feature_columns", "format", "cache", *SplitOptions._fields)
)
"""Options that say how files are read, and nothing of a built-in set: None where they are not given."""


def load_splits(config: TagConfig, given: Given[Sentences] | None = None) -> Splits[Sentences]:
    """Return "train", "validation" and "test". Raises InputError for what cannot be learned from.

    given: sentences in memory, in place of DATA.
    """
    if given is not None:
        return given.splits
    splits = SOURCE.for_training(config, OF_FILES)
    train = splits["train"]
    check_splits(splits, train.source, "sentence")
    for kind, found in (("tag", set(frequencies(train.tags))), ("label", set(train.labels or "ab"))):
        if len(found) < 2:
            raise InputError(
                f"{train.source}: every {kind} of the training sentences is {found.pop()!r}; expected at least two to "
                "tell apart"
            )
    return splits


def open_data(data: str, options: Mapping[str, Any]) -> Splits[Sentences]:
    """Return the splits of a built-in set or of files.

    options: `tokens`, `tags`, `sentence_label`, `feature_columns`, `encoding`, `format` of `TagConfig`, and its
    `HeldOut`; a split that has a file of its own is the whole of it. Raises InputError.
    """
    if data in datasets.names():
        built_in: Splits[Sentences] = datasets.load(data, SENTENCES)
        return built_in
    return open_splits(data, _kind_of(options), SplitOptions.of(options))


def _kind_of(options: Mapping[str, Any]) -> Kind[Sentences]:
    return Kind(
        read=lambda path: _read(path, options),
        split=split_sentences,
        among=among,
        one="sentence",
        scorable=with_tokens,
    )


def _read(path: str, options: Mapping[str, Any]) -> tuple[Sentences, list[str]]:
    """Read all sentences of a file, tags and labels in one spelling each, which is said. Raises InputError."""
    sets = datasets.names(SENTENCES)
    sentences = read_tagged(
        path,
        tokens=options["tokens"],
        tags=options["tags"],
        label=options["sentence_label"],
        encoding=options["encoding"],
        format=options["format"],
        built_in=sets,
        features=names_of(options["feature_columns"]),
        store=caching(options).store(files_of(path, FORMATS, sets, folder=False)),
    )
    tags, labels = sentences.tags, sentences.labels
    assert isinstance(tags, Lists)  # as readers hand them out
    spelling, notes = spellings(frequencies(tags), path, "tag", "word")
    if isinstance(labels, Names):
        spelling_of_labels, said = spellings(labels.counted(), path, row="sentence")
        labels, notes = labels.renamed(spelling_of_labels), notes + said
    return replace(sentences, tags=tags.renamed(spelling), labels=labels), notes


SOURCE = Source(_kind_of, open_data)
