"""Train a model from a file of examples: the whole of `cellwright fit`."""

import atexit
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import torch

from cellwright import tasks
from cellwright.data.splits import Given
from cellwright.errors import InputError
from cellwright.files import read_json, write_json
from cellwright.stages import stage
from cellwright.tasks.config import FitConfig
from cellwright.tasks.own_cell import CODE, kept, trust, with_key
from cellwright.tasks.resume import merged
from cellwright.tasks.run import CONFIG, MODEL, load_config, save_description
from cellwright.tasks.task import Prepared
from cellwright.training.checkpointing import check_checkpoint
from cellwright.training.curve import draw_curve
from cellwright.training.folder import (
    CURVE,
    METRICS,
    begun_by,
    check_folder,
    count_beginning,
    make_folder,
    note_launchers,
    settle_folder,
)
from cellwright.training.loggers import check_loggers
from cellwright.training.plan import Plan
from cellwright.training.processes import (
    check_alike,
    gathered,
    is_first_process,
    join,
    launchers,
    processes,
    reaching_others,
    together,
)
from cellwright.training.session import GoesOn, Session, Stop

ENDINGS: dict[Stop, str] = {
    "epochs": "all epochs are done",
    "patience": "no better score for {patience} epochs",
    "minutes": "the {minutes:g} minutes are over; --resume with more goes on",
    "interrupted": "stopped by request; --resume goes on",
    "pruned": "pruned: other trials were better by then",
}


@dataclass(frozen=True)
class FitResult:
    """How a training run ended; `metrics.json` holds the same."""

    out: Path
    """The run folder; `load_run(out)` reads the best model."""
    stopped: Stop
    """Why: all epochs done, no better score for `patience` epochs, out of minutes, Ctrl-C, pruned by a search."""
    epochs: int
    """Whole epochs done."""
    steps: int
    """Optimizer steps done."""
    best_epoch: int
    """The epoch, from 1, whose weights are kept, without validation the last; 0: those it stopped with, within one."""
    metric: str
    """The score by which epochs were compared."""
    validation: dict[str, float]
    """The scores of the kept weights on the validation split: that of `metric`, "loss", and others of the task; none
    where there is no such split, or where it was interrupted in pre-training."""
    baseline: float | None
    """What costs nothing, of the same score: what any model should beat; None where there is no validation split."""
    parameters: int
    """Numbers that the model consists of, frozen ones too."""
    seconds: float
    """Wall time of training, that before a resume and that of pre-training included."""


def fit_rows(
    config: FitConfig, given: Given[Any], *, go_on: bool = False, say: Callable[[str], None] = print
) -> FitResult:
    """Train on rows that are in memory, and leave the best model in `config.out`, which can be loaded, not resumed.

    It leaves no checkpoints and no picture, which take longer than an epoch of a few rows.

    given: the rows; tasks classify, tag and series learn from them.
    go_on: `config.out` holds a run, whose model, labels and tokens are kept, and whose weights are begun from.
    say: as in `fit`.

    Raises InputError for what cannot be learned from, and for a loss that is no longer a number.
    """
    join()
    config = with_key(config)
    before = load_config(config.out) if go_on else None
    prepared = _with_code(tasks.get(config.task).prepare(config, before, given))
    if go_on:
        prepared = replace(prepared, weights=config.out / MODEL)
    return _fit(prepared, _planned(prepared), False, say, resumable=False)


def fit(
    config: FitConfig, *, progress: bool = True, say: Callable[[str], None] = print, goes_on: GoesOn | None = None
) -> FitResult:
    """Train, and leave the best model in `config.out`.

        result = fit(ClassifyConfig(data="reviews-zh", out="runs/first"))
        run = load_run(result.out)

    progress: show Lightning's progress bar (loss, tokens a second, time left) on standard error.
    say: is given one sentence at a time: what the data is, each epoch's scores, why training stopped.
    goes_on: is told each epoch and its validation scores, and ends the run by False (not that of pre-training).

    The first Ctrl-C or SIGTERM stops after the step, with the best model so far. Started by `torchrun`, the
    processes share each batch (Lightning's DDP) and make the model that one would; the first one writes and speaks,
    and where `torchrun` starts them anew, the run that they began goes on. The process group that they join serves
    later calls too, and is left when the process ends.

    Raises InputError for the user's mistakes: data that cannot be read, `out` that exists or cannot be written,
    options that differ from those of the run being resumed, a full disk, a loss that is no longer a number. Raises
    ProcessLost where another process ended or cannot be reached.
    """
    with reaching_others(config.out):
        join()
        config = _started_anew(config, say)
        with together():
            if is_first_process():
                check_folder(config)
        check_loggers(config)
        with together():
            prepared = _prepare(config)
            plan = _planned(prepared)
            check_checkpoint(prepared.config, plan)
        check_alike(config.data, prepared.run.fingerprint)
        with _settled(config.out, say):
            result = _fit(prepared, plan, progress, say, goes_on=goes_on)
    if torch.distributed.is_initialized():
        _leave_at_exit()
    return result


