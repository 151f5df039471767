"""Trackers that follow a run: Lightning's own loggers, each in a folder of the run's, without a network.

    RUN/logs/csv/metrics.csv, RUN/logs/csv/hparams.yaml
    RUN/logs/tensorboard/          tensorboard --logdir RUN/logs
    RUN/logs/mlflow/               mlflow ui --backend-store-uri sqlite:///RUN/logs/mlflow/mlflow.db
    RUN/logs/wandb/                wandb sync RUN/logs/wandb/wandb/offline-run-*

Each is told the options of the run, a row an epoch, at the step that the epoch ended with, and the scores of the split
that is kept for the end. A run that is resumed goes on in the same logs.
"""

import csv
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.files import read_json
from cellwright.tasks.config import LIMITS, FitConfig
from cellwright.tasks.resume import kept_options
from cellwright.tasks.run import load_config
from cellwright.training.best_epoch import KeepBest
from cellwright.training.folder import LOGS, METRICS
from cellwright.training.history import History
from cellwright.training.interruption import Stopped

NAME = "cellwright"
"""Of the project or experiment that MLflow and Weights & Biases put runs under."""


@dataclass(frozen=True)
class Tracker:
    """One kind of logger."""

    open: Callable[[Path, int, str], Logger]
    """Of a folder to write into, the steps that are done, and the run's name; what was written of later steps is
    gone or superseded."""
    package: str | None = None
    """What has to be installed, and imported, beside Lightning."""
    close: Callable[[Any], None] = lambda logger: None
    """What is to be done beside `finalize`."""


def _csv(folder: Path, done: int, name: str) -> Logger:
    """Lightning's begins its file anew: what is in it is handed on."""
    file = folder / "metrics.csv"
    rows: list[dict[str, str]] = []
    if file.exists():
        with file.open(newline="", encoding="utf-8") as lines:
            rows = [row for row in csv.DictReader(lines) if int(row["step"]) <= done]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Experiment logs directory")
        logger = CSVLogger(folder.parent, name=None, version=folder.name)
        logger.experiment.metrics += [{key: value for key, value in row.items() if value} for row in rows]
    logger.save()
    return logger


def _tensorboard(folder: Path, done: int, name: str) -> Logger:
    options: dict[str, Any] = {"purge_step": done + 1, "default_hp_metric": False}
    return TensorBoardLogger(folder.parent, name=None, version=folder.name, **options)


def _mlflow(folder: Path, done: int, name: str) -> Logger:
    from mlflow.tracking import MlflowClient

    folder.mkdir(parents=True, exist_ok=True)
    where = mlflow_store(folder)
    client = MlflowClient(where)
    known = client.get_experiment_by_name(NAME)
    runs = client.search_runs([known.experiment_id]) if known else []
    run_id = runs[0].info.run_id if runs else None
    if run_id is not None:
        client.update_run(run_id, "RUNNING")
    return MLFlowLogger(
        NAME,
        run_name=name,
        tracking_uri=where,
        run_id=run_id,
        artifact_location=(folder / "artifacts").resolve().as_uri(),
    )


def mlflow_store(folder: Path) -> str:
    """Where MLflow finds the runs of a folder: in SQLite, for it refuses folders of files from its third version on."""
    return f"sqlite:///{(folder / 'mlflow.db').resolve()}"


def _wandb(folder: Path, done: int, name: str) -> Logger:
    folder.mkdir(parents=True, exist_ok=True)
    before = next(folder.glob("wandb/offline-run-*"), None)
    known = None if before is None else before.name.rpartition("-")[2]
    quiet = import_module("wandb").Settings(silent=True)
    return WandbLogger(name, save_dir=folder, id=known, offline=True, project=NAME, settings=quiet)


TRACKERS = {
    "csv": Tracker(_csv),
    "tensorboard": Tracker(_tensorboard, "tensorboard"),
    "mlflow": Tracker(_mlflow, "mlflow"),
    "wandb": Tracker(_wandb, "wandb", close=lambda logger: logger.experiment.finish()),
}


def check_loggers(config: FitConfig) -> None:
    """Raise InputError for a logger whose package is not installed."""
    for name in config.loggers:
        package = TRACKERS[name].package
        if package is not None and find_spec(package) is None:
            raise InputError(
                f"--logger {name} needs the package {package}, which is not installed; pip install {package}"
            )


@contextmanager
def trackers(out: Path, names: Sequence[str], done: int) -> Iterator[list[Logger]]:
    """The loggers of a run, open within the block; done: steps of the run so far."""
    opened: list[tuple[str, Logger]] = []
    status = "failed"
    try:
        for name in names:
            opened.append((name, TRACKERS[name].open(out / LOGS / name, done, out.resolve().name)))
        yield [logger for _, logger in opened]
        status = "success"
    except Stopped:
        status = "success"
        raise
    finally:
        for name, logger in opened:
            logger.finalize(status)
            TRACKERS[name].close(logger)


def track_scores(out: Path, split: str, scores: Mapping[str, float]) -> None:
    """Tell the loggers of a run how it was scored in the end, as `test_accuracy`, say."""
    run = load_config(out)
    config = tasks.config_of(run.task).model_validate(run.options | {"out": out, "resume": True})
    step = int(read_json(out / METRICS)["steps"])
    with trackers(out, config.loggers, step) as opened:
        for each in opened:
            each.log_metrics({f"{split}_{name}": value for name, value in scores.items()}, step)


def tell(logger: Logger, options: Mapping[str, Any]) -> None:
    """Tell a logger the options of a run; MLflow, which changes none, as tags those that a resumed run may change."""
    if not isinstance(logger, MLFlowLogger):
        logger.log_hyperparams(dict(options))
        return
    logger.log_hyperparams({name: value for name, value in options.items() if name not in LIMITS})
    for name in sorted(options.keys() & LIMITS):
        logger.experiment.set_tag(logger.run_id, name, str(options[name]))


class Tracking(Callback):
    """Tells the loggers of a run its options, each epoch, and at the end the scores of the weights that are kept.

    with Tracking(config, history, best) as tracking:
        Trainer(callbacks=[…, tracking, history]).fit(…)

    It stands before the history, whose clock begins when they are open.
    """

    def __init__(self, config: FitConfig, history: History, best: KeepBest) -> None:
        self.config = config
        self.best = best
        history.listeners.append(self._epoch)
        self._stack = ExitStack()
        self._loggers: list[Logger] = []

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = {f"best_validation_{name}": value for name, value in self.best.scores.items()}
        for each in self._loggers:
            if isinstance(each, TensorBoardLogger) and kept:  # whose page of options has a row a run that has scores
                each.log_hyperparams(kept_options(self.config), kept)
        self._stack.__exit__(kind, error, trace)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open them, at the step from which training goes on; in the first process alone."""
        if trainer.is_global_zero:
            opened = trackers(self.config.out, self.config.loggers, trainer.global_step)
            self._loggers = self._stack.enter_context(opened)
        for each in self._loggers:
            tell(each, kept_options(self.config))

    def _epoch(self, trainer: Trainer, row: Mapping[str, float]) -> None:
        """Tell them the row that the history has written, and the step size."""
        about = {name: value for name, value in row.items() if name != "step" and math.isfinite(value)}
        about["learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        for each in self._loggers:
            each.log_metrics(about, int(row["step"]))
            each.save()
