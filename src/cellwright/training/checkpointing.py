"""Checkpoints to resume from: at the end of each epoch, every so many seconds within one, and before a stop."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from cellwright.errors import InputError
from cellwright.tasks.config import FitConfig
from cellwright.training.checkpoint_io import SafetensorsIO
from cellwright.training.data import TrainingData
from cellwright.training.folder import CHECKPOINT
from cellwright.training.history import History
from cellwright.training.interruption import Interruption, Reason, Stopped
from cellwright.training.module import TrainedModule
from cellwright.training.plan import Plan
from cellwright.training.processes import processes, summed


def check_checkpoint(config: FitConfig, plan: Plan) -> None:
    """Raise InputError where a run is to be resumed from a damaged file, or has reached the limits it is given."""
    path = config.out / CHECKPOINT
    if not (config.resume and path.exists()):
        return
    checkpoint = SafetensorsIO().load_checkpoint(path)
    done, minutes = checkpoint[TrainingData.__name__]["epoch"], checkpoint["history"]["seconds"] / 60
    if done > plan.epochs:
        raise InputError(
            f"{config.out}: {done} epochs are done, and at most {plan.epochs} are to be; expected at least as many: "
            f"give --max-epochs {done}, or more"
        )
    if plan.minutes is not None and minutes >= plan.minutes and done < plan.epochs:
        raise InputError(
            f"{config.out}: {minutes:.3g} minutes of training are done, and max_minutes, which a resumed run keeps, is "
            f"{plan.minutes:.3g}; expected more: give --max-minutes, none for no limit"
        )


class CheckpointCallback(Checkpoint):
    """Write `checkpoints/last.safetensors` between steps, when the whole state is a function of what is saved.

    Lightning runs Checkpoint callbacks after all others, so the file holds what they did at the same step.
    """

    def __init__(
        self, path: Path | None, seconds: float, history: History, interruption: Interruption, max_minutes: float | None
    ) -> None:
        """path: None writes nothing, but stops when it is time to."""
        self.path = path
        self.seconds = seconds
        self.history = history
        self.interruption = interruption
        self.max_minutes = max_minutes
        self._written = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have what is asked of all processes at each step asked by it."""
        assert isinstance(pl_module, TrainedModule)
        if processes() > 1:
            pl_module.asks = self._asks

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time to, after a step. The last batch of an epoch is left to the epoch's end."""
        # Between two batches of one step there are gradients, which no checkpoint holds.
        if batch_idx + 1 == trainer.num_training_batches or (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        assert isinstance(pl_module, TrainedModule)
        # As it was when the step began, for several processes: to ask them now would be to wait for the last one.
        due, reason = _answer(pl_module.whole.asked if processes() > 1 else self._asks())
        if reason or due:
            self._save(trainer, trainer.current_epoch, batch_idx + 1)
        if reason:
            raise Stopped(reason)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save; validation, best model and history of the epoch are done."""
        self._save(trainer, trainer.current_epoch + 1, 0)
        _, reason = _answer(summed(self._asks(), pl_module.device))
        if reason:
            raise Stopped(reason)

    def _save(self, trainer: Trainer, epoch: int, done: int) -> None:
        data = trainer.datamodule  # type: ignore[attr-defined]  # Lightning sets it without declaring it
        assert isinstance(data, TrainingData)
        data.epoch, data.done = epoch, done
        if self.path is not None:
            trainer.save_checkpoint(self.path)
        self._written = time.monotonic()

    def _asks(self) -> list[float]:
        """Of this process: whether a checkpoint is due, it is to stop, and the minutes are over."""
        due = time.monotonic() - self._written >= self.seconds
        over = self.max_minutes is not None and self.history.seconds >= 60 * self.max_minutes
        return [due, self.interruption.requested, over]


def _answer(asked: Sequence[float]) -> tuple[bool, Reason | None]:
    """Whether to write a checkpoint, and why to stop now: what one process asks for all do, or one would wait."""
    due, interrupted, over = asked
    return bool(due), "interrupted" if interrupted else "minutes" if over else None