def _started_anew(config: FitConfig, say: Callable[[str], None]) -> FitConfig:
    """The same, to resume the run where the `torchrun` that starts the processes has begun it before, by this call."""
    if config.resume:
        return config
    count_beginning(config.out)
    if not gathered(begun_by(config.out, launchers()))[0]:
        return config
    if is_first_process():
        say(f"{config.out}: torchrun starts the processes anew: the run goes on from its last checkpoint")
    return config.model_copy(update={"resume": True, "overwrite": False})


@contextmanager
def _settled(out: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Do away with the run that this one replaces, when there is one to keep; else put it back."""
    failed = True
    try:
        yield
        failed = False
    finally:
        if is_first_process() and settle_folder(out, failed=failed):
            say(f"{out}: the run that was to be replaced is there again, as it was")


@functools.cache
def _leave_at_exit() -> None:
    """Who ends as a member of a group may abort: pytorch/pytorch#190489. Not where training failed: others may wait."""
    atexit.register(lambda: torch.distributed.is_initialized() and torch.distributed.destroy_process_group())


def _planned(prepared: Prepared[Any, Any]) -> Plan:
    """How long it trains."""
    with stage("putting examples of like length together"):
        batches = len(prepared.train.epoch(0, 0, 1).batches)
    return Plan.of(prepared.config, ceil(batches / prepared.config.accumulate_grad_batches))


def _fit(
    prepared: Prepared[Any, Any],
    plan: Plan,
    progress: bool,
    say: Callable[[str], None],
    *,
    resumable: bool = True,
    goes_on: GoesOn | None = None,
) -> FitResult:
    if prepared.config.threads is not None:
        torch.set_num_threads(prepared.config.threads)
    known = launchers()
    with together():
        if is_first_process():
            make_folder(prepared.config)
            note_launchers(prepared.config.out, known)
            save_description(prepared.config.out, prepared.run, prepared.files)
    first = _pretrained(prepared, progress, say)
    if first.stopped == "interrupted":
        return _untrained(prepared, first)
    left = _with_minutes_left(plan, first)
    with together():
        session = Session(prepared, left, progress=progress, say=say, resumable=resumable, goes_on=goes_on)
    for note in prepared.notes:
        session.say(note)
    if prepared.validation is None:
        session.say("no validation: no epoch is better than another, so that none stops early, and the last is kept")
    accumulated = prepared.config.accumulate_grad_batches
    steps = f", {accumulated} of them to a step" if accumulated > 1 else ""
    among = f", shared by {processes()} processes" if processes() > 1 else ""
    session.say(f"{prepared.train.describe()}{steps}{among}")
    session.say(session.plan.describe(session.validated))
    result = _result(prepared, session, session.run(), first)
    if is_first_process():
        _write(result, session)
    for sentence in _closing(prepared, plan, result):
        session.say(sentence)
    return result


def _prepare(config: FitConfig) -> Prepared[Any, Any]:
    """Read the data; take the options from the run when resuming. Raises InputError where the two do not fit."""
    task, config = tasks.get(config.task), with_key(config)
    if not config.resume:
        return _with_code(task.prepare(config, None))
    before = load_config(config.out)
    config = merged(config, before)
    trust(config.out, before.own_cell, None)
    prepared = _with_code(task.prepare(config, before))
    if prepared.run.fingerprint != before.fingerprint:
        raise InputError(
            f"{config.data}: its rows are not those that {config.out} was started with; give the same data, or "
            "start anew with --overwrite"
        )
    return prepared


def _with_code(prepared: Prepared[Any, Any]) -> Prepared[Any, Any]:
    """The same, with the code of its cell where that is its user's own."""
    found = kept(prepared.config.cell)
    if found is None:
        return prepared
    own, code = found
    return replace(prepared, run=prepared.run.model_copy(update={"own_cell": own}), files=prepared.files | {CODE: code})


class First(NamedTuple):
    """How the run before this one ended."""

    stopped: Stop
    seconds: float


def _pretrained(prepared: Prepared[Any, Any], progress: bool, say: Callable[[str], None]) -> First:
    """Train what this run begins from, unless it is done. Raises InputError."""
    if prepared.first is None:
        return First("epochs", 0.0)
    told = _as_first(say)
    resumed = prepared.config.resume and (prepared.first.out / CONFIG).exists()
    if resumed and (done := _finished(prepared.first.out)):
        told(f"is done, in {prepared.first.out}")
        return done
    told(f"--task {prepared.first.task} on {prepared.first.data}, in {prepared.first.out}")
    try:
        with together():
            first = _prepare(prepared.first.model_copy(update={"resume": resumed}))
        result = _fit(first, _planned(first), progress, told)
    except InputError as error:
        raise InputError(f"pre-training: {error}") from None
    gathered(None)  # until the first process has written what the others read
    return First(result.stopped, result.seconds)


def _as_first(say: Callable[[str], None]) -> Callable[[str], None]:
    return (lambda sentence: say(f"pre-training: {sentence}")) if is_first_process() else lambda sentence: None


def _finished(folder: Path) -> First | None:
    """How the run ended, if it needs no more training."""
    if not (folder / METRICS).exists():
        return None
    metrics = read_json(folder / METRICS)
    return None if metrics["stopped"] == "interrupted" else First(metrics["stopped"], metrics["seconds"])


def _with_minutes_left(plan: Plan, first: First) -> Plan:
    """The same, its time without what the run before it took."""
    if plan.minutes is None:
        return plan
    return replace(plan, minutes=max(plan.minutes - first.seconds / 60, LEAST_MINUTES))


LEAST_MINUTES = 1e-6


def _untrained(prepared: Prepared[Any, Any], first: First) -> FitResult:
    """What there is when the run before this one was interrupted: nothing yet."""
    metric, baseline = prepared.objective.metric.name, _baseline(prepared)
    return FitResult(prepared.config.out, first.stopped, 0, 0, 0, metric, {}, baseline, 0, round(first.seconds, 3))


def _result(prepared: Prepared[Any, Any], session: Session, stopped: Stop, first: First) -> FitResult:
    best = session.best
    return FitResult(
        out=prepared.config.out,
        stopped=stopped,
        epochs=len(session.history.rows),
        steps=session.steps,
        best_epoch=best.epoch,
        metric=best.metric.name,
        validation=best.scores,
        baseline=_baseline(prepared),
        parameters=sum(parameter.numel() for parameter in session.module.model.parameters()),
        seconds=round(first.seconds + session.history.seconds, 3),
    )


def _baseline(prepared: Prepared[Any, Any]) -> float | None:
    return None if prepared.baseline is None else prepared.baseline.score


def _write(result: FitResult, session: Session) -> None:
    metrics = asdict(result)
    del metrics["out"]  # the folder may be moved
    write_json(result.out / METRICS, metrics)
    if session.history.rows and session.resumable:
        draw_curve(session.history.rows, result.metric, result.best_epoch, result.out / CURVE)


def _closing(prepared: Prepared[Any, Any], plan: Plan, result: FitResult) -> list[str]:
    """Why it ended, what is kept, and whether that is worth anything."""
    ending = ENDINGS[result.stopped].format(patience=plan.patience, minutes=plan.minutes)
    kept = f"the model of epoch {result.best_epoch}" if result.best_epoch else "the model as it was then"
    if prepared.baseline is None:
        return [f"{ending}; kept is {kept}: {result.out / MODEL}"]
    reached = result.validation[result.metric]
    spelled = result.metric.replace("_", " ")
    sentences = [f"{ending}; kept is {kept}, with a validation {spelled} of {reached:.3f}: {result.out / MODEL}"]
    baseline, metric = prepared.baseline, prepared.objective.metric
    if reached == baseline.score or (reached > baseline.score) != metric.higher_is_better:
        sentences.append(
            f"this is no better than {baseline.meaning} ({baseline.score:.3f}): the model adds nothing yet; try more "
            "epochs, another --learning-rate, or look at the data"
        )
    return sentences
