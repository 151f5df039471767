"""Train a classifier from a file of labelled text: the whole of `cellwright fit`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cellwright.training.config import FitConfig

Stop = Literal["epochs", "patience", "minutes", "interrupted"]


@dataclass(frozen=True)
class FitResult:
    """How a training run ended."""

    out: Path
    """The run folder; `load_run(out)` reads the best model."""
    stopped: Stop
    """Why training ended: all epochs done, no better score for `patience` epochs, out of minutes, Ctrl-C."""
    epochs: int
    """Whole epochs done."""
    best_epoch: int
    """The epoch, from 1, whose weights are kept."""
    validation_accuracy: float
    """Share of the validation texts that the kept weights label correctly."""
    validation_loss: float
    """Mean cross-entropy of the kept weights on the validation texts, in nats."""
    seconds: float
    """Wall time of training, earlier parts of a resumed run included."""
    warnings: tuple[str, ...] = ()
    """Sentences the user should read, such as a model no better than the majority class."""


def fit(
    config: FitConfig,
    *,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> FitResult:
    """Train, and leave the best model in `config.out`.

    progress: show Lightning's progress bar (loss, tokens a second, time left).
    say: is given one sentence at a time: what the data is, each epoch's scores, why training stopped.

    Raises InputError for the user's mistakes: data that cannot be read, `out` that exists or cannot be written,
    options that differ from those of the run being resumed, a full disk, a loss that is no longer a number.
    """
    raise NotImplementedError
