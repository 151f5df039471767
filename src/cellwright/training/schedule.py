"""The step size over a run: constant, or up and down by a cosine."""

import math
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from cellwright.tasks.config import FitConfig
from cellwright.training.journal import Journal

RISING, RISING_STEPS = 0.05, 200
"""Share of the run in which the step size rises, and most steps: Adam's first estimates are of few gradients, and a
transducer that is slow at first may stay slow."""


class Schedule(Callback):
    """Sets the step size before each step, as a function of the share of the run that is done and of the steps.

    Done is a share of the epochs, or of the minutes where a limit of these comes first. So a run without that limit
    takes the same steps however often it is resumed; one with it takes others on another day.
    """

    def __init__(self, config: FitConfig, journal: Journal) -> None:
        self.config = config
        self.journal = journal

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set it."""
        if self.config.schedule == "constant":
            return
        share = (trainer.current_epoch + batch_idx / float(trainer.num_training_batches)) / self.config.max_epochs
        if self.config.max_minutes is not None:
            # Processes whose clocks differ would move the same weights by different steps, and so apart.
            seconds = trainer.strategy.reduce(torch.tensor(self.journal.seconds, dtype=torch.float64), reduce_op="mean")
            share = max(share, float(seconds) / (60 * self.config.max_minutes))
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = self.config.learning_rate * cosine(share, trainer.global_step)


def cosine(share: float, step: int) -> float:
    """Factor of the step size when `share` of the run is done, in `step` steps: 0 at first, soon 1, 0 at the end."""
    risen = min(max(share / RISING, step / RISING_STEPS), 1.0)
    fallen = min(max(share - RISING, 0.0) / (1 - RISING), 1.0)
    return risen * 0.5 * (1 + math.cos(math.pi * fallen))
