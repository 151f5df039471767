"""Sentences of tagged tokens, where each stood in its file, and their splits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import OnDemand, rows_where, store_of
from cellwright.data.column import taken
from cellwright.data.hash_split import check_shares, hashed, rows_of_splits, texts_among
from cellwright.data.lists import filled, lengths_of
from cellwright.data.splits import SHARE, SPLITS, Splits
from cellwright.data.wording import counted, place

SENTENCES = "tagged sentences"
"""What a built-in set of them holds."""


Features = tuple[str, ...]
"""Of a word: a value of each further column, empty where nothing is said."""


@dataclass(frozen=True)
class Featured:
    """A sentence whose words come with features, as many of each."""

    tokens: list[str]
    features: list[Features]

    def __len__(self) -> int:
        return len(self.tokens)

    def __iter__(self) -> Iterator[str]:
        """Its words alone."""
        return iter(self.tokens)


Words = Sequence[str] | Featured
"""A sentence as a tagger is told it."""


def tokens_of(words: Words) -> Sequence[str]:
    """The words alone."""
    return words.tokens if isinstance(words, Featured) else words


@dataclass(frozen=True)
class Sentences:
    """N sentences in the order of their file; the columns run side by side.

    Each sentence of `tokens` has as many `tags`. `labels` says one thing of each whole sentence, None where nobody
    asked for it. `lines` holds the line on which a sentence begins, counted from 1; `source` is the file or the
    built-in set. `features` are those of each token, None where no columns were asked for. `notes` say what nobody had
    said of the file, in sentences."""

    tokens: Sequence[list[str]]
    tags: Sequence[list[str]]
    labels: Sequence[str] | None
    lines: Sequence[int | str]
    source: str
    unit: str = "line"
    features: Sequence[list[Features]] | None = None
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        sizes = {
            len(column)
            for column in (self.tokens, self.tags, self.labels, self.lines, self.features)
            if column is not None
        }
        if len(sizes) > 1:
            raise ValueError(f"Sentences: lists of {sorted(sizes)} sentences; expected as many of each")
        tokens, tags = lengths_of(self.tokens), lengths_of(self.tags)
        for row in rows_where(len(self), lambda part: tokens[part] != tags[part])[:1].tolist():
            raise ValueError(f"{self.where(row)}: {tokens[row]} tokens and {tags[row]} tags; expected as many")

    def __len__(self) -> int:
        return len(self.tokens)

    def where(self, index: int) -> str:
        """Say where a sentence stood, `news.conll, line 7`, to begin a message with."""
        return place(self.source, self.unit, self.lines[index])

    def take(self, indices: Iterable[int] | NDArray[np.int64], key: object = None) -> "Sentences":
        """Return the sentences with these indices, in this order; key: as of `Table.take`."""
        rows = indices if isinstance(indices, np.ndarray) else np.array(list(indices), np.int64)
        store = store_of(self.tokens).of(lambda: key)
        return Sentences(
            tokens=taken(self.tokens, rows, store),
            tags=taken(self.tags, rows, store),
            labels=None if self.labels is None else taken(self.labels, rows, store),
            lines=taken(self.lines, rows, store),
            source=self.source,
            unit=self.unit,
            features=None if self.features is None else taken(self.features, rows, store),
        )

    @property
    def told(self) -> Sequence[Words]:
        """What a tagger is told of each."""
        return self.tokens if self.features is None else _Told(self.tokens, self.features)

    @property
    def texts(self) -> Sequence[str]:
        """The tokens of each with blanks between them, by which it is shared out and compared."""
        return _Spaced(self.tokens)


class _Told(OnDemand[Words]):
    """Words with their features."""

    called = "sentence"

    def __init__(self, tokens: Sequence[list[str]], features: Sequence[list[Features]]) -> None:
        self._tokens, self._features, self.store = tokens, features, store_of(tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def __iter__(self) -> Iterator[Words]:
        return (Featured(*each) for each in zip(self._tokens, self._features, strict=True))

    def _item(self, index: int) -> Words:
        return Featured(self._tokens[index], self._features[index])

    def _items(self, part: slice) -> list[Words]:
        return list(_Told(self._tokens[part], self._features[part]))


class _Spaced(OnDemand[str]):
    """Words with blanks between them."""

    called = "sentence"

    def __init__(self, tokens: Sequence[list[str]]) -> None:
        self._tokens, self.store = tokens, store_of(tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def _item(self, index: int) -> str:
        return " ".join(self._tokens[index])

    def _items(self, part: slice) -> list[str]:
        return list(map(" ".join, self._tokens[part]))


def split_sentences(sentences: Sentences, *, validation: float = SHARE, test: float = SHARE) -> Splits[Sentences]:
    """Give each sentence to one split, by the hash of its tokens, as `data.hash_split` does with texts.

    Sentences without a token are left out, and counted in the notes. One that stands several times stays as often, on
    one split.

    Raises:
        ValueError: the shares do not leave anything for training.

    """
    check_shares(validation, test)
    store, kept = store_of(sentences.tokens), lengths_of(sentences.tokens) > 0
    rows = rows_of_splits(hashed(sentences.texts), kept, validation, test, store)
    splits = {split: sentences.take(rows[split], key=[split, validation, test]) for split in SPLITS}
    return Splits(splits, _without_tokens(sentences))


def with_tokens(sentences: Sentences) -> tuple[Sentences, list[str]]:
    """Return the sentences that hold a token, and a note on those that hold none."""
    rows = filled(sentences.tokens, store_of(sentences.tokens))
    return sentences.take(rows, key="with tokens"), _without_tokens(sentences)


def among(sentences: Sentences, others: Sentences) -> int:
    """Count the sentences whose tokens are those of one of the others."""
    return texts_among(sentences.texts, others.texts)


def _without_tokens(sentences: Sentences) -> list[str]:
    """A note on the sentences that are left out, if there are any."""
    lengths = lengths_of(sentences.tokens)
    empty = rows_where(len(sentences), lambda part: lengths[part] == 0)
    if not len(empty):
        return []
    first = sentences.where(int(empty[0]))
    return [f"{counted(len(empty), 'sentence')} without a token left out, the first on {first}"]
