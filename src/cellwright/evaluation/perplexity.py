"""How well a text is predicted: nats and perplexity a token, and bits a character, comparable between tokenizers."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CODE_POINTS = 0x110000
"""Of Unicode."""


@dataclass(frozen=True)
class PerplexityScores:
    """Scores of some text, of which each token was predicted from those before."""

    nats: float
    """Minus the logarithm of the probability of all tokens together."""
    tokens: int
    """Tokens predicted, at least 1."""
    characters: int
    """Of the text, code points as it was given, at least 1."""
    spelling: float = 0.0
    """Nats to spell what unknown tokens stand for."""

    @property
    def loss(self) -> float:
        """Nats a token."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """Of a token: as uncertain as among this many equally probable ones. It depends on what a token is."""
        return math.exp(min(self.loss, 700.0))  # beyond, a double overflows

    @property
    def bits_a_character(self) -> float:
        """Bits to write the text down with this model, a character, unknown tokens spelled."""
        return (self.nats + self.spelling) / math.log(2) / self.characters

    def as_json(self) -> dict[str, float]:
        """For a file."""
        return {
            "loss": self.loss,
            "perplexity": self.perplexity,
            "bits_a_character": self.bits_a_character,
            "tokens": self.tokens,
            "characters": self.characters,
        }


class Speller:
    """What it costs to spell what a vocabulary lacks, by the share of each character in the training text.

    A model with many unknown tokens would else seem better than one that predicts them. One is added to the count of
    every code point of Unicode, so that each can be spelled.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        """counts: how often each character stands in the training text."""
        self._counts = counts
        self._total = sum(counts.values()) + CODE_POINTS

    def nats(self, parts: Iterable[str], *, ended: bool) -> float:
        """Of all parts together; `ended`: with a space after each, which says where it ends (words, not characters)."""
        return sum(self._nats(part + " " * ended) for part in parts)

    def _nats(self, part: str) -> float:
        return -sum(math.log((self._counts.get(c, 0) + 1) / self._total) for c in part)
