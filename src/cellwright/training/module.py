"""What one step is: loss, gradient clipping, optimizer, and the score on the validation split."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from cellwright.errors import InputError
from cellwright.tasks.config import FitConfig
from cellwright.tasks.run import load_weights
from cellwright.tasks.task import Objective
from cellwright.training.data import Share
from cellwright.training.ema import EMA
from cellwright.training.optimizer import clip, make_dense, make_optimizer, scale
from cellwright.training.processes import gathered, processes, summed, summing


class LossNotFinite(InputError):
    """The loss is infinite or not a number, so that no later step can mend the weights."""


class Whole(NamedTuple):
    """What a batch came to, of all processes together: see `cellwright.tasks.task.Step`."""

    loss: float
    examples: int
    tokens: int
    asked: list[float]
    """Of what `TrainedModule.asks` gave, the sums."""


class TrainedModule(LightningModule):
    """A model in training, and the moving average (EMA) of its weights, which is what is scored and kept."""

    def __init__(
        self, objective: Objective, config: FitConfig, *, resumed: bool = False, weights: Path | None = None
    ) -> None:
        """resumed: a checkpoint will give the weights. weights: a file of those to begin from, else the objective's."""
        super().__init__()
        self.objective = objective
        self.config = config
        self.model = objective.model()
        if weights is not None:
            load_weights(weights, self.model)
        elif not resumed:
            objective.begin(self.model)
        self.averaged = EMA(self.model, config.ema_decay)
        self.scores: dict[str, float] = {}
        """Of the last validation."""
        self.whole = Whole(0.0, 0, 0, [])
        """What the last batch came to, from the end of its backward pass on."""
        self.asks: Callable[[], Sequence[float]] = tuple
        """Numbers of this process that travel with those of each batch, to be summed over all processes."""
        self._summed = processes() > 1 or config.accumulate_grad_batches > 1
        """Whether gradients are sums over examples until the step."""
        self._examples = 0  # of the batches whose gradients are waiting for the step
        self._counts = True
        self._dense: list[nn.Parameter] = []

    @property
    def result(self) -> nn.Module:
        """The model with the mean weights."""
        return self.averaged.module

    def configure_optimizers(self) -> Optimizer:
        """Adam; see `make_optimizer`."""
        return make_optimizer(self.model, self.config.learning_rate, self.config.weight_decay, self._dense)

    def make_dense(self) -> None:
        """Let embeddings have dense gradients, where a step may leave them out: DDP waits for sparse ones then."""
        self._dense = make_dense(self.model)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Make of gradients that are sums those of the mean over all examples, of all batches and all processes.

        The mean that Lightning takes of batches, and DDP of processes, is one of means, in which an example of a small
        batch would count for more.
        """
        if self._summed:
            parts = self.config.accumulate_grad_batches * processes()
            scale(self.model.parameters(), parts / max(self._examples, 1))  # series may have nothing to learn of
        self._examples = 0

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """By value, then by norm: Lightning's own option does one of the two."""
        clip(self.model.parameters(), self.config.clip_value, self.config.clip_norm)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Make dropout a function of (seed, step, process) and of the batch among those of the step.

        So a resumed run needs no generator state.
        """
        if batch_idx == 0:
            self.objective.begin_pass(training=True)
        among = batch_idx % self.config.accumulate_grad_batches
        # Not a 0 for the first: runs of before this option keep their bits.
        place = (self.config.seed, self.global_step, self.global_rank, *([among] if among else []))
        seed = int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0])
        if torch.accelerator.is_available():
            torch.manual_seed(seed)
        else:  # which is half a millisecond faster: that notes the stack for each kind of device that is not there
            torch.default_generator.manual_seed(seed)

    def optimizer_step(self, *args: Any, **options: Any) -> None:
        """Lightning's, then the mean follows."""
        super().optimizer_step(*args, **options)
        self.averaged.follow(self.model)

    def training_step(self, batch: Share, batch_idx: int) -> Tensor:
        """The objective's loss of a batch, of which several processes have a share each; a sum where these are added.

        What the shares come to is under way during the backward pass, so that no process waits for it.
        """
        step = self.objective.loss(self.model, batch.batch)
        self._counts = batch.counts
        examples, tokens = (step.examples, step.tokens) if batch.counts else (0, 0)
        self._mean = step.loss.item()
        self._arriving = summing([self._mean * examples, examples, tokens, *self.asks()], self.device)
        return step.loss * examples if self._summed else step.loss

    def on_after_backward(self) -> None:
        """Note what the batch came to. Raises LossNotFinite."""
        total, examples, tokens, *asked = self._arriving()
        loss = self._mean if processes() == 1 else total / max(examples, 1)
        self.whole = Whole(loss, int(examples), int(tokens), asked)
        self._examples += self.whole.examples
        if not math.isfinite(loss):
            raise LossNotFinite(
                f"the loss is {loss} at step {self.global_step + 1} (epoch {self.current_epoch + 1}); "
                "expected a number: try a smaller --learning-rate or --clip-norm"
            )

    def on_validation_epoch_start(self) -> None:
        """Begin to count."""
        self.objective.begin_pass(training=False)
        self._sums: Tensor | None = None

    def validation_step(self, batch: Share, batch_idx: int) -> None:
        """Count one batch."""
        found = self.objective.measure(self.result, batch.batch).double() * batch.counts
        self._sums = found if self._sums is None else self._sums + found

    def on_validation_epoch_end(self) -> None:
        """Score all of the split, whoever measured it. Not by Lightning's log, which rounds to float32."""
        assert self._sums is not None  # no split is without an example
        self.scores = self.objective.scores(summed(self._sums.tolist(), self.device))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the objective of each process carries from batch to batch, if a part of the last one was its own."""
        states = gathered(self.objective.state_dict() if self._counts else None)
        checkpoint["objective"] = [state for state in states if state is not None]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from there, among as many processes as there are now."""
        share = self.objective.share_state(checkpoint["objective"], self.global_rank, self.trainer.world_size)
        self.objective.load_state_dict(share)
