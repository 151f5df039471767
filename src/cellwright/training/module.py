"""What one step is: loss, gradient clipping, optimizer, and the score on the validation split."""

import math
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from cellwright.errors import InputError
from cellwright.tasks.config import FitConfig
from cellwright.tasks.run import load_weights
from cellwright.tasks.task import Objective, Step
from cellwright.training.data import Share
from cellwright.training.ema import EMA
from cellwright.training.optimizer import clip, make_dense, make_optimizer, scale
from cellwright.training.processes import gathered, processes, summed


class LossNotFinite(InputError):
    """The loss is infinite or not a number, so that no later step can mend the weights."""


class StepOutput(TypedDict):
    """What a training step hands to the callbacks, of all processes together: see `cellwright.tasks.task.Step`."""

    loss: Tensor
    """What is differentiated: the mean of it over the processes is that of the loss over all examples."""
    mean: float
    """The loss."""
    examples: int
    tokens: int


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
        """Make of gradients that were accumulated, of sums, those of the mean over all examples of all processes.

        Lightning's mean is one of means, in which an example of a small batch would count for more.
        """
        if self.config.accumulate_grad_batches > 1:
            scale(self.model.parameters(), self.config.accumulate_grad_batches / max(self._examples, 1))
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

    def training_step(self, batch: Share, batch_idx: int) -> StepOutput:
        """The objective's loss of a batch, of which several processes have a share each. Raises LossNotFinite."""
        output = _of_the_whole(self.objective.loss(self.model, batch.batch), batch.counts, self.device)
        self._counts = batch.counts
        if not math.isfinite(output["mean"]):
            raise LossNotFinite(
                f"the loss is {output['mean']} at step {self.global_step + 1} (epoch {self.current_epoch + 1}); "
                "expected a number: try a smaller --learning-rate or --clip-norm"
            )
        if self.config.accumulate_grad_batches > 1:
            output["loss"] = output["loss"] * output["examples"]
            self._examples += output["examples"]
        return output

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


def _of_the_whole(step: Step, counts: bool, device: torch.device) -> StepOutput:
    """What the shares of all processes come to; counts: whether this one's does.

    DDP takes the mean of the processes' gradients, in which one of few examples would weigh as much as one of many.
    """
    if processes() == 1:
        return StepOutput(loss=step.loss, mean=step.loss.item(), examples=step.examples, tokens=step.tokens)
    own = step.examples if counts else 0
    total, examples, tokens = summed([step.loss.item() * own, own, step.tokens if counts else 0], device)
    most = max(examples, 1)  # series may have nothing to learn of in a batch
    loss = step.loss * (own * processes() / most)
    return StepOutput(loss=loss, mean=total / most, examples=int(examples), tokens=int(tokens))
