"""The trials of a search, kept by Optuna in SQLite, and which process trains which of them.

    STUDY/
      study.json    what was asked, and the score that trials are compared by
      study.db      Optuna's storage, which optuna-dashboard opens
      study.lock    locks of the processes at work: byte 0 for a look at all trials, byte 1 + N for trial N

A lock is the kernel's, and gone with the process that holds it, however that ended. So a trial that is running in the
storage, and whose lock is free, is one that was killed: whoever finds it goes on with it, under its number, with its
options, from its checkpoint. Nothing waits for a heartbeat that does not come.
"""

import fcntl
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import URL

from cellwright.tuning.options import Pruner
from cellwright.tuning.space import Choices, Range, Space

STORAGE, LOCK = "study.db", "study.lock"
NAME = "search"
PATIENT = 60
"""Seconds that a process waits for another's writing."""
PRUNERS: dict[Pruner, type[BasePruner]] = {
    "median": MedianPruner,
    "halving": SuccessiveHalvingPruner,
    "none": NopPruner,
}


class Locks:
    """Locks by number in one file, each held by one process at a time, and by none that has ended."""

    def __init__(self, path: Path) -> None:
        # Record locks of POSIX: not inherited by the workers that load data, but all let go where the file is closed.
        self._file = path.open("a+b")

    def close(self) -> None:
        """Let all of them go."""
        self._file.close()

    @contextmanager
    def held(self, number: int) -> Iterator[None]:
        """Within the block this process has it; waits for whoever has it now."""
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, number)
        try:
            yield
        finally:
            self.free(number)

    def taken(self, number: int) -> bool:
        """Take it, if no other process has it, and say whether it is this one's now."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def free(self, number: int) -> None:
        """Let it go."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)


class Study:
    """The trials of one folder, as this process sees them.

    study = Study(folder, space, seed=0, higher_is_better=True, pruner="median")
    while (trial := study.next(20)) is not None:
        ...
        study.end(trial, score, {"epochs": 6})
    """

    def __init__(self, folder: Path, space: Space, *, seed: int, higher_is_better: bool, pruner: Pruner) -> None:
        """Open the storage, or make it. Another process may do so at the same time."""
        self.locks = Locks(folder / LOCK)
        self._seed = seed
        self._space = {name: _distribution(each) for name, each in space.searched.items()}
        url = URL.create("sqlite", database=str((folder / STORAGE).resolve())).render_as_string()
        with self.alone(), _quiet():
            storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": PATIENT}})
            self._study = optuna.create_study(
                study_name=NAME,
                storage=storage,
                sampler=sampler(seed, 0),
                pruner=PRUNERS[pruner](),
                direction="maximize" if higher_is_better else "minimize",
                load_if_exists=True,
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within the block no other process begins or ends a trial."""
        with self.locks.held(0):
            yield

    def next(self, most: int) -> optuna.Trial | None:
        """A trial that was killed, else a new one while there are fewer than `most`; None where nothing is to do."""
        with self.alone(), _quiet():
            trials = self.trials()
            unfinished = (each for each in trials if not each.state.is_finished())
            killed = next((each for each in unfinished if self.locks.taken(1 + each.number)), None)
            if killed is None and len(trials) >= most:
                return None
            # What is drawn is a function of the seed, the number and the trials before: as if nothing had been killed.
            self._study.sampler = sampler(self._seed, len(trials) if killed is None else killed.number)
            if killed is not None:
                trial = optuna.Trial(self._study, killed._trial_id)  # no public name gives a trial back to be trained
            else:
                self.locks.taken(1 + len(trials))
                trial = self._study.ask()
            for name, distribution in self._space.items():
                suggest(trial, name, distribution)
            return trial

    def trials(self) -> list[FrozenTrial]:
        """All of them, by number."""
        return self._study.get_trials(deepcopy=False)

    def goes_on(self, trial: optuna.Trial, epoch: int, score: float) -> bool:
        """Take note of the score of an epoch, from 1, and say whether the trial is worth another."""
        with _quiet():
            if epoch not in self.trials()[trial.number].intermediate_values:  # an epoch that is done again after a kill
                trial.report(score, epoch)
            return not trial.should_prune()

    def end(self, trial: optuna.Trial, score: float | None, about: Mapping[str, Any], *, pruned: bool = False) -> None:
        """Finish a trial; score: None where it failed. about: what else is to be known of it, as JSON holds it."""
        state = TrialState.PRUNED if pruned else TrialState.FAIL if score is None else TrialState.COMPLETE
        with self.alone(), _quiet():
            for name, value in about.items():
                trial.set_user_attr(name, value)
            self._study.tell(trial, score if state == TrialState.COMPLETE else None, state=state)
        self.leave(trial)

    def leave(self, trial: optuna.Trial) -> None:
        """Leave a trial as it is, for whoever comes next."""
        self.locks.free(1 + trial.number)


def sampler(seed: int, number: int) -> TPESampler:
    """What draws the options of trial `number`; of the same trials before, the same draws."""
    return TPESampler(seed=(seed * 1_000_003 + number) % 2**32)


def suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    """The value of an option in a trial, drawn unless it was before."""
    match distribution:
        case CategoricalDistribution():
            return trial.suggest_categorical(name, distribution.choices)
        case IntDistribution():
            return trial.suggest_int(name, distribution.low, distribution.high, log=distribution.log)
        case FloatDistribution():
            return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)
    raise TypeError(f"{name}: no distribution {distribution!r}")


def drawn(space: Space, seed: int, number: int) -> dict[str, Any]:
    """The options that trial `number` of an empty study would have, outside of any storage."""
    with _quiet():
        trial = optuna.create_study(sampler=sampler(seed, number)).ask()
        return {name: suggest(trial, name, _distribution(each)) for name, each in space.searched.items()}


def _distribution(each: Range | Choices) -> BaseDistribution:
    if isinstance(each, Choices):
        return CategoricalDistribution(each.values)
    if isinstance(each.low, int) and isinstance(each.high, int):
        return IntDistribution(each.low, each.high, log=each.log)
    return FloatDistribution(each.low, each.high, log=each.log)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back Optuna's remarks, one a trial: a search has its own."""
    logger = logging.getLogger("optuna")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
