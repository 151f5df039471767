"""One training run on Lightning's Trainer: the parts put together, started, and ended in order."""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from inspect import signature
from typing import Any, Literal

import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm
from lightning.pytorch.strategies import DDPStrategy
from torch.nn.parallel import DistributedDataParallel

from cellwright.errors import InputError
from cellwright.tasks.config import FitConfig
from cellwright.tasks.run import save_weights
from cellwright.tasks.task import Prepared
from cellwright.training.best_epoch import KeepBest
from cellwright.training.checkpoint_io import SafetensorsIO
from cellwright.training.checkpointing import CheckpointCallback
from cellwright.training.data import TrainingData
from cellwright.training.folder import CHECKPOINT, LOG
from cellwright.training.history import History
from cellwright.training.interruption import Interruption, Stopped
from cellwright.training.loggers import Tracking
from cellwright.training.module import LossNotFinite, TrainedModule
from cellwright.training.plan import Plan
from cellwright.training.precision import multiplying, of_lightning
from cellwright.training.processes import is_first_process, processes
from cellwright.training.progress import ProgressBar
from cellwright.training.pruning import Pruning
from cellwright.training.schedule import Schedule

Stop = Literal["epochs", "patience", "minutes", "interrupted", "pruned"]
GoesOn = Callable[[int, Mapping[str, float]], bool]
"""Is told each epoch, from 1, with its validation scores, and says whether training goes on."""


class Session:
    """The module, the data and the callbacks of one run.

    session = Session(prepared, Plan.of(prepared.config, steps), progress=True, say=print)
    why = session.run()
    """

    def __init__(
        self,
        prepared: Prepared[Any, Any],
        plan: Plan,
        *,
        progress: bool,
        say: Callable[[str], None],
        resumable: bool = True,
        goes_on: GoesOn | None = None,
    ) -> None:
        """resumable: whether checkpoints are written. goes_on: is asked after each epoch; None: it goes on."""
        self.config: FitConfig = prepared.config
        self.plan = plan
        self.progress = progress
        self.resumable = resumable
        self.goes_on = goes_on
        self.say = _around_the_bar(say) if is_first_process() else _silent
        torch.manual_seed(self.config.seed)
        path = self.config.out / CHECKPOINT
        # Without a checkpoint the run was killed before its first: it begins again, with its own options.
        self.resumed = path if self.config.resume and path.exists() else None
        resumed = self.resumed is not None
        self.module = TrainedModule(prepared.objective, self.config, resumed=resumed, weights=prepared.weights)
        if processes() > 1 and prepared.objective.partial:
            self.module.make_dense()
        self.data = TrainingData(prepared.train, prepared.validation, self.config.num_workers)
        self.best = KeepBest(self.config.out, plan.patience, prepared.objective.metric)
        self.history = History(self.config.out / LOG, self.best, plan, self.say)

    @property
    def steps(self) -> int:
        """Optimizer steps done, those before a resume included."""
        return self.module.averaged.steps  # Lightning's count is the last Trainer's

    def run(self) -> Stop:
        """Train until something ends it; the best model is in the folder then.

        Raises InputError for a full disk and for a loss that is no longer a number.
        """
        try:
            with _quiet_lightning(), multiplying(self.config.precision), Interruption(self.say) as interruption:
                self._fit(interruption)
        except Stopped as stopped:
            if stopped.reason == "minutes" or not self.best.kept:
                self._keep_last()
            if stopped.reason == "minutes" and self.resumable:
                self._remember()
            return stopped.reason
        except LossNotFinite as error:
            kept = f"the model of epoch {self.best.epoch} stays" if self.best.epoch else "no model was kept"
            raise InputError(f"{error}; {kept}") from None
        return "patience" if self.best.exhausted else "epochs"

    def _fit(self, interruption: Interruption) -> None:
        config, plan = self.config, self.plan
        path = config.out / CHECKPOINT if self.resumable else None
        checkpoints = CheckpointCallback(path, config.checkpoint_seconds, self.history, interruption, plan.minutes)
        callbacks: list[Callback] = [Schedule(config, plan, self.history), self.best, self.history, checkpoints]
        tracking = Tracking(config, self.history, self.best) if config.loggers else None
        if tracking is not None:
            callbacks.insert(0, tracking)
        if self.goes_on is not None:
            callbacks.append(Pruning(self.goes_on))
        if self.progress:
            callbacks.append(ProgressBar())
        trainer = _trainer(
            plan.epochs,
            callbacks,
            config.precision,
            accumulated=config.accumulate_grad_batches,
            partial=self.module.objective.partial,
            validated=self.validated,
        )
        with tracking or nullcontext():
            trainer.fit(self.module, datamodule=self.data, ckpt_path=self.resumed)

    @property
    def validated(self) -> bool:
        """Whether epochs are scored and compared."""
        return self.data.validation is not None

    def _keep_last(self) -> None:
        """Stopped within an epoch: score the weights there are, and keep them unless an epoch's were better."""
        if self.validated:
            with _quiet_lightning(), multiplying(self.config.precision), Interruption(self.say):
                _trainer(1, [], self.config.precision).validate(self.module, datamodule=self.data, verbose=False)
        best, scores = self.best, self.module.scores
        if best.scores and best.metric.rank(scores) <= best.metric.rank(best.scores):
            return
        best.epoch, best.scores = 0, scores
        if is_first_process():
            save_weights(self.config.out, self.module.result, {"epoch": 0})

    def _remember(self) -> None:
        """Let the checkpoint know which weights are kept now, for it was written before."""
        path = self.config.out / CHECKPOINT
        if is_first_process():
            checkpoint = SafetensorsIO().load_checkpoint(path)
            checkpoint["callbacks"][self.best.state_key] = self.best.state_dict()
            SafetensorsIO().save_checkpoint(checkpoint, path)


