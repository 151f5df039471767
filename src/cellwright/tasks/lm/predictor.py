"""How probable a language model finds a text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from cellwright.data.readers.documents import is_one_text
from cellwright.data.unseen import Unseen
from cellwright.evaluation.perplexity import PerplexityScores
from cellwright.tasks.files import read_options
from cellwright.tasks.lm.prepare import marked
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.predictor import Answered, Piece, Prediction, Predictor
from cellwright.tasks.texts import batches_of

BATCH_TOKENS = 16_384  # padding included


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
        return self.answered(texts, 1).predictions

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """Count the tokens that the run does not know, each text as it is written."""
        return [self.run.tokenizer.unseen(texts, as_written=True)]

    def answered(self, texts: Sequence[str], first: int) -> Answered[Scored]:
        """Both of texts that are tokenised once."""
        tokenizer = self.run.tokenizer
        rows = tokenizer.rows(texts, as_written=True)
        lacking = tokenizer.lacking(texts, rows, as_written=True)
        spelling = {place: self.run.spelling_of(parts) for place, parts in lacking.items()}
        nats = self._nats(marked(rows))
        said = [_scored(text, nats.get(place), spelling.get(place, 0.0)) for place, text in enumerate(texts)]
        return Answered(said, [tokenizer.unseen_of(texts, rows, lacking, as_written=True)])

    def _pieces(self, path: str, options: Mapping[str, Any]) -> Iterator[Piece]:
        """The texts of a column, or of plain text the lines, which in training are one text: a sentence says so."""
        notes = list[str]()
        if is_one_text(Path(path), read_options(options)):
            notes = [f"{path}: each line is a text of its own; `cellwright evaluate` scores the file as one"]
        for piece in super()._pieces(path, options):
            yield piece._replace(notes=[*notes, *piece.notes])
            notes = []

    def _nats(self, documents: Sequence[Tensor]) -> dict[int, Tensor]:
        """Of each document that has a token behind its mark the nats of its tokens, by index."""
        model, filled = self.run.model, [place for place, each in enumerate(documents) if len(each) > 1]
        found: dict[int, Tensor] = {}
        for batch in batches_of([len(documents[place]) - 1 for place in filled], BATCH_TOKENS):
            places = [filled[number] for number in batch]
            some = [documents[place] for place in places]
            # One by itself may be of any length: its state is carried from window to window.
            nats = model.nats_of_each(some) if len(some) > 1 else [model.nats(some)]
            found |= zip(places, nats, strict=True)
        return found


def _scored(text: str, nats: Tensor | None, spelling: float) -> Scored:
    """nats: of each token; None of a text without any. spelling: nats to spell those that are unknown."""
    if nats is None:
        return Scored(0.0, 1.0, 0, len(text))
    found = PerplexityScores(float(nats.sum()), len(nats), len(text), spelling)
    return Scored(found.bits_a_character, found.perplexity, found.tokens, found.characters)
