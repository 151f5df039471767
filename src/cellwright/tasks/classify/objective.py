"""What a classifier learns: labels, by cross-entropy, with some tokens hidden."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from cellwright.data.batches import MOST_TOKENS, Batch
from cellwright.data.tokenizer import Tokenizer
from cellwright.models import pretrained
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.autoencoder import begin_from, freeze_encoder
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.classify.encoder import load_encoder
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.task import Metric, Objective, Step


class ClassifyObjective(Objective):
    """Smoothed cross-entropy in training, accuracy in validation."""

    metric = Metric("accuracy")

    def __init__(self, model: ClassifierConfig, options: ClassifyConfig) -> None:
        self.config = model
        self.options = options
        self._epochs = 0  # begun

    @property
    def thaws(self) -> bool:
        """Whether layers are trained later than others."""
        return self.options.thawing > 0

    def model(self) -> Classifier:
        """A new classifier."""
        model = Classifier(self.config)
        if self.options.freeze_encoder:
            freeze_encoder(model)
        return model

    def begin(self, model: Classifier) -> None:
        """Give it the embedding and the layer of the run that it begins from."""
        encoder = load_encoder(self.options)
        if isinstance(encoder, LanguageRun):
            pretrained.begin_from(model, encoder.model)
        elif encoder is not None:
            begin_from(model, encoder.model)

    def begin_pass(self, training: bool) -> None:
        """Count the epochs, by which layers thaw."""
        self._epochs += training

    def state_dict(self) -> dict[str, Any]:
        """How many epochs began."""
        return {"epochs": self._epochs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._epochs = state["epochs"]

    def loss(self, model: Classifier, batch: Batch) -> Step:
        """Mean smoothed cross-entropy of a batch, in nats."""
        if self.options.thawing:
            pretrained.thaw(model, (self._epochs - 1) // self.options.thawing)
        hidden = torch.rand(batch.tokens.shape, device=batch.tokens.device) < self.options.token_dropout
        tokens = batch.tokens.masked_fill(hidden & (batch.tokens != Tokenizer.pad), Tokenizer.unknown)
        logits = self._logits(model, batch._replace(tokens=tokens))
        loss = cross_entropy(logits, _labels(batch), label_smoothing=self.options.label_smoothing)
        return Step(loss, len(logits), int(batch.lengths.sum()))

    def measure(self, model: Classifier, batch: Batch) -> Tensor:
        """(3,): the sum of losses, right answers, texts."""
        logits, labels = self._logits(model, batch), _labels(batch)
        loss = cross_entropy(logits, labels, reduction="sum")
        right = (logits.argmax(-1) == labels).sum()
        return torch.stack([loss.double(), right.double(), right.new_tensor(len(logits)).double()])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Share labelled correctly, and mean cross-entropy in nats."""
        loss, right, texts = sums
        return {"loss": loss / texts, "accuracy": right / texts}

    def _logits(self, model: Classifier, batch: Batch) -> Tensor:
        logits: Tensor = model(batch.tokens, batch.lengths, batch.pieces, self.options.batch_tokens or MOST_TOKENS)
        return logits


def _labels(batch: Batch) -> Tensor:
    assert batch.labels is not None  # prepared texts have labels
    return batch.labels
