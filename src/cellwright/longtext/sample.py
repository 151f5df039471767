"""Whole sentences of a text, drawn at random: another draw is another text of the same meaning, or nearly."""

import random
from collections.abc import Sequence
from typing import TypeVar

from cellwright.longtext.cuts import MayCut, anywhere
from cellwright.longtext.truncate import head

T = TypeVar("T")


def sample(
    sentences: Sequence[Sequence[T]],
    limit: int,
    *,
    seed: str,
    shuffle: bool = False,
    may_cut: MayCut = anywhere,
) -> list[T]:
    """Return sentences that together have at most `limit` tokens.

    Sentences are drawn until all were; one that no longer fits is left out and the next one tried. Where not one
    fits, the head of the first drawn is taken. Of a text that fits as a whole all sentences are taken.

    Args:
        sentences: each a sequence of tokens.
        limit: the most tokens, at least 1.
        seed: the same seed draws the same, on every machine and version of Python.
        shuffle: put the sentences in the order drawn rather than in the text's.
        may_cut: whether a text of all the sentences may be cut before this token (`cuts`), where one is cut.

    Raises:
        ValueError: a limit below 1.

    """
    if limit < 1:
        raise ValueError(f"sample: a limit of {limit} tokens; expected at least 1")
    drawn = [index for index in _permutation(len(sentences), seed) if sentences[index]]
    taken, room = [], limit
    for index in drawn:
        if len(sentences[index]) <= room:
            taken.append(index)
            room -= len(sentences[index])
    if drawn and not taken:
        first = drawn[0]
        offset = sum(len(sentence) for sentence in sentences[:first])
        return head(sentences[first], limit, lambda index: may_cut(offset + index))
    return [token for index in (taken if shuffle else sorted(taken)) for token in sentences[index]]


def _permutation(count: int, seed: str) -> list[int]:
    # Python promises to keep the sequence of random(), not that of shuffle().
    draw = random.Random(seed).random
    return sorted(range(count), key=[draw() for _ in range(count)].__getitem__)
