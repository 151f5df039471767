"""Words to numbers, each by itself and by its characters, and batches of sentences of them."""

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain, count, islice, repeat
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from cellwright.data.arrays import Growing, OnDemand, ends_of, store_of, stretch
from cellwright.data.batches import filled
from cellwright.data.compatible import Compatible
from cellwright.data.lists import lengths_of
from cellwright.data.sentences import Featured, Features, Words, tokens_of
from cellwright.data.special_tokens import KNOWN, UNKNOWN
from cellwright.data.token_rows import TokenRows, narrow
from cellwright.data.unseen import Unseen
from cellwright.errors import InputError
from cellwright.stages import stage, staged

REMEMBERED = 100_000  # words whose numbers are looked up once: a text repeats most of its words
MOST_CHARACTERS = 32  # of a word that is longer, the first half of them and the last: a link must not widen its batch
TOGETHER = 1000
"""Sentences that are numbered at once."""


class WordExample(NamedTuple):
    """A sentence of T words as numbers."""

    words: Sequence[int]
    """(T), an array as all of them."""
    forms: Sequence[int]
    """(T), the row of each word in `spellings`."""
    spellings: TokenRows
    """F different words as the numbers of their characters, of this sentence and those that were numbered with it."""
    tags: Sequence[int] | None
    """(T)"""
    label: int | None
    features: NDArray[np.int32] | None = None
    """(T, K), a number of each of K columns."""


class WordRows(OnDemand[WordExample]):
    """N sentences as numbers, put together of arrays when they are asked for."""

    called = "sentence"

    def __init__(
        self,
        words: TokenRows,
        forms: NDArray[np.int32],
        spellings: TokenRows,
        features: Sequence[NDArray[np.int32]],
        tags: TokenRows | None,
        labels: NDArray[np.integer] | None,
    ) -> None:
        """forms: of all words; features: of each of K columns those of all words; else as of an example.

        Many arguments: what is known of a sentence.
        """
        self._words, self._forms, self._spellings, self._features = words, forms, spellings, features
        self._tags, self._labels = tags, labels

    def costs(self) -> NDArray[np.integer]:
        """(N,) words of each sentence."""
        return self._words.lengths

    def __len__(self) -> int:
        return len(self._words)

    def _item(self, index: int) -> WordExample:
        begin, end = stretch(self._words.ends, index)
        return WordExample(
            self._words[index],
            cast("Sequence[int]", self._forms[begin:end]),
            self._spellings,
            None if self._tags is None else self._tags[index],
            None if self._labels is None else int(self._labels[index]),
            np.stack([each[begin:end] for each in self._features], axis=-1) if self._features else None,
        )


class WordBatch(NamedTuple):
    """B sentences of at most T words, among which are U different spellings of at most C characters."""

    words: Tensor
    """(B, T) int64, zero beyond each length; T is at least 1."""
    lengths: Tensor
    """(B) int64"""
    spellings: Tensor
    """(U, C) int64, zero beyond each length: a word that stands twice is spelled once."""
    spelled: Tensor
    """(U) int64, the characters of each, at least 1."""
    forms: Tensor
    """(B, T) int64, the row in `spellings` of each word; any row beyond a length."""
    tags: Tensor | None
    """(B, T) int64, zero beyond each length."""
    labels: Tensor | None
    """(B) int64"""
    features: Tensor | None = None
    """(B, T, K) int64, zero beyond each length; None where the lexicon knows none."""


class _Known(NamedTuple):
    """What a lexicon says of a word."""

    number: int
    spelling: tuple[int, ...]
    plain: bool
    """Whether it knows the word and all its characters as they stand, so that nothing of it is unseen."""


