"""What one step is: loss, gradient clipping, optimizer, and the score on the validation texts."""

from typing import Any, NamedTuple, TypedDict

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel

from cellwright.data.batches import Batch
from cellwright.data.tokenizer import Tokenizer
from cellwright.errors import InputError
from cellwright.models.classifier import Classifier
from cellwright.training.config import FitConfig


class LossNotFinite(InputError):
    """The loss is infinite or not a number, so that no later step can mend the weights."""


class Scores(NamedTuple):
    """On the validation texts of all processes."""

    accuracy: float
    """Share labelled correctly."""
    loss: float
    """Mean cross-entropy, in nats."""


class StepOutput(TypedDict):
    """What a training step hands to the callbacks."""

    loss: Tensor
    examples: int
    tokens: int


class ClassifierModule(LightningModule):
    """A classifier in training, and the running mean of its weights, which is what is scored and kept."""

    def __init__(self, classifier: Classifier, config: FitConfig) -> None:
        super().__init__()
        self.classifier = classifier
        self.config = config
        self.averaged = AveragedModel(classifier, multi_avg_fn=self._average).requires_grad_(False)
        self.scores = Scores(0.0, float("inf"))
        """Of the last validation."""

    @property
    def result(self) -> Classifier:
        """The classifier with the mean weights."""
        averaged = self.averaged.module
        assert isinstance(averaged, Classifier)
        return averaged

    def configure_optimizers(self) -> Optimizer:
        """AdamW; biases and the embedding do not decay (a rare token's row would decay unseen)."""
        decayed: list[nn.Parameter] = []
        kept: list[nn.Parameter] = []
        for name, parameter in self.classifier.named_parameters():
            matrix = parameter.ndim > 1 and not name.startswith("embedding")
            (decayed if matrix else kept).append(parameter)
        groups = [
            {"params": decayed, "weight_decay": self.config.weight_decay},
            {"params": kept, "weight_decay": 0.0},
        ]
        return AdamW(groups, lr=self.config.learning_rate, fused=True)  # one pass over memory, on a CPU too

    def configure_gradient_clipping(self, optimizer: Optimizer, *_: Any, **__: Any) -> None:
        """By value, then by norm: Lightning's own option does one of the two."""
        parameters = list(self.classifier.parameters())
        if self.config.clip_value is not None:
            nn.utils.clip_grad_value_(parameters, self.config.clip_value)
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.config.clip_norm)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Make dropout a function of (seed, step, process), so that a resumed run needs no generator state."""
        place = np.random.SeedSequence((self.config.seed, self.global_step, self.global_rank))
        torch.manual_seed(int(place.generate_state(1, np.uint64)[0]))

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """Lightning's, then the mean follows."""
        super().optimizer_step(*args, **options)
        self.averaged.update_parameters(self.classifier)

    def training_step(self, batch: Batch, batch_idx: int) -> StepOutput:
        """Mean smoothed cross-entropy of a batch, in nats. Raises LossNotFinite."""
        hidden = torch.rand(batch.tokens.shape, device=self.device) < self.config.token_dropout
        tokens = batch.tokens.masked_fill(hidden & (batch.tokens != Tokenizer.pad), Tokenizer.unknown)
        logits = self.classifier(tokens, batch.lengths, batch.pieces, self.config.batch_tokens)
        loss = cross_entropy(logits, _labels(batch), label_smoothing=self.config.label_smoothing)
        if not torch.isfinite(loss):
            raise LossNotFinite(
                f"the loss is {loss.item()} at step {self.global_step + 1} (epoch {self.current_epoch + 1}); "
                "expected a number: try a smaller --learning-rate or --clip-norm"
            )
        return {"loss": loss, "examples": len(logits), "tokens": int(batch.lengths.sum())}

    def on_validation_epoch_start(self) -> None:
        """Begin to count: sum of losses, right answers, texts."""
        self._sums = torch.zeros(3, dtype=torch.float64, device=self.device)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count one batch."""
        logits = self.averaged(batch.tokens, batch.lengths, batch.pieces, self.config.batch_tokens)
        labels = _labels(batch)
        loss = cross_entropy(logits, labels, reduction="sum")
        right = (logits.argmax(-1) == labels).sum()
        self._sums += torch.stack([loss.double(), right.double(), right.new_tensor(len(logits)).double()])

    def on_validation_epoch_end(self) -> None:
        """Score. Not by Lightning's log, which rounds to float32."""
        sums = self.trainer.strategy.reduce(self._sums, reduce_op="sum")
        loss, right, texts = sums.tolist()
        self.scores = Scores(accuracy=right / texts, loss=loss / texts)

    def _average(self, mean: Any, weights: Any, steps: Tensor | int) -> None:
        """Move each mean towards its weight, in place; faster at first, when the mean is of few steps."""
        past = min(self.config.averaging, (1 + int(steps)) / (10 + int(steps)))
        torch._foreach_lerp_(mean, weights, 1 - past)


def _labels(batch: Batch) -> Tensor:
    assert batch.labels is not None  # Prepared holds labelled texts only
    return batch.labels
