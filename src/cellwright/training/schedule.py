"""The step size over a run: constant, or up and down by a cosine."""

import math
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from cellwright.tasks.config import FitConfig
from cellwright.training.history import History
from cellwright.training.plan import Plan

RISING, RISING_STEPS = 0.05, 200
"""Share of the run in which the step size rises, and most steps: Adam's first estimates are of few gradients, and a
transducer that is slow at first may stay slow."""


class Schedule(Callback):
    """Sets the step size before each step, as a function of the share of the run that is done and of the steps.

    Done is a share of the epochs, or of the minutes where a limit of these comes first. So a run without that limit
    takes the same steps however often it is resumed; one with it takes others on another day.

    A run that is resumed with more epochs or minutes is less far gone, so that its step size rises again: that is said.
    """

    def __init__(self, config: FitConfig, plan: Plan, history: History) -> None:
        self.config = config
        self.plan = plan
        self.history = history
        self._before: float | None = None  # the size of the last step before a resume with other limits
        self._limits = {"epochs": plan.epochs, "minutes": plan.minutes}
        self._changed = False

    def state_dict(self) -> dict[str, Any]:
        """The limits that step sizes go by, for the checkpoint."""
        return self._limits

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Note whether a resumed run has other limits than before."""
        self._changed = state_dict != self._limits

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what the checkpoint has brought."""
        if self._changed:
            self._before = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set it."""
        if self.config.lr_schedule == "constant":
            return
        batches, together = float(trainer.num_training_batches), trainer.accumulate_grad_batches
        # By steps, so that accumulated batches move the weights as one of their size would.
        step, steps = batch_idx // together, math.ceil(batches / together)
        done = Done(*((trainer.current_epoch + each / steps) / self.plan.epochs for each in (step, step + 1)))
        if self.plan.minutes is not None:
            # Processes whose clocks differ would move the same weights by different steps, and so apart.
            seconds = trainer.strategy.reduce(torch.tensor(self.history.seconds, dtype=torch.float64), reduce_op="mean")
            done = Done(*(max(share, float(seconds) / (60 * self.plan.minutes)) for share in done))
        size = self.config.learning_rate * cosine(done, trainer.global_step + 1)
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = size
        if self._before is not None and size > self._before and risen(done, trainer.global_step + 1) == 1:
            self.history.say(
                f"the step size rises from {self._before:.2g} to {size:.2g}, for the cosine now falls for longer; "
                "train anew with these limits for a step size that falls once"
            )
        self._before = None


class Done(NamedTuple):
    """Shares of a run that are done before and after a step."""

    before: float
    after: float


def cosine(done: Done, step: int) -> float:
    """Factor of the size of a step, counted from 1: small at first, soon 1, and nearly 0 at the end.

    It rises by what is done after the step and falls by what was before it: neither the first nor the last is 0.
    """
    fallen = min(max(done.before - RISING, 0.0) / (1 - RISING), 1.0)
    return risen(done, step) * 0.5 * (1 + math.cos(math.pi * fallen))


def risen(done: Done, step: int) -> float:
    """The part of the way up that is done; 1: the step size has begun to fall."""
    return min(max(done.after / RISING, step / RISING_STEPS), 1.0)