class Lexicon:
    """Numbers of words and of characters: 0 pads, 1 stands for what training did not see often enough.

    >>> lexicon = Lexicon.train([["Fly", "to", "Boston"]], size=20_000, min_frequency=1)
    >>> lexicon.words(["fly", "there"])
    [3, 1]
    >>> lexicon.spelling("fly")  # the small f was not seen
    (1, 4, 9)

    Words are looked up in small letters, with compatible characters as one (NFKC: full-width digits, ligatures) and any
    digit as 0; their characters are spelled as they stand, one that training never saw as its compatible one.
    """

    def __init__(
        self, vocabulary: Sequence[str], alphabet: Sequence[str], features: Sequence[Sequence[str]] = ()
    ) -> None:
        """Number words, characters, and the values of each column of features from KNOWN on, in this order."""
        self.features = [list(values) for values in features]
        self._values = [{value: number for number, value in enumerate(each, start=KNOWN)} for each in self.features]
        self.vocabulary, self.alphabet = list(vocabulary), list(alphabet)
        self._words = {word: number for number, word in enumerate(self.vocabulary, start=KNOWN)}
        self._characters = {character: number for number, character in enumerate(self.alphabet, start=KNOWN)}
        self._compatible = Compatible(self.alphabet)
        self._numbers = lru_cache(REMEMBERED)(self._number)

    @classmethod
    @staged(lambda *_, **__: "collecting the words of the training sentences")
    def train(cls, sentences: Sequence[Words], *, size: int, min_frequency: int) -> "Lexicon":
        """Collect all characters and features, and the most frequent words: `size`, with the two special ones, at most.

        A word is seen `min_frequency` times at least.

        The same for the same sentences, in whatever order they stand.
        """
        tokens: Counter[str] = Counter()
        columns: list[set[str]] = []
        for each in sentences:
            tokens.update(tokens_of(each))
            for features in each.features if isinstance(each, Featured) else ():
                columns = columns or [set() for _ in features]
                for column, value in zip(columns, features, strict=True):
                    column.add(value)
        words: Counter[str] = Counter()
        characters: set[str] = set()
        for token, times in tokens.items():
            words[normal(token)] += times
            characters.update(token)
        frequent = sorted(words.items(), key=lambda item: (-item[1], item[0]))[: size - KNOWN]
        known = [word for word, times in frequent if times >= min_frequency]
        return cls(known, sorted(characters), list(map(sorted, columns)))

    def __contains__(self, token: str) -> bool:
        return normal(token) in self._words

    def words(self, tokens: Iterable[str]) -> list[int]:
        """Return the number of each word."""
        return [self._numbers(token).number for token in tokens]

    def spelling(self, token: str) -> tuple[int, ...]:
        """Return the numbers of a word's characters; an empty one counts as an unknown character."""
        return self._numbers(token).spelling

    def unseen(self, sentences: Sequence[Words]) -> list[Unseen]:
        """Count the words that it lacks, which are known by their characters alone; characters, and features, likewise.

        A feature that a sentence leaves out counts as lacking.
        """
        words, characters, features = Unseen("words"), Unseen("characters"), Unseen("features")
        counts = Counter(chain.from_iterable(map(tokens_of, sentences)))
        words.total = counts.total()
        characters.total = sum(len(token) * times for token, times in counts.items())
        for token, times in counts.items():
            number, spelling, plain = self._numbers(token)
            if plain:
                continue
            if number == UNKNOWN:
                words.lacks[token] += times
            if UNKNOWN in spelling:
                for character in self._compatible.read(token):
                    if character not in self._characters:
                        characters.lacks[character] += times
            characters.forms |= self._compatible.changed(token)
        if not self.features:
            return [words, characters]
        for each in chain.from_iterable(map(self._features_of, sentences)):
            features.total += len(each)
            features.lacks.update(v or "none" for v, known in zip(each, self._values, strict=True) if v not in known)
        return [words, characters, features]

    def examples(
        self,
        sentences: Sequence[Words],
        tags: Sequence[Sequence[int]] | None = None,
        labels: Sequence[int] | NDArray[np.integer] | None = None,
    ) -> WordRows:
        """Return sentences as numbers, where they lie; those that go into a batch together at once.

        Raises ValueError for other than a tag for each word and a label for each sentence.
        """
        store = store_of(sentences).of(lambda: ["words", self.to_json()])
        kinds: dict[str, DTypeLike] = {
            "words": narrow(len(self.vocabulary) + KNOWN), "lengths": np.int32, "forms": np.int32,
            "spelled": narrow(len(self.alphabet) + KNOWN), "spellings": np.int32,
        }  # fmt: skip
        columns = [f"feature{number}" for number in range(len(self.features))]
        made = store.made("words", kinds | dict.fromkeys(columns, np.int32), partial(self._fill, sentences)).arrays
        words = TokenRows(made["words"], ends_of(made["lengths"], store), made["lengths"])
        rows = tags if tags is None or isinstance(tags, TokenRows) else TokenRows.of(tags)
        if rows is not None and not np.array_equal(rows.lengths, words.lengths):
            raise ValueError("Lexicon.examples: other tags than words; expected one for each")
        if labels is not None and len(labels) != len(words):
            raise ValueError(f"Lexicon.examples: {len(labels)} labels of {len(words)} sentences; expected one for each")
        spellings = TokenRows(made["spelled"], ends_of(made["spellings"], store), made["spellings"])
        said = None if labels is None else np.asarray(labels)
        return WordRows(words, made["forms"], spellings, [made[column] for column in columns], rows, said)

    def _fill(self, sentences: Sequence[Words], growing: Growing) -> None:
        """Number words, and spell each different one where it stands first."""
        rows: defaultdict[tuple[int, ...], int] = defaultdict(count().__next__)  # of spellings, as they are first seen
        there = growing.rows
        with stage("numbering the words of sentences", len(sentences)) as done:
            # Those that are there are looked at too, so that each spelling has the number that it had.
            for begin, end in [*_pieces(0, there), *_pieces(there, len(sentences))]:
                some, known = sentences[begin:end], len(rows)
                cut = list(map(tokens_of, some))
                tokens = list(chain.from_iterable(cut))
                different = {token: self._numbers(token) for token in dict.fromkeys(tokens)}
                form = {token: rows[of.spelling] for token, of in different.items()}
                done(end - begin)
                if end <= there:
                    continue
                new = list(islice(reversed(rows), len(rows) - known))[::-1]
                if not rows and end == len(sentences):
                    new = [(UNKNOWN,)]  # a batch without words spells one all the same
                arrays: dict[str, NDArray[Any]] = {
                    "words": np.fromiter((different[token].number for token in tokens), np.int64, len(tokens)),
                    "lengths": lengths_of(cut),
                    "forms": np.fromiter(map(form.__getitem__, tokens), np.int64, len(tokens)),
                    "spelled": np.array([number for spelling in new for number in spelling], np.int64),
                    "spellings": lengths_of(new),
                }
                growing.append(end - begin, arrays | self._numbered(some))

    def _numbered(self, sentences: Sequence[Words]) -> dict[str, NDArray[Any]]:
        """The numbers of all words' features, a column each, UNKNOWN where one is new or not given."""
        if not self.features:
            return {}
        said = list(chain.from_iterable(map(self._features_of, sentences)))
        return {
            f"feature{column}": np.array([known.get(each[column], UNKNOWN) for each in said], np.int64)
            for column, known in enumerate(self._values)
        }

    def _features_of(self, words: Words) -> Sequence[Features]:
        """Those of each word, as many as the lexicon knows columns; nothing is said where there are none."""
        nothing = ("",) * len(self.features)
        if not isinstance(words, Featured):
            return [nothing] * len(words)
        return [(*each, *nothing)[: len(nothing)] for each in words.features]

    def _number(self, token: str) -> _Known:
        half, read = MOST_CHARACTERS // 2, self._compatible.read(token)
        shown = read if len(read) <= MOST_CHARACTERS else read[:half] + read[-half:]
        spelling = tuple(map(self._characters.get, shown, repeat(UNKNOWN))) or (UNKNOWN,)
        number = self._words.get(normal(token), UNKNOWN)
        plain = shown == token and UNKNOWN not in (number, *spelling)
        return _Known(number, spelling, plain)

    def to_json(self) -> str:
        """Return both lists as JSON."""
        content = {"words": self.vocabulary, "characters": self.alphabet}
        features = {"features": self.features} if self.features else {}
        return json.dumps(content | features, ensure_ascii=False, indent=0) + "\n"

    @classmethod
    def from_json(cls, content: str | bytes, where: str) -> "Lexicon":
        """Make the lexicon of `to_json`. Raises InputError, which begins with `where`."""
        try:
            read = json.loads(content)
            lists = [read["words"], read["characters"], *read.get("features", [])]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{where}: no list of words and characters ({error}); copy the run folder again") from None
        if not all(isinstance(each, list) and all(isinstance(item, str) for item in each) for each in lists):
            raise InputError(f"{where}: holds other things than strings; copy the run folder again")
        return cls(lists[0], lists[1], lists[2:])


