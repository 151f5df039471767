"""Train a model from a file of examples: the whole of `cellwright fit`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from cellwright import tasks
from cellwright.errors import InputError
from cellwright.models.files import write_json
from cellwright.tasks.config import FitConfig
from cellwright.tasks.run import MODEL, load_config, save_description
from cellwright.tasks.task import Prepared, merged
from cellwright.training.curve import draw_curve
from cellwright.training.folder import CURVE, METRICS, check_folder, make_folder
from cellwright.training.session import Session, Stop, is_first_process

ENDINGS: dict[Stop, str] = {
    "epochs": "all epochs are done",
    "patience": "no better score for {patience} epochs",
    "minutes": "the {max_minutes:g} minutes are over; --resume with more goes on",
    "interrupted": "stopped by request; --resume goes on",
}


@dataclass(frozen=True)
class FitResult:
    """How a training run ended; `metrics.json` holds the same."""

    out: Path
    """The run folder; `load_run(out)` reads the best model."""
    stopped: Stop
    """Why: all epochs done, no better score for `patience` epochs, out of minutes, Ctrl-C."""
    epochs: int
    """Whole epochs done."""
    steps: int
    """Optimizer steps done."""
    best_epoch: int
    """The epoch, from 1, whose weights are kept; 0: those it stopped with, within an epoch."""
    metric: str
    """The score by which epochs were compared."""
    validation: dict[str, float]
    """The scores of the kept weights on the validation side: that of `metric`, "loss", and others of the task."""
    floor: float
    """What costs nothing, of the same score: what any model should beat."""
    parameters: int
    """Numbers that were trained."""
    seconds: float
    """Wall time of training, before a resume included."""


def fit(config: FitConfig, *, progress: bool = True, say: Callable[[str], None] = print) -> FitResult:
    """Train, and leave the best model in `config.out`.

        result = fit(ClassifyConfig(data="reviews-zh", out="runs/first"))
        run = load_run(result.out)

    progress: show Lightning's progress bar (loss, tokens a second, time left) on standard error.
    say: is given one sentence at a time: what the data is, each epoch's scores, why training stopped.

    The first Ctrl-C or SIGTERM stops after the step, with the best model so far. Started by `torchrun`, the
    processes share each epoch's batches (Lightning's DDP); the first one writes and speaks.

    Raises InputError for the user's mistakes: data that cannot be read, `out` that exists or cannot be written,
    options that differ from those of the run being resumed, a full disk, a loss that is no longer a number.
    """
    if is_first_process():
        check_folder(config)
    prepared = _prepare(config)
    if prepared.config.threads is not None:
        torch.set_num_threads(prepared.config.threads)
    if is_first_process():
        make_folder(prepared.config)
        save_description(prepared.config.out, prepared.run, prepared.files)
    session = Session(prepared, progress=progress, say=say)
    for note in prepared.notes:
        session.say(note)
    result = _result(prepared, session, session.run())
    if is_first_process():
        _write(result, session)
    for sentence in _closing(prepared, result):
        session.say(sentence)
    return result


def _prepare(config: FitConfig) -> Prepared[Any, Any]:
    """Read the data; take the options from the run when resuming. Raises InputError where the two do not fit."""
    task = tasks.get(config.task)
    if not config.resume:
        return task.prepare(config, None)
    before = load_config(config.out)
    prepared = task.prepare(merged(config, before), before)
    if prepared.run.fingerprint != before.fingerprint:
        raise InputError(
            f"{config.data}: its rows are not those that {config.out} was started with; give the same data, or "
            "start anew with --overwrite"
        )
    return prepared


def _result(prepared: Prepared[Any, Any], session: Session, stopped: Stop) -> FitResult:
    best = session.best
    return FitResult(
        out=prepared.config.out,
        stopped=stopped,
        epochs=len(session.journal.rows),
        steps=session.steps,
        best_epoch=best.epoch,
        metric=best.metric.name,
        validation=best.scores,
        floor=prepared.floor.score,
        parameters=sum(parameter.numel() for parameter in session.module.model.parameters()),
        seconds=round(session.journal.seconds, 3),
    )


def _write(result: FitResult, session: Session) -> None:
    metrics = asdict(result)
    del metrics["out"]  # the folder may be moved
    write_json(result.out / METRICS, metrics)
    if session.journal.rows:
        draw_curve(session.journal.rows, result.metric, result.best_epoch, result.out / CURVE)


def _closing(prepared: Prepared[Any, Any], result: FitResult) -> list[str]:
    """Why it ended, what is kept, and whether that is worth anything."""
    ending = ENDINGS[result.stopped].format_map(prepared.config.model_dump())
    kept = f"the model of epoch {result.best_epoch}" if result.best_epoch else "the model as it was then"
    reached = result.validation[result.metric]
    sentences = [f"{ending}; kept is {kept}, with a validation {result.metric} of {reached:.3f}: {result.out / MODEL}"]
    floor, metric = prepared.floor, prepared.objective.metric
    if reached == floor.score or (reached > floor.score) != metric.higher_is_better:
        sentences.append(
            f"this is no better than {floor.meaning} ({floor.score:.3f}): the model has learnt nothing yet; try more "
            "epochs, another --learning-rate, or look at the data"
        )
    return sentences
