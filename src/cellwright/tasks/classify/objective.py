"""What a classifier learns: labels, by cross-entropy, with some tokens hidden, and against an adversary.

Miyato, Dai and Goodfellow (2017), "Adversarial training methods for semi-supervised text classification".
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from cellwright.data.batches import MOST_TOKENS, Batch
from cellwright.evaluation.majority import macro_f1
from cellwright.models import embedding, pretrained
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.autoencoder import begin_from, freeze_encoder
from cellwright.models.classifier import Classifier
from cellwright.models.dropout import hide
from cellwright.tasks.classify.config import ClassifyConfig
from cellwright.tasks.classify.encoder import load_encoder
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.task import Metric, Objective, Step
from cellwright.tasks.vectors import Start


class ClassifyObjective(Objective):
    """Smoothed cross-entropy in training, accuracy in validation; macro-F1 where classes have weights."""

    def __init__(
        self,
        model: ClassifierConfig,
        options: ClassifyConfig,
        weights: Sequence[float] | None = None,
        start: Start | None = None,
    ) -> None:
        """weights: by which the loss of a text of each class counts; None: all alike.

        start: the vectors that the embedding begins from; None: those of the run that it begins from, or none.
        """
        self.start = start
        self.config = model
        self.options = options
        self.weights = None if weights is None else torch.tensor(weights)
        self.metric = Metric("accuracy" if weights is None else "macro_f1")
        self._epochs = 0  # begun

    @property
    def partial(self) -> bool:
        """Whether layers are trained later than others."""
        return self.options.thawing > 0

    def model(self) -> Classifier:
        """A new classifier."""
        model = Classifier(self.config)
        if self.options.freeze_encoder:
            freeze_encoder(model)
        return model

    def begin(self, model: Classifier) -> None:
        """Give it the embedding and the layer of the run that it begins from, or the vectors."""
        encoder = load_encoder(self.options)
        if isinstance(encoder, LanguageRun):
            pretrained.begin_from(model, encoder.model)
        elif encoder is not None:
            begin_from(model, encoder.model)
        elif self.start is not None:
            embedding.begin_from(model.embedding.token, *self.start, model.embedding.fixed)

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
        shown = batch._replace(tokens=hide(batch.tokens, self.options.token_dropout))
        loss = (
            self._against_an_adversary(model, shown)
            if self.options.adversarial_epsilon
            else self._smoothed(model, shown)
        )
        return Step(loss, len(_labels(batch)), int(batch.lengths.sum()))

    def measure(self, model: Classifier, batch: Batch) -> Tensor:
        """The sum of losses, right answers, texts; with weights of each class those right, true and given, too."""
        logits, labels = self._logits(model, batch), _labels(batch)
        loss = cross_entropy(logits, labels, reduction="sum")
        given = logits.argmax(-1)
        right = given == labels
        sums = torch.stack([loss.double(), right.sum().double(), loss.new_tensor(len(logits)).double()])
        if self.weights is None:
            return sums
        counts = [torch.bincount(each, minlength=len(self.weights)) for each in (labels[right], labels, given)]
        return torch.cat([sums, *counts])

    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """Share labelled correctly, and mean cross-entropy in nats; with weights macro-F1."""
        loss, right, texts, *counts = sums
        scores = {"loss": loss / texts, "accuracy": right / texts}
        if counts:
            size = len(counts) // 3
            scores["macro_f1"] = macro_f1(counts[:size], counts[size : 2 * size], counts[2 * size :])
        return scores

    def _against_an_adversary(self, model: Classifier, batch: Batch) -> Tensor:
        """Mean of the loss and of what it is where each row's embedded tokens are moved up its gradient.

        By a share of their length, so that larger embeddings do not escape.
        """
        with torch.no_grad():
            embedded = model.embedding(batch.tokens)  # (R, T, E)
        still = torch.zeros_like(embedded, requires_grad=True)
        loss = self._smoothed(model, batch, still)
        (gradient,) = torch.autograd.grad(loss, still, retain_graph=True)
        steepest = gradient / _lengths(gradient).clamp_min(torch.finfo(gradient.dtype).tiny)
        moved = self._smoothed(model, batch, self.options.adversarial_epsilon * _lengths(embedded) * steepest)
        return (loss + moved) / 2

    def _smoothed(self, model: Classifier, batch: Batch, shift: Tensor | None = None) -> Tensor:
        logits = self._logits(model, batch, shift)
        labels, smoothing = _labels(batch), self.options.label_smoothing
        if self.weights is None:
            return cross_entropy(logits, labels, label_smoothing=smoothing)
        # Not torch's weighted mean, which divides by the weights of the batch: one of rare texts would count as any.
        losses = cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
        return (self.weights.to(losses)[labels] * losses).mean()

    def _logits(self, model: Classifier, batch: Batch, shift: Tensor | None = None) -> Tensor:
        budget = self.options.batch_tokens or MOST_TOKENS
        logits: Tensor = model(batch.tokens, batch.lengths, batch.pieces, budget, shift)
        return logits


def _lengths(vectors: Tensor) -> Tensor:
    """(R, T, E) -> (R, 1, 1): of each row's numbers as one vector."""
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=(1, 2), keepdim=True)
    return norms


def _labels(batch: Batch) -> Tensor:
    assert batch.labels is not None  # prepared texts have labels
    return batch.labels
