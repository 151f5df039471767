"""Labels for texts, from a run folder.

predictor = Predictor.load("runs/first")
for prediction in predictor.predict(["很好用", "退货了"]):
    print(prediction.label, prediction.probability)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.data.batches import Pieces, collate_pieces
from cellwright.data.token_rows import TokenRows
from cellwright.data.unseen import Unseen
from cellwright.models.text_encoding import numbers_of
from cellwright.tasks.classify.run import ClassifyRun
from cellwright.tasks.predictor import Answered, Prediction, Predictor
from cellwright.tasks.texts import batches_of

if TYPE_CHECKING:
    from cellwright.models.text_encoding import Texts

BATCH_TOKENS = 16_384  # padding included: 16 MB of outputs at 256 features


@dataclass(frozen=True)
class Labelled(Prediction):
    """What a classifier says of one text."""

    label: str
    """The most probable class; of equally probable ones the first of the run's labels."""
    probability: float
    """Its probability, in [0, 1]."""
    probabilities: dict[str, float]
    """Of every class, in the order of the run's labels; they sum to 1."""

    def line(self, text: str) -> str:
        """Label, probability and text, with tabs between them."""
        # The text only tells which it is: on one line whatever it holds. `--json` keeps it whole.
        return f"{self.label}\t{self.probability:.4f}\t{' '.join(text.split())}"


class ClassifyPredictor(Predictor[Labelled]):
    """A trained classifier that takes texts."""

    def __init__(self, run: ClassifyRun, *, batch_tokens: int = BATCH_TOKENS) -> None:
        """Predict with a run that is loaded.

        batch_tokens: most tokens of a batch, padding included; it bounds memory and changes no answer beyond the
        rounding of float32. A text, or window of one, that is longer by itself makes a batch of its own.
        """
        if batch_tokens < 1:
            raise ValueError(f"ClassifyPredictor: batch_tokens is {batch_tokens}; expected at least 1")
        self.run: ClassifyRun = run
        self.batch_tokens = batch_tokens

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of `Labelled.probabilities`."""
        return self.run.labels

    def predict(self, texts: Sequence[str]) -> list[Labelled]:
        """Predict a label for each text, in their order. An empty text has an answer too: the model's for no token."""
        return self._said(self.run.text_encoder.tokenise(texts))

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """Count the tokens that the run does not know."""
        return [self.run.tokenizer.unseen(texts)]

    def answered(self, texts: Sequence[str], first: int) -> Answered[Labelled]:
        """Both of texts that are tokenised once."""
        tokenised = self.run.text_encoder.tokenise(texts)
        numbers = numbers_of(tokenised)
        rows = numbers if isinstance(numbers, TokenRows) else TokenRows.of(numbers)
        tokenizer = self.run.tokenizer
        unseen = tokenizer.unseen_of(texts, rows, tokenizer.lacking(texts, rows))
        return Answered(self._said(tokenised), [unseen])

    def _said(self, texts: "Texts") -> list[Labelled]:
        read = list(self.run.text_encoder.read(texts))
        probabilities = np.zeros((len(read), len(self.labels)))
        for indices in batches_of([self.run.config.long_text.cost(pieces) for pieces in read], self.batch_tokens):
            probabilities[indices] = self._probabilities([read[i] for i in indices])
        best = probabilities.argmax(-1).tolist()
        return list(map(self._prediction, best, probabilities.tolist()))

    @torch.inference_mode()
    def _probabilities(self, read: list[Pieces]) -> NDArray[np.float64]:
        """(texts, classes)."""
        batch = collate_pieces([(pieces, None) for pieces in read])
        logits: torch.Tensor = self.run.model(batch.tokens, batch.lengths, batch.pieces, self.batch_tokens)
        found: NDArray[np.float64] = logits.double().softmax(dim=-1).numpy()
        return found

    def _prediction(self, best: int, row: list[float]) -> Labelled:
        return Labelled(self.labels[best], row[best], dict(zip(self.labels, row, strict=True)))
