"""Texts to token numbers and back, on Hugging Face `tokenizers`.

Five kinds: a token is a character (a code point), a character or a feature of `data.symbols`, a word, whatever stands
between white space, or a piece found by byte pair encoding. All read a text in Unicode's composed form (NFC): é is one
token however it was typed; and a character that training never saw as its compatible one (`data.compatible`). The file
that `save` writes is that library's own `tokenizer.json`.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

from cellwright.data.arrays import CHUNK, Growing, ends_of, store_of
from cellwright.data.characters import NumberedCharacters
from cellwright.data.column import BYTES, Column, encoded, portions
from cellwright.data.compatible import MARK, SURROGATE, Compatible, Span
from cellwright.data.parts import NumberedParts, count_parts
from cellwright.data.special_tokens import KNOWN, PADDING, UNKNOWN
from cellwright.data.token_rows import TokenRows, narrow
from cellwright.data.unseen import Unseen
from cellwright.errors import InputError
from cellwright.stages import stage, staged

LIBRARY = f"tokenizers {tokenizers.__version__}"
CHARACTERS = "characters"
FEATURED = "characters+features"
"""Kind whose tokens are the characters of a text, and whole the features behind it."""
TOGETHER = 10_000
"""Texts that are encoded at once: of each the library holds some kilobytes until all are done."""
KEPT = 2**16
"""Different parts of texts between blanks whose numbers a tokenizer keeps from call to call."""
_SPECIAL = {PADDING: "<pad>", UNKNOWN: "<unk>"}

# Han, kana, Thai, Lao, Burmese and Khmer are written without spaces between words.
UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
)
_LOOKS_SPECIAL = Regex("<(?=(pad|unk)>)")


@dataclass(frozen=True)
class _Recipe:
    """How one kind cuts a text: every part is a function, since the library's objects are mutable."""

    normalizer: Callable[[], Any]
    pre_tokenizer: Callable[[], Any]
    model: Callable[[], Any]
    trainer: Callable[..., Any]
    decoder: Callable[[], Any] | None
    smallest: int
    parts: str
    """What its tokens are, in a sentence."""
    by_parts: bool = False
    """Whether no token, and no rule that makes one, reaches across a blank: the tokens of a text are those of the parts
    between its blanks."""


def _word_level() -> Any:
    return models.WordLevel(unk_token=_SPECIAL[UNKNOWN])


def _words() -> Any:
    # A letter of an unspaced script is a word by itself; \w+ would take a whole sentence of them for one.
    unspaced = pre_tokenizers.Split(Regex(UNSPACED.pattern), "isolated")
    return pre_tokenizers.Sequence([unspaced, pre_tokenizers.Whitespace()])


def _characters_and_features() -> Any:
    # The white space before a feature is no token, nor would a look behind see it in the second split.
    before = pre_tokenizers.Split(Regex(r"\s+(?=\+\S)"), "removed")
    return pre_tokenizers.Sequence([before, pre_tokenizers.Split(Regex(r"\A\+\S+|[\s\S]"), "isolated")])


_RECIPES = {
    CHARACTERS: _Recipe(
        normalizer=normalizers.NFC,
        pre_tokenizer=lambda: pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"),
        model=_word_level,
        trainer=trainers.WordLevelTrainer,
        decoder=decoders.Fuse,
        smallest=KNOWN + 1,
        parts="characters",
    ),
    FEATURED: _Recipe(
        normalizer=normalizers.NFC,
        pre_tokenizer=_characters_and_features,
        model=_word_level,
        trainer=trainers.WordLevelTrainer,
        decoder=None,
        smallest=KNOWN + 1,
        parts="symbols",
    ),
    "words": _Recipe(
        normalizer=lambda: normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]),
        pre_tokenizer=_words,
        model=_word_level,
        trainer=trainers.WordLevelTrainer,
        decoder=None,
        smallest=KNOWN + 1,
        parts="words",
        by_parts=True,
    ),
    "tokens": _Recipe(
        # A token <pad> in a text is two, or it would be the padding.
        normalizer=lambda: normalizers.Sequence([normalizers.NFC(), normalizers.Replace(_LOOKS_SPECIAL, "< ")]),
        pre_tokenizer=pre_tokenizers.WhitespaceSplit,
        model=_word_level,
        trainer=trainers.WordLevelTrainer,
        decoder=None,
        smallest=KNOWN + 1,
        parts="symbols",
        by_parts=True,
    ),
    "bpe": _Recipe(
        normalizer=normalizers.NFC,
        pre_tokenizer=lambda: pre_tokenizers.ByteLevel(add_prefix_space=False),
        model=models.BPE,
        # All 256 bytes, seen or not: no text is unknown.
        trainer=partial(trainers.BpeTrainer, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
        decoder=decoders.ByteLevel,
        smallest=KNOWN + 256,
        parts="pieces",
    ),
}
KINDS = ("auto", *_RECIPES)


