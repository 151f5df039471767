"""An end after an epoch, where whoever compares runs says that this one is not worth more of them."""

from collections.abc import Callable, Mapping

from lightning.pytorch import Callback, LightningModule, Trainer

from cellwright.training.interruption import Stopped
from cellwright.training.module import TrainedModule


class Pruning(Callback):
    """Ends the run where `goes_on`, told the epoch, from 1, and its validation scores, answers False.

    No checkpoint is written then: a run that is killed before anybody noted its end is resumed before that epoch, and
    asks anew.
    """

    def __init__(self, goes_on: Callable[[int, Mapping[str, float]], bool]) -> None:
        self.goes_on = goes_on

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask; validation is done by now, and its model kept if it is the best."""
        assert isinstance(pl_module, TrainedModule)
        if not self.goes_on(trainer.current_epoch + 1, pl_module.scores):
            raise Stopped("pruned")
