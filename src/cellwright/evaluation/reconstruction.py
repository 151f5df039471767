"""How well a sequence autoencoder brings texts back, beside the frequencies of single tokens."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from cellwright.evaluation.report import Report, Section


@dataclass(frozen=True)
class TokenScores:
    """How well tokens are predicted."""

    exact: float
    """Share of the tokens that are the most probable ones."""
    nats: float
    """Mean cross-entropy of a token."""


@dataclass(frozen=True)
class ReconstructionReport(Report):
    """Scores of an autoencoder."""

    texts: int
    tokens: int
    told: TokenScores
    """The decoder told the tokens that truly stand before."""
    free: float
    """Share of the tokens that come back in their place, the decoder told its own."""
    unigram: TokenScores | None
    """By the frequencies of single tokens in training; None where there are no training texts."""

    @property
    def counted(self) -> str:
        """How many texts, and tokens."""
        return f"{self.texts:,} texts, {self.tokens:,} tokens"

    def sections(self) -> list[Section]:
        """Exact tokens, cross-entropy, perplexity."""
        rows = [
            ("told the tokens before", *_cells(self.told)),
            ("told its own tokens", f"{self.free:.3f}", "–", "–"),
        ]
        if self.unigram is not None:
            rows.append(("frequency of tokens", *_cells(self.unigram)))
        return [Section("reconstruction", ("exact", "nats a token", "perplexity"), rows)]

    def as_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def verdict(self) -> str:
        """How many tokens a code is good for."""
        gain = "" if self.unigram is None else f"; their frequencies alone would say {self.unigram.exact:.3f}"
        return f"From its code alone, {self.free:.3f} of a text's tokens come back in their place{gain}."


def _cells(brought: TokenScores) -> tuple[str, str, str]:
    return f"{brought.exact:.3f}", f"{brought.nats:.3f}", f"{math.exp(brought.nats):,.1f}"
