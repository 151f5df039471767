"""Keep the weights of the best epoch, and stop when it was too long ago; without validation keep the last."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from cellwright.errors import InputError
from cellwright.tasks.run import save_weights
from cellwright.tasks.task import Metric
from cellwright.training.module import TrainedModule


class KeepBest(Callback):
    """Write `model.safetensors` whenever the validation score gets better, or equals the best at a lower loss.

    Lightning's EarlyStopping forgets on resume that it had stopped, and its ModelCheckpoint writes pickles of
    the whole state; one callback for both also has one idea of what is better.
    """

    def __init__(self, folder: Path, patience: int, metric: Metric) -> None:
        self.folder = folder
        self.patience = patience
        self.metric = metric
        self.epoch = 0
        """Of the best, without validation of the last, from 1; 0 before any, and where the last weights, within an
        epoch, are kept."""
        self.scores: dict[str, float] = {}
        self.waited = 0
        """Epochs since the best."""

    @property
    def kept(self) -> bool:
        """Whether the weights of some epoch, or of the end of the run, are in the folder."""
        return bool(self.scores) or self.epoch > 0

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must remember."""
        return {"epoch": self.epoch, "scores": self.scores, "waited": self.waited}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Remember it. Raises InputError where the checkpoint is of a version that compared epochs by another score."""
        if state_dict["scores"] and self.metric.name not in state_dict["scores"]:
            raise InputError(
                f"{self.folder}: its epochs were compared by {', '.join(state_dict['scores'])}, and this version goes "
                f"by {self.metric.name}; train anew with --overwrite"
            )
        self.epoch, self.scores, self.waited = (state_dict[name] for name in ("epoch", "scores", "waited"))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A run resumed after its patience ran out is done."""
        trainer.should_stop = self.exhausted

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep every epoch where nothing compares them."""
        assert isinstance(pl_module, TrainedModule)
        if not pl_module.scores:
            self.epoch = trainer.current_epoch + 1
            self._save(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare, keep, or grow impatient."""
        assert isinstance(pl_module, TrainedModule)
        scores = pl_module.scores
        self.waited += 1
        if not self.scores or self.metric.rank(scores) > self.metric.rank(self.scores):
            self.epoch, self.scores, self.waited = trainer.current_epoch + 1, scores, 0
            self._save(trainer, pl_module)
        trainer.should_stop = self.exhausted

    def _save(self, trainer: Trainer, module: TrainedModule) -> None:
        if trainer.is_global_zero:
            note = {"epoch": self.epoch} | {f"validation_{name}": score for name, score in self.scores.items()}
            save_weights(self.folder, module.result, note)
