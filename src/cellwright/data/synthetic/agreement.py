"""Subject–verb agreement over a relative clause: the keys which the man near the doors … saw ARE."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

SINGULAR = ("key", "door", "man", "friend", "table", "child", "city", "letter")
PLURAL = ("keys", "doors", "men", "friends", "tables", "children", "cities", "letters")
_ADJECTIVES = ("old", "red", "small", "quiet", "heavy")
_PREPOSITIONS = ("near", "behind", "with", "under")
_PAST = ("saw", "lost", "found", "wanted")  # the same for singular and plural: the clause gives nothing away
_ADVERBS = ("once", "never")
WORDS = ("", "the", "which", *SINGULAR, *PLURAL, *_ADJECTIVES, *_PREPOSITIONS, *_PAST, *_ADVERBS)
"""A token is a place in this list; 0 is padding."""


def agreement(distances: Sequence[int], seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw one beginning of a sentence for each distance: all before the verb, and the verb's number.

    After Linzen, Dupoux and Goldberg 2016, "Assessing the ability of LSTMs to learn syntax-sensitive dependencies".
    The clause's own nouns are of either number and have no say.

    Args:
        distances: (B,) words between the subject and its verb, from 0 on.
        seed: from 0 on.

    Returns:
        Tokens (B, T) int64, padded with 0; lengths (B,) int64, each distance + 2; numbers (B,) int64, 1 for plural.

    Raises:
        ValueError: a distance below 0.

    """
    if min(distances, default=0) < 0:
        raise ValueError(f"agreement: a distance of {min(distances)} words; expected 0 or more")
    random = np.random.default_rng(seed)
    plural = random.integers(0, 2, len(distances))
    tokens = np.zeros((len(distances), 2 + max(distances, default=0)), dtype=np.int64)
    for row, number, distance in zip(tokens, plural, distances, strict=True):
        draws = iter(random.random(distance + 1).tolist())  # no word takes more than one
        sentence = ["the", _one((SINGULAR, PLURAL)[number], draws), *_clause(distance, draws)]
        row[: len(sentence)] = [WORDS.index(word) for word in sentence]
    return torch.from_numpy(tokens), torch.tensor(distances, dtype=torch.int64) + 2, torch.from_numpy(plural)


def _one(of: Sequence[str], draws: Iterator[float]) -> str:
    return of[int(next(draws) * len(of))]


def _clause(words: int, draws: Iterator[float]) -> list[str]:
    """A relative clause of that many words; of one word, a participle: the keys lost."""
    inside = words - 2  # between "which" and the clause's verb
    if inside < 0:
        return [_one(_PAST, draws)] if words else []
    if inside < 2:
        return ["which", *([_one(_ADVERBS, draws)] * inside), _one(_PAST, draws)]
    phrases, adjectives = divmod(inside - 2, 3)
    found = ["which", "the", *(_one(_ADJECTIVES, draws) for _ in range(adjectives)), _one(SINGULAR + PLURAL, draws)]
    for _ in range(phrases):
        found += [_one(_PREPOSITIONS, draws), "the", _one(SINGULAR + PLURAL, draws)]
    return [*found, _one(_PAST, draws)]