def _trainer(
    max_epochs: int,
    callbacks: list[Callback],
    precision: str,
    *,
    accumulated: int = 1,
    partial: bool = False,
    validated: bool = True,
) -> Trainer:
    """Lightning's Trainer, alone or as one of the processes that `torchrun` started.

    accumulated: batches of a step. partial: as of `Objective`.
    """
    local, world = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), processes()
    trainer = Trainer(
        accelerator="gpu" if torch.cuda.is_available() else "cpu",
        devices=local,
        num_nodes=world // local,
        strategy=DDPStrategy(find_unused_parameters=partial, **_OF_DDP) if world > 1 else "auto",
        precision=of_lightning(precision),
        max_epochs=max_epochs,
        accumulate_grad_batches=accumulated,
        callbacks=callbacks,
        plugins=[SafetensorsIO()],
        use_distributed_sampler=False,  # a feed shares the examples out itself
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        limit_val_batches=None if validated else 0,
        logger=False,
        enable_checkpointing=any(isinstance(callback, CheckpointCallback) for callback in callbacks),
        enable_progress_bar=any(isinstance(callback, ProgressBar) for callback in callbacks),
        enable_model_summary=False,
    )
    leave_signals(trainer)
    return trainer


def leave_signals(trainer: Trainer) -> None:
    """Have `Interruption` alone answer SIGTERM, beside which Lightning 2.6 has an answer of its own.

    Several processes wait for it before each batch (findings/lightning_broadcast_each_batch.sh), and where the signal
    comes, within its handler, for what the others do not send. Versions that do not are left as they are.
    """
    for owner, name in (
        (trainer.fit_loop.epoch_loop, "_broadcast_sigterm_tensor"),
        (getattr(trainer, "_signal_connector", None), "_sigterm_notifier_fn"),
    ):
        if hasattr(owner, name):
            setattr(owner, name, lambda *_: None)


_SYNC = "forward_sync_buffers"  # torch 2.13 calls it so
_BUFFERS = _SYNC if _SYNC in signature(DistributedDataParallel).parameters else "broadcast_buffers"
_OF_DDP: dict[str, Any] = {_BUFFERS: False, "gradient_as_bucket_view": True}
"""Buffers are the same in all processes: none of the models has one that goes by the batch. Gradients lie where the
processes add them: they are not copied there and back."""


def _silent(sentence: str) -> None:
    """Say nothing: another process does."""


def _around_the_bar(say: Callable[[str], None]) -> Callable[[str], None]:
    """Say without writing into a progress bar that is on screen."""

    def clear_and_say(sentence: str) -> None:
        with Tqdm.external_write_mode():
            say(sentence)

    return clear_and_say


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Hold back Lightning's remarks on the machine and its tips; its warnings of errors stay."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=PossibleUserWarning)
            warnings.filterwarnings("ignore", message=".*LeafSpec")  # Lightning 2.6 on torch 2.13
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