def normal(token: str) -> str:
    """Return how a word is looked up: in small letters, compatible characters as one, any digit as 0."""
    folded = unicodedata.normalize("NFKC", token).lower()
    if folded.isalpha():  # as most are: no digit to look for
        return folded
    return "".join("0" if character.isdigit() else character for character in folded)


def collate_words(examples: Sequence[WordExample]) -> WordBatch:
    """Pad sentences to the longest and spell each word once. Raises ValueError if they were not numbered together."""
    first = examples[0]
    if any(example.spellings is not first.spellings for example in examples):
        raise ValueError("collate: sentences of several calls of Lexicon.examples; expected those of one")
    lengths = np.array([len(example.words) for example in examples], np.int64)
    rows, forms = np.unique(np.concatenate([example.forms for example in examples]), return_inverse=True)
    spellings = first.spellings.take(rows if len(rows) else np.zeros(1, np.int64))
    tags = [example.tags for example in examples if example.tags is not None]
    labels = [example.label for example in examples if example.label is not None]
    spelled = spellings.lengths.astype(np.int64)
    return WordBatch(
        words=filled(np.concatenate([example.words for example in examples]), lengths),
        lengths=torch.from_numpy(lengths),
        spellings=filled(spellings.numbers, spelled),
        spelled=torch.from_numpy(spelled),
        forms=filled(forms, lengths),
        tags=filled(np.concatenate(tags), lengths) if tags else None,
        labels=torch.tensor(labels, dtype=torch.int64) if labels else None,
        features=_features([example.features for example in examples if example.features is not None], lengths),
    )


def _features(rows: Sequence[NDArray[np.int32]], lengths: NDArray[np.int64]) -> Tensor | None:
    """(T, K) of each sentence -> (B, T, K), or None."""
    if not rows:
        return None
    return torch.stack([filled(column, lengths) for column in np.concatenate(rows).T], dim=-1)


def _pieces(begin: int, end: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + TOGETHER, end)) for start in range(begin, end, TOGETHER))
