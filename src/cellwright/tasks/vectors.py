"""Where a model's embedding begins from vectors that others have trained: `--vectors FILE`."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from cellwright.data.special_tokens import KNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.data.vectors import Vectors, read_vectors
from cellwright.errors import InputError
from cellwright.tasks.config import WordVectors
from cellwright.tasks.run import RunConfig

Options = TypeVar("Options", bound=WordVectors)


class Start(NamedTuple):
    """What some rows of an embedding begin from."""

    rows: Tensor
    """(N,) int64"""
    values: Tensor
    """(N, E) float32"""


@dataclass(frozen=True)
class Vocabulary:
    """The words that an embedding has rows of, and how often they run."""

    words: Sequence[str]
    """Of the rows from KNOWN on."""
    reads: Callable[[str], str]
    """How the data reads a word."""
    running: Counter[int]
    """How often each row, that of the unknown too, stands in the training split."""
    are: str
    """What they are, in a sentence."""

    @staticmethod
    def of(tokenizer: Tokenizer, texts: Iterable[Sequence[int]]) -> "Vocabulary":
        """That of a tokenizer; texts: the training split's, as numbers."""
        words = tokenizer.symbols(range(KNOWN, tokenizer.size))
        reads = _in_small_letters if tokenizer.kind == "words" else _composed
        return Vocabulary(words, reads, Counter(number for text in texts for number in text), tokenizer.kind)


def begun(
    config: Options, before: RunConfig | None, vocabulary: Callable[[], Vocabulary]
) -> tuple[Options, Start | None, list[str]]:
    """The options with the size of the vectors they name, what rows begin from these, and a sentence on them.

    Without --vectors, and where a run is resumed, whose weights hold them, the options as they are. Raises InputError.
    """
    if config.vectors is None or before is not None:
        return config, None, []
    return _begun(config, config.vectors, vocabulary())


def _begun(config: Options, path: str, vocabulary: Vocabulary) -> tuple[Options, Start, list[str]]:
    """The same of a file. Raises InputError for one that is malformed or knows none of the words.

    And for an --embedding-dim that is not the file's.
    """
    found = read_vectors(path, set(vocabulary.words), vocabulary.reads)
    if "embedding_dim" in config.model_fields_set and config.embedding_dim != found.size:
        raise InputError(
            f"--embedding-dim is {config.embedding_dim}, and the vectors of {path} have {found.size} numbers; leave it "
            "out"
        )
    rows = [row for row, word in enumerate(vocabulary.words, start=KNOWN) if word in found.of]
    if not rows:
        raise InputError(
            f"{path}: has none of the {len(vocabulary.words):,} {vocabulary.are} of the training split; expected "
            "vectors of the data's language, and of what its texts are cut into"
        )
    values = np.stack([found.of[vocabulary.words[row - KNOWN]] for row in rows])
    start = Start(torch.tensor(rows), torch.from_numpy(values))
    return config.model_copy(update={"embedding_dim": found.size}), start, [_said(path, found, vocabulary, rows)]


def _said(path: str, found: Vectors, vocabulary: Vocabulary, rows: Sequence[int]) -> str:
    running = sum(vocabulary.running[row] for row in rows) / max(vocabulary.running.total(), 1)
    alike = f", {len(found.alike):,} of them in other letters" if found.alike else ""
    words = vocabulary.are
    return (
        f"{path}: vectors of {found.size} numbers; it has {len(rows):,} of the {len(vocabulary.words):,} {words} that "
        f"the model knows{alike}, which are {running:.1%} of the running {words} of the training split"
    )


def _composed(word: str) -> str:
    return unicodedata.normalize("NFC", word)


def _in_small_letters(word: str) -> str:
    return _composed(word).lower()
