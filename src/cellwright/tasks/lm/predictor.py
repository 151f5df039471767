"""How probable a language model finds a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from cellwright.data.readers.documents import is_one_text
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.unseen import Unseen
from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.models.language_model import SCORED_AT_ONCE
from cellwright.tasks.files import read_options
from cellwright.tasks.lm.prepare import documents
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.predictor import Piece, Prediction, Predictor
from cellwright.tasks.texts import batches_of


@dataclass(frozen=True)
class Scored(Prediction):
    """What a language model says of one text."""

    bits_a_character: float
    """Bits to write it down with this model, a character; of a text without any, 0."""
    perplexity: float
    """Of a token; of a text without any, 1."""
    tokens: int
    characters: int

    def line(self, text: str) -> str:
        """Bits a character, perplexity and text, with tabs between them."""
        return f"{self.bits_a_character:.4f}\t{self.perplexity:.4f}\t{' '.join(text.split())}"


class LanguagePredictor(Predictor[Scored]):
    """A trained language model that takes texts, each a document by itself."""

    def __init__(self, run: LanguageRun) -> None:
        self.run: LanguageRun = run

    def predict(self, texts: Sequence[str]) -> list[Scored]:
        """Score each text, in their order, its end not among what is predicted."""
        encoded, nats = documents(self.run.tokenizer, texts), [0.0] * len(texts)
        for indices in batches_of(list(map(len, encoded)), SCORED_AT_ONCE):
            found = self.run.model.nats_of_each([encoded[i] for i in indices])
            for i, each in zip(indices, found.tolist(), strict=True):
                nats[i] = each
        return [self._scored(text, numbers, each) for text, numbers, each in zip(texts, encoded, nats, strict=True)]

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """Count the tokens that the run does not know, each text as it is written."""
        return [self.run.tokenizer.unseen(texts, as_written=True)]

    def _pieces(self, path: str, options: Mapping[str, Any]) -> Iterator[Piece]:
        """The texts of a column, or of plain text the lines, which in training are one text: a sentence says so."""
        notes = list[str]()
        if is_one_text(Path(path), read_options(options)):
            notes = [f"{path}: each line is a text of its own; `cellwright evaluate` scores the file as one"]
        for piece in super()._pieces(path, options):
            yield piece._replace(notes=[*notes, *piece.notes])
            notes = []

    def _scored(self, text: str, document: Tensor, nats: float) -> Scored:
        if len(document) == 1:
            return Scored(0.0, 1.0, 0, len(text))
        spelling = self.run.spelling([text]) if UNKNOWN in document else 0.0
        found = PerplexityScores(nats, len(document) - 1, len(text), spelling)
        return Scored(found.bits_a_character, found.perplexity, found.tokens, found.characters)
