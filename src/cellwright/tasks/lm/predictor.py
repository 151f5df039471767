"""How probable a language model finds a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cellwright.data.readers.documents import is_one_text, read_documents
from cellwright.data.readers.files import existing
from cellwright.data.unseen import Unseen
from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.tasks.files import as_the_run, check_written, read_options
from cellwright.tasks.lm.prepare import documents
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.predictor import FileRequest, Prediction, Predictor


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

    def request(self, path: str, given: Mapping[str, Any], *, several: bool = False) -> FileRequest:
        """The texts of a column, or of any file but a table the whole as one text, as in training."""
        how = read_options(as_the_run(self.run.config.options, given, path))
        if not is_one_text(existing(path, folder=True), how):
            return super().request(path, given, several=several)
        check_written(given, path)
        texts = read_documents(path, how=how).texts
        return FileRequest.at_once(texts, [[("text", text)] for text in texts])

    def predict(self, texts: Sequence[str]) -> list[Scored]:
        """Score each text, in their order, its end not among what is predicted."""
        encoded = documents(self.run.tokenizer, texts)
        return [self._score(text, numbers) for text, numbers in zip(texts, encoded, strict=True)]

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """Count the tokens that the run does not know, each text as it is written."""
        return [self.run.tokenizer.unseen(texts, as_written=True)]

    def _score(self, text: str, document: torch.Tensor) -> Scored:
        if len(document) == 1:
            return Scored(0.0, 1.0, 0, len(text))
        nats = self.run.model.nats([document])
        found = PerplexityScores(float(nats.sum()), len(nats), len(text), self.run.spelling([text]))
        return Scored(found.bits_a_character, found.perplexity, found.tokens, found.characters)
