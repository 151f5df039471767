"""Lightning's progress bar with what matters here: loss, tokens a second, time left in the epoch."""

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm

from cellwright.training.module import TrainedModule

SMOOTHING = 0.98
"""Weight of the past in the loss shown: an average of the last fifty steps or so."""


class ProgressBar(TQDMProgressBar):
    """On standard error, since standard output is for results."""

    def __init__(self) -> None:
        super().__init__()
        self._loss: float | None = None
        self._tokens = 0
        self._since = time.monotonic()

    def init_train_tqdm(self) -> Tqdm:
        """Lightning's bar, on standard error."""
        return _bar("training", self.is_disabled, position=0)

    def init_validation_tqdm(self) -> Tqdm:
        """Lightning's bar, on standard error, gone when validation is."""
        return _bar("validation", self.is_disabled, position=1)

    def on_train_epoch_start(self, trainer: Trainer, *args: Any) -> None:
        """Count the speed anew, without the validation in between."""
        super().on_train_epoch_start(trainer, *args)
        self.train_progress_bar.set_description(f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}")
        self._tokens, self._since = 0, time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, then draw."""
        assert isinstance(pl_module, TrainedModule)
        loss, _, tokens, _ = pl_module.whole
        self._loss = loss if self._loss is None else SMOOTHING * self._loss + (1 - SMOOTHING) * loss
        self._tokens += tokens
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_validation_batch_start(self, trainer: Trainer, *args: Any, **options: Any) -> None:
        """Lightning's, without the number of the loader: there is one."""
        super().on_validation_batch_start(trainer, *args, **options)
        self.val_progress_bar.set_description("validation")

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """What stands behind the bar."""
        speed = self._tokens / max(time.monotonic() - self._since, 1e-9)
        return {"loss": f"{self._loss or 0:.3f}", "tokens/s": f"{speed:,.0f}"}


def _bar(description: str, disable: bool, position: int) -> Tqdm:
    return Tqdm(
        desc=description,
        disable=disable,
        position=position,
        leave=False,
        dynamic_ncols=True,
        file=sys.stderr,
        smoothing=0,
        bar_format="{desc}{percentage:3.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]",
    )
