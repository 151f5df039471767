"""Labels for texts, from a run folder.

predictor = Predictor.load("runs/first")
for prediction in predictor.predict(["很好用", "退货了"]):
    print(prediction.label, prediction.probability)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from cellwright.data.batches import Pieces, collate_pieces
from cellwright.data.unseen import Unseen
from cellwright.tasks.classify.run import ClassifyRun
from cellwright.tasks.predictor import Prediction, Predictor
from cellwright.tasks.texts import batches_of

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
        encoded = self.run.text_encoder.encode(texts)
        probabilities = torch.zeros(len(encoded), len(self.labels), dtype=torch.float64)  # (texts, classes)
        for indices in batches_of([self.run.config.long_text.cost(pieces) for pieces in encoded], self.batch_tokens):
            probabilities[indices] = self._probabilities([encoded[i] for i in indices])
        return [self._prediction(row) for row in probabilities]

    def unseen(self, texts: Sequence[str]) -> list[Unseen]:
        """Count the tokens that the run does not know."""
        return [self.run.tokenizer.unseen(texts)]

    @torch.inference_mode()
    def _probabilities(self, encoded: list[Pieces]) -> torch.Tensor:
        batch = collate_pieces([(pieces, None) for pieces in encoded])
        logits: torch.Tensor = self.run.model(batch.tokens, batch.lengths, batch.pieces, self.batch_tokens)
        return logits.double().softmax(dim=-1)

    def _prediction(self, row: torch.Tensor) -> Labelled:
        best = int(row.argmax())
        probabilities = dict(zip(self.labels, row.tolist(), strict=True))
        return Labelled(self.labels[best], probabilities[self.labels[best]], probabilities)
