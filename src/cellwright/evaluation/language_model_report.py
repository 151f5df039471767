"""A language model's scores beside those of counting: an n-gram model and single tokens, on the same tokens."""

from dataclasses import dataclass
from typing import Any

from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.evaluation.report import Report, Section


@dataclass(frozen=True)
class LanguageModelReport(Report):
    """Scores of three models; those of counting are None where there was no text to count."""

    model: PerplexityScores
    order: int
    """Of the n-gram model."""
    ngram: PerplexityScores | None = None
    unigram: PerplexityScores | None = None

    @property
    def counted(self) -> str:
        """How much text."""
        return f"{self.model.characters:,} characters"

    @property
    def _models(self) -> dict[str, PerplexityScores | None]:
        names = ("this model", f"{self.order}-grams, Kneser-Ney", "frequency of tokens")
        return dict(zip(names, (self.model, self.ngram, self.unigram), strict=True))

    def sections(self) -> list[Section]:
        """One table."""
        rows = [
            (name, f"{s.loss:.4f}", f"{s.perplexity:,.2f}", f"{s.bits_a_character:.4f}")
            for name, s in self._models.items()
            if s is not None
        ]
        return [Section("scores", ("nats a token", "perplexity", "bits a character"), rows)]

    def as_json(self) -> dict[str, Any]:
        """The comparison as `evaluate --json` prints it."""
        ngram = self.ngram and {"order": self.order} | self.ngram.as_json()
        return {"model": self.model.as_json(), "ngram": ngram, "unigram": self.unigram and self.unigram.as_json()}

    def verdict(self) -> str:
        """What the network adds to counting."""
        bits = self.model.bits_a_character
        if self.ngram is None:
            return f"The network takes {bits:.3f} bits a character."
        gain = self.ngram.bits_a_character - bits
        if gain < 0:
            return (
                f"Counting {self.order}-grams takes {-gain:.3f} bits a character less than the network: train longer, "
                "or with another --hidden-size or --learning-rate."
            )
        return f"The network takes {gain:.3f} bits a character less than counting {self.order}-grams."
