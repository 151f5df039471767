"""Words to numbers, each by itself and by its characters, and batches of sentences of them."""

import json
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, count
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellwright.data.batches import filled, padded
from cellwright.data.compatible import Compatible
from cellwright.data.sentences import Featured, Features, Words, tokens_of
from cellwright.data.special_tokens import KNOWN, UNKNOWN
from cellwright.data.unseen import Unseen
from cellwright.errors import InputError
from cellwright.stages import staged

Value = TypeVar("Value")

REMEMBERED = 100_000  # words whose numbers are looked up once: a text repeats most of its words
MOST_CHARACTERS = 32  # of a word that is longer, the first half of them and the last: a link must not widen its batch


class Spellings(NamedTuple):
    """F different words as they are spelled, in at most C characters."""

    characters: Tensor
    """(F, C) int64, zero beyond each length."""
    lengths: Tensor
    """(F) int64, at least 1."""


class WordExample(NamedTuple):
    """A sentence of T words as numbers."""

    words: NDArray[np.int64]
    """(T)"""
    forms: NDArray[np.int64]
    """(T), the row of each word in `spellings`."""
    spellings: Spellings
    """Of this sentence and those that were numbered with it."""
    tags: NDArray[np.int64] | None
    """(T)"""
    label: int | None
    features: NDArray[np.int64] | None = None
    """(T, K), a number of each of K columns."""


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
        tokens = Counter(chain.from_iterable(map(tokens_of, sentences)))
        said = [each for words in sentences if isinstance(words, Featured) for each in words.features]
        words: Counter[str] = Counter()
        characters: set[str] = set()
        for token, times in tokens.items():
            words[normal(token)] += times
            characters.update(token)
        frequent = sorted(words.items(), key=lambda item: (-item[1], item[0]))[: size - KNOWN]
        known = [word for word, times in frequent if times >= min_frequency]
        return cls(known, sorted(characters), [sorted(set(column)) for column in zip(*said, strict=True)])

    def __contains__(self, token: str) -> bool:
        return normal(token) in self._words

    def words(self, tokens: Iterable[str]) -> list[int]:
        """Return the number of each word."""
        return [self._numbers(token)[0] for token in tokens]

    def spelling(self, token: str) -> tuple[int, ...]:
        """Return the numbers of a word's characters; an empty one counts as an unknown character."""
        return self._numbers(token)[1]

    def unseen(self, sentences: Sequence[Words]) -> list[Unseen]:
        """Count the words that it lacks, which are known by their characters alone; characters, and features, likewise.

        A feature that a sentence leaves out counts as lacking.
        """
        words, characters, features = Unseen("words"), Unseen("characters"), Unseen("features")
        for token in chain.from_iterable(map(tokens_of, sentences)):
            number, spelling = self._numbers(token)
            words.total += 1
            characters.total += len(token)
            if number == UNKNOWN:
                words.lacks[token] += 1
            if UNKNOWN in spelling:
                characters.lacks.update(c for c in self._compatible.read(token) if c not in self._characters)
            characters.forms |= self._compatible.changed(token)
        for each in chain.from_iterable(map(self._features_of, sentences)):
            features.total += len(each)
            features.lacks.update(v or "none" for v, known in zip(each, self._values, strict=True) if v not in known)
        return [words, characters, features] if self.features else [words, characters]

    def examples(
        self,
        sentences: Sequence[Words],
        tags: Sequence[Sequence[int] | None] | None = None,
        labels: Sequence[int | None] | None = None,
    ) -> list[WordExample]:
        """Return sentences as numbers, those that go into a batch together at once: they share their spellings."""
        rows: defaultdict[tuple[int, ...], int] = defaultdict(count().__next__)  # of spellings, as they are first seen
        cut = list(map(tokens_of, sentences))
        forms = [_array(rows[self.spelling(token)] for token in tokens) for tokens in cut]
        spellings = Spellings(*padded(list(rows) or [(UNKNOWN,)]))
        rows_of_tags = [None] * len(sentences) if tags is None else tags
        said = [None] * len(sentences) if labels is None else labels
        each = zip(cut, forms, rows_of_tags, said, map(self._numbered, sentences), strict=True)
        return [
            WordExample(_array(self.words(tokens)), form, spellings, None if row is None else _array(row), label, found)
            for tokens, form, row, label, found in each
        ]

    def _numbered(self, words: Words) -> NDArray[np.int64] | None:
        """The numbers of a sentence's features (T, K), UNKNOWN where one is new or not given."""
        if not self.features:
            return None
        rows = [
            [known.get(v, UNKNOWN) for v, known in zip(each, self._values, strict=True)]
            for each in self._features_of(words)
        ]
        return np.array(rows, np.int64).reshape(len(words), len(self.features))

    def _features_of(self, words: Words) -> Sequence[Features]:
        """Those of each word, as many as the lexicon knows columns; nothing is said where there are none."""
        nothing = ("",) * len(self.features)
        if not isinstance(words, Featured):
            return [nothing] * len(words)
        return [(*each, *nothing)[: len(nothing)] for each in words.features]

    def _number(self, token: str) -> tuple[int, tuple[int, ...]]:
        half, read = MOST_CHARACTERS // 2, self._compatible.read(token)
        shown = read if len(read) <= MOST_CHARACTERS else read[:half] + read[-half:]
        spelling = tuple(self._characters.get(character, UNKNOWN) for character in shown) or (UNKNOWN,)
        return self._words.get(normal(token), UNKNOWN), spelling

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
    return "".join("0" if character.isdigit() else character for character in folded)


def collate_words(examples: Sequence[WordExample]) -> WordBatch:
    """Pad sentences to the longest and spell each word once.

    Raises ValueError if only some of the sentences have tags, or labels, or if they were not numbered together.
    """
    known = examples[0].spellings
    if any(example.spellings is not known for example in examples):
        raise ValueError("collate: sentences of several calls of Lexicon.examples; expected those of one")
    tags = _all_or_none("tags", [example.tags for example in examples])
    labels = _all_or_none("a label", [example.label for example in examples])
    lengths = np.array([len(example.words) for example in examples], np.int64)
    rows, forms = np.unique(np.concatenate([example.forms for example in examples]), return_inverse=True)
    here = torch.from_numpy(rows if len(rows) else np.zeros(1, np.int64))
    spelled = known.lengths[here]
    return WordBatch(
        words=filled(np.concatenate([example.words for example in examples]), lengths),
        lengths=torch.from_numpy(lengths),
        spellings=known.characters[:, : spelled.max()].index_select(0, here),
        spelled=spelled,
        forms=filled(forms, lengths),
        tags=None if tags is None else filled(np.concatenate(tags), lengths),
        labels=None if labels is None else torch.tensor(labels, dtype=torch.int64),
        features=_features([example.features for example in examples], lengths),
    )


def _features(rows: Sequence[NDArray[np.int64] | None], lengths: NDArray[np.int64]) -> Tensor | None:
    """(T, K) of each sentence -> (B, T, K), or None."""
    found = _all_or_none("features", rows)
    if found is None:
        return None
    return torch.stack([filled(column, lengths) for column in np.concatenate(found).T], dim=-1)


def _array(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(numbers, np.int64)


def _all_or_none(what: str, values: Sequence[Value | None]) -> list[Value] | None:
    given = [value for value in values if value is not None]
    if given and len(given) < len(values):
        raise ValueError(f"collate: {len(given)} of {len(values)} sentences have {what}; expected all or none")
    return given or None