class Tokenizer:
    """Token numbers of texts: 0 pads, 1 stands for what the vocabulary lacks, `size` counts all of them.

        tokenizer = Tokenizer.train(texts)
        numbers = tokenizer.encode(["很好", ""])        # [[17, 24], []]

    Words are lower-cased and lose the white space between them; characters and byte pairs keep the text.
    """

    def __init__(self, inner: Any) -> None:
        """Wrap a `tokenizers.Tokenizer` made by this module; `train`, `load` and `from_json` call it."""
        self.kind = _kind_of(inner)
        first, expected = [inner.id_to_token(number) for number in _SPECIAL], list(_SPECIAL.values())
        if first != expected:
            raise ValueError(f"a vocabulary that begins with {first}, expected {expected}")
        # Or the five characters <pad> of a text would become the padding token.
        inner.encode_special_tokens = True
        self._inner = inner

    @classmethod
    @staged(lambda *_, **__: "collecting the vocabulary of the training texts")
    def train(
        cls, texts: Sequence[str], kind: str = "auto", *, size: int = 20_000, min_frequency: int = 2
    ) -> "Tokenizer":
        """Collect a vocabulary: the most frequent tokens, the same for the same texts.

        Args:
            texts: the training split's texts only.
            kind: "characters", "words", "tokens", "bpe", or "auto": characters where most letters belong to a script
                written without spaces (Chinese, Japanese, Thai), else words.
            size: the most tokens to keep, with the two for padding and unknown.
            min_frequency: how often a token must stand in the texts to be kept.

        Raises:
            InputError: an unknown kind, or a size or min_frequency too small for it.

        """
        counts = None
        if kind == "auto":
            counts = _counted(texts)
            kind = _automatic(counts)
        _check_options(kind, size, min_frequency)
        recipe = _RECIPES[kind]
        inner = tokenizers.Tokenizer(recipe.model())
        inner.normalizer = recipe.normalizer()
        inner.pre_tokenizer = recipe.pre_tokenizer()
        if recipe.decoder:
            inner.decoder = recipe.decoder()
        if recipe.by_parts:
            _number_words(inner, _counted(texts) if counts is None else counts, size, min_frequency)
            return cls(inner)
        trainer = recipe.trainer(
            vocab_size=size, min_frequency=min_frequency, special_tokens=list(_SPECIAL.values()), show_progress=False
        )
        inner.train_from_iterator(map(_without_surrogates, texts), trainer)
        return cls(inner)

    @property
    def digest(self) -> str:
        """SHA-256 of what decides which numbers a text has: the library, and what `to_json` returns."""
        return hashlib.sha256(f"{LIBRARY} {self.to_json()}".encode()).hexdigest()

    @property
    def size(self) -> int:
        """The number of tokens, padding and unknown among them: rows of an embedding."""
        return int(self._inner.get_vocab_size())

    def encode(self, texts: Sequence[str], *, as_written: bool = False) -> list[list[int]]:
        """Return each text's token numbers, from 1 up to `size` - 1; an empty text has none.

        as_written: read no character as another one, for a score of the very text.
        """
        found: list[list[int]] = []
        for part in self._encoded(texts, as_written):
            found += [self._shared(row) for row in part]
        return found

    def rows(self, texts: Sequence[str], *, as_written: bool = False) -> TokenRows:
        """Return the same numbers in one array, which takes a tenth of the memory, where the texts lie."""
        store = store_of(texts).of(lambda: [self.digest, as_written])

        def fill(growing: Growing) -> None:
            for part in self._encoded(texts[growing.rows :], as_written):
                growing.append(len(part), {"numbers": part.numbers, "lengths": part.lengths})

        tokens = store.made("tokens", {"numbers": narrow(self.size), "lengths": np.int32}, fill).arrays
        return TokenRows(tokens["numbers"], ends_of(tokens["lengths"], store), tokens["lengths"])

    def _encoded(self, texts: Sequence[str], as_written: bool) -> Iterator[TokenRows]:
        """Yield the token numbers of some texts after the other, TOGETHER at a time."""
        by_parts = self._reading_parts(as_written, kept=len(texts) <= TOGETHER)
        with stage("tokenising texts", len(texts)) as done:
            for part in portions(texts, TOGETHER):
                some = list(texts[part])
                if self.kind == CHARACTERS:
                    yield self._by_characters(some, as_written)
                elif by_parts is None or any(map(MARK.match, {text[:1] for text in some})):
                    yield self._by_library(some, as_written)
                else:
                    yield by_parts.rows(some)
                done(len(some))

    def _by_characters(self, texts: Sequence[str], as_written: bool) -> TokenRows:
        found, odd = self._characters.rows(texts)
        if not odd.any():
            return found
        places = np.flatnonzero(odd)
        rows = np.arange(len(texts))
        rows[places] = len(texts) + np.arange(len(places))
        return TokenRows.joined([found, self._by_library([texts[row] for row in places.tolist()], as_written)]).take(
            rows
        )

    def _by_library(self, texts: Sequence[str], as_written: bool) -> TokenRows:
        clean = [_without_surrogates(text) for text in texts]
        read = clean if as_written else [self._compatible.read(text) for text in clean]
        return TokenRows.of((encoding.ids for encoding in self._inner.encode_batch_fast(read)), self.size)

    @cached_property
    def _characters(self) -> NumberedCharacters:
        vocabulary = self._inner.get_vocab()
        return NumberedCharacters({token: n for token, n in vocabulary.items() if len(token) == 1 and n >= KNOWN})

    def _reading_parts(self, as_written: bool, *, kept: bool) -> NumberedParts | None:
        """What numbers texts by their parts; None where tokens reach across blanks.

        kept: whether it knows the parts of the texts before, which those that follow mostly have too.
        """
        if not _RECIPES[self.kind].by_parts:
            return None
        return self._parts[as_written] if kept else self._new_parts(as_written)

    def _new_parts(self, as_written: bool, remembered: int | None = None) -> NumberedParts:
        def after_blank(parts: Sequence[str]) -> TokenRows:
            # A mark is read with the character before it, which of a part is the blank.
            return self._by_library([f" {part}" if MARK.match(part) else part for part in parts], as_written)

        return NumberedParts(after_blank, self.size, remembered)

    @cached_property
    def _parts(self) -> dict[bool, NumberedParts]:
        return {as_written: self._new_parts(as_written, KEPT) for as_written in (False, True)}

    def encode_with_spans(
        self, texts: Sequence[str], *, as_written: bool = False
    ) -> list[tuple[list[int], list[Span]]]:
        """Return each text's token numbers, and of each token the positions [start, end) in the text it stands for.

        White space that no token stands for lies between two spans. The bytes of one character, where each is a token,
        all have the span of the character.
        """
        found: list[tuple[list[int], list[Span]]] = []
        with stage("tokenising texts", len(texts)) as done:
            for part in portions(texts, TOGETHER):
                clean = [_without_surrogates(text) for text in texts[part]]
                read = [(text, None) if as_written else self._compatible.read_with_spans(text) for text in clean]
                encoded = self._inner.encode_batch([text for text, _ in read])
                found += [
                    (self._shared(each.ids), _in_the_text(each.offsets, spans))
                    for each, (_, spans) in zip(encoded, read, strict=True)
                ]
                done(len(clean))
        return found

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text of these tokens; words stand with single spaces between them."""
        return str(self._inner.decode(list(numbers), skip_special_tokens=False))

    def symbols(self, numbers: Sequence[int]) -> list[str]:
        """Return what the vocabulary calls each of these tokens."""
        return [str(self._inner.id_to_token(number)) for number in numbers]

    def tokens(self, text: str) -> list[str]:
        """Return the pieces that `encode` numbers, each as the vocabulary spells it, or `<unk>`."""
        return self.symbols(self.encode([text])[0])

    def unknown_parts(self, text: str, *, as_written: bool = False) -> list[str]:
        """Return what stands in the text where a token is unknown, in order."""
        return self._unknown([text], as_written)[0]

    def lacking(self, texts: Sequence[str], rows: TokenRows, *, as_written: bool = False) -> dict[int, list[str]]:
        """Return the unknown parts of those texts that have some, by index; rows: the texts' token numbers."""
        unknown = np.flatnonzero(rows.numbers == UNKNOWN)
        places = np.unique(np.searchsorted(rows.ends, unknown, side="right")).tolist()
        return dict(zip(places, self._unknown([texts[place] for place in places], as_written), strict=True))

    def _unknown(self, texts: Sequence[str], as_written: bool) -> list[list[str]]:
        return [
            [text[start:end] for number, (start, end) in zip(*tokens, strict=True) if number == UNKNOWN]
            for text, tokens in zip(texts, self.encode_with_spans(texts, as_written=as_written), strict=True)
        ]

    @staged(lambda _, texts, **__: f"counting what is unknown in {len(texts):,} texts")
    def unseen(self, texts: Sequence[str], *, as_written: bool = False) -> Unseen:
        """Count what the vocabulary lacks of the texts; `as_written` as for `encode`."""
        found, start = Unseen(_RECIPES[self.kind].parts), 0
        for rows in self._encoded(texts, as_written):
            some = texts[start : start + len(rows)]
            found.add(
                self.unseen_of(some, rows, self.lacking(some, rows, as_written=as_written), as_written=as_written)
            )
            start += len(rows)
        return found

    def unseen_of(
        self, texts: Sequence[str], rows: TokenRows, lacking: Mapping[int, list[str]], *, as_written: bool = False
    ) -> Unseen:
        """The same of texts of which the token numbers and what is lacking are at hand."""
        lacks = Counter(chain.from_iterable(lacking.values()))
        forms = {} if as_written else {c: form for text in texts for c, form in self._compatible.changed(text).items()}
        return Unseen(_RECIPES[self.kind].parts, len(rows.numbers), lacks, forms)

    def _shared(self, numbers: Sequence[int]) -> list[int]:
        """The same numbers as objects that all texts share, which take a fifth of the memory."""
        return list(map(self._numbers.__getitem__, numbers))

    @cached_property
    def _numbers(self) -> list[int]:
        return list(range(self.size))

    @cached_property
    def _compatible(self) -> Compatible:
        """For the characters of all tokens; those of words are looked up in small letters."""
        numbers = range(KNOWN, self.size)
        # A piece of byte pair encoding is written in letters that stand for bytes; it may end within a character.
        known = [self._inner.decode([n]) for n in numbers] if self.kind == "bpe" else self.symbols(numbers)
        characters = {character for token in known for character in token} - {"\ufffd"}
        return Compatible(characters | {c.upper() for c in characters if self.kind == "words" and len(c.upper()) == 1})

    def pieces(self, after: Sequence[int] = ()) -> Callable[[int], str]:
        """Return a function from one token after the other to the text that each adds, where `after` stands before.

        A token that ends within a character adds nothing, the one that completes it all of it.
        """
        stream = decoders.DecodeStream(list(after), skip_special_tokens=False)
        return lambda number: stream.step(self._inner, number) or ""

    def save(self, path: str | Path) -> None:
        """Write the vocabulary and its rules as `tokenizer.json`."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        """Read what `save` wrote.

        Raises:
            InputError: there is no such file, it is cut short, or is not a tokenizer of this package.

        """
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: the tokenizer cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise InputError(f"{path}: {error}; expected a tokenizer.json that cellwright wrote") from error

    def to_json(self) -> str:
        """Return what `save` writes."""
        return str(self._inner.to_str(pretty=True))

    @classmethod
    def from_json(cls, content: str) -> "Tokenizer":
        """Make the tokenizer of `to_json`; ValueError if it is none."""
        json.loads(content)  # its error says where a file is cut short; the library's does not
        try:
            inner = tokenizers.Tokenizer.from_str(content)
        except Exception as error:  # the library raises this class itself
            raise ValueError(f"not a tokenizer ({error})") from error
        return cls(inner)

    def __reduce__(self) -> tuple[Any, ...]:
        # The library's own pickle forgets encode_special_tokens.
        return (Tokenizer.from_json, (self.to_json(),))

    def __repr__(self) -> str:
        return f"Tokenizer(kind={self.kind!r}, size={self.size})"


def _counted(texts: Sequence[str]) -> Counter[str]:
    """How often each part stands in all texts, which is kept of some after the others, where the texts lie."""

    def fill(growing: Growing) -> None:
        for some in portions(texts, CHUNK, growing.rows, 2**8 * BYTES):
            counts = count_parts(texts[some], TOGETHER)
            content, sizes = encoded([_without_surrogates(part) for part in counts])
            times = np.fromiter(counts.values(), np.int64, len(counts))
            arrays: dict[str, NDArray[Any]]
            arrays = {"content": np.frombuffer(content, np.uint8), "sizes": sizes, "times": times}
            growing.append(some.stop - some.start, arrays)

    kinds = {"content": np.uint8, "sizes": np.int32, "times": np.int64}
    made = store_of(texts).made("parts", kinds, fill).arrays
    counts: Counter[str] = Counter()
    for part, times in zip(Column.side_by_side(made["content"], made["sizes"]), made["times"].tolist(), strict=True):
        counts[part] += times
    return counts


def _automatic(counts: Counter[str]) -> str:
    unspaced = sum(len(UNSPACED.findall(part)) * times for part, times in counts.items())
    letters = sum(sum(map(str.isalpha, part)) * times for part, times in counts.items())
    return "characters" if 2 * unspaced > letters else "words"


def _number_words(inner: Any, counts: Counter[str], size: int, min_frequency: int) -> None:
    """Give a word-level tokenizer the vocabulary that its library's trainer collects of texts with these parts.

    The most frequent words come first, of equally frequent ones the first by code points.
    """
    words: Counter[str] = Counter()
    for part, times in counts.items():
        for word, _ in inner.pre_tokenizer.pre_tokenize_str(inner.normalizer.normalize_str(part)):
            words[word] += times
    frequent = sorted((word for word, times in words.items() if times >= min_frequency), key=lambda w: (-words[w], w))
    vocabulary = [*_SPECIAL.values(), *frequent][:size]
    inner.model = models.WordLevel({word: n for n, word in enumerate(vocabulary)}, unk_token=_SPECIAL[UNKNOWN])
    inner.add_special_tokens(list(_SPECIAL.values()))


def _check_options(kind: str, size: int, min_frequency: int) -> None:
    if kind not in _RECIPES:
        raise InputError(f"tokenizer: no kind {kind!r}; expected one of {', '.join(KINDS)}")
    smallest = _RECIPES[kind].smallest
    if size < smallest:
        raise InputError(f"tokenizer: a vocabulary of {size} tokens; expected at least {smallest} for {kind}")
    if min_frequency < 1:
        raise InputError(
            f"tokenizer: min_frequency is {min_frequency}; a token is kept from 1 occurrence on at the least"
        )


def _kind_of(inner: Any) -> str:
    """Tell the kind by how the text is cut, which is the same for every tokenizer of that kind."""
    for kind, recipe in _RECIPES.items():
        if str(inner.pre_tokenizer) == str(recipe.pre_tokenizer()):
            return kind
    raise ValueError(f"a tokenizer that cuts texts by {inner.pre_tokenizer}, which no kind of this package does")


def _in_the_text(read: list[Span], spans: Sequence[Span] | None) -> list[Span]:
    """Spans of what was read as spans of the text, in which each character read has a span; None: they are the same."""
    return read if spans is None else [(spans[start][0], spans[end - 1][1]) for start, end in read]


def _without_surrogates(text: str) -> str:
    """Put U+FFFD, the replacement character, for half a surrogate pair, which is no character of Unicode."""
    return SURROGATE.sub("\ufffd", text)
