"""What one step is: loss, gradient clipping, optimizer, and the score on the validation split."""

from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

from cellwright.errors import InputError
from cellwright.tasks.config import FitConfig
from cellwright.tasks.run import load_weights
from cellwright.tasks.task import Objective
from cellwright.training.ema import EMA
from cellwright.training.optimizer import clip, make_optimizer, scale


class LossNotFinite(InputError):
    """The loss is infinite or not a number, so that no later step can mend the weights."""


class StepOutput(TypedDict):
    """What a training step hands to the callbacks: see `cellwright.tasks.task.Step`."""

    loss: Tensor
    """What gradients are taken of; Lightning hands it on divided by the batches of a step."""
    mean: Tensor
    """The objective's loss of the batch, without a graph."""
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

    @property
    def result(self) -> nn.Module:
        """The model with the mean weights."""
        return self.averaged.module

    def configure_optimizers(self) -> Optimizer:
        """Adam; see `make_optimizer`."""
        return make_optimizer(self.model, self.config.learning_rate, self.config.weight_decay)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Make of gradients that were accumulated, of sums, those of the mean over all examples of all processes.

        Lightning's mean is one of means, in which an example of a small batch would count for more.
        """
        if self.config.accumulate_grad_batches > 1:
            own = torch.tensor(self._examples, dtype=torch.float64, device=self.device)
            examples = float(self.trainer.strategy.reduce(own, reduce_op="mean"))  # DDP has averaged the gradients
            scale(self.model.parameters(), self.config.accumulate_grad_batches / max(examples, 1.0))
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

    def training_step(self, batch: Any, batch_idx: int) -> StepOutput:
        """The objective's loss of a batch. Raises LossNotFinite."""
        step = self.objective.loss(self.model, batch)
        if not torch.isfinite(step.loss):
            raise LossNotFinite(
                f"the loss is {step.loss.item()} at step {self.global_step + 1} (epoch {self.current_epoch + 1}); "
                "expected a number: try a smaller --learning-rate or --clip-norm"
            )
        loss = step.loss
        if self.config.accumulate_grad_batches > 1:
            loss = loss * step.examples
            self._examples += step.examples
        return StepOutput(loss=loss, mean=step.loss.detach(), examples=step.examples, tokens=step.tokens)

    def on_validation_epoch_start(self) -> None:
        """Begin to count."""
        self.objective.begin_pass(training=False)
        self._sums: Tensor | None = None

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Count one batch."""
        found = self.objective.measure(self.result, batch).double()
        self._sums = found if self._sums is None else self._sums + found

    def on_validation_epoch_end(self) -> None:
        """Score. Not by Lightning's log, which rounds to float32."""
        assert self._sums is not None  # no split is without an example
        self.scores = self.objective.scores(self.trainer.strategy.reduce(self._sums, reduce_op="sum").tolist())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the objective of each process carries from batch to batch."""
        checkpoint["objective"] = _of_all(self.objective.state_dict())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on from there. Raises InputError where there were more processes or fewer."""
        states, count = checkpoint["objective"], self.trainer.world_size
        if len(states) != count:
            raise InputError(
                f"{self.config.out}: was trained by {len(states)} processes, and {count} resume it; expected as many, "
                "for each goes on with its share of the texts"
            )
        self.objective.load_state_dict(states[self.global_rank])


def _of_all(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The states of all processes, in their order."""
    if not distributed.is_initialized():
        return [state]
    states: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(states, state)
    return states
