"""Try options of `fit` on one file, a trial after another, each a run folder like any other.

    STUDY/
      trials/0000/ …           the runs
      best -> trials/0007      the best of them, ready to predict
      study.csv, study.png     a row and a point a trial
      study.json, study.db     what was asked, and Optuna's storage: see `study.py`

The same call goes on with a study that was stopped, killed, or has fewer trials than are asked for now, and several
processes may make it at once. Trials are compared by the validation score that `fit` chooses the best epoch by.
"""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cellwright
from cellwright import tasks
from cellwright.data.splits import SplitOptions
from cellwright.errors import InputError, no_memory
from cellwright.files import beside, read_json, write_json
from cellwright.options import configured, flag
from cellwright.tasks.config import FitConfig
from cellwright.tasks.files import shared_cache
from cellwright.tasks.own_cell import with_key
from cellwright.tasks.run import CONFIG, load_config
from cellwright.tasks.task import Metric
from cellwright.tuning.options import Pruner, SearchOptions
from cellwright.tuning.space import SAME, Space, as_given, spelled
from cellwright.tuning.trials import PICTURE, TABLE, Trial, draw, sentence, write_table

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

    from cellwright.tuning.study import Study

ASKED, TRIALS, BEST = "study.json", "trials", "best"
PROBES = 5
"""Sets of options by which the data is read before the first trial, until one of them can be trained with."""
PICTURED = 10.0
"""Seconds between two pictures of the trials, which take as long as a small trial."""


@dataclass(frozen=True)
class SearchResult:
    """How a search ended."""

    out: Path
    """The study's folder."""
    metric: Metric
    """The validation score that trials are compared by."""
    trials: list[Trial]
    """All there are, by number."""
    best: Trial | None
    """The best of those that trained to their end; None where there is none yet."""
    interrupted: bool
    """Whether it was stopped by Ctrl-C; the same call goes on."""

    @property
    def run(self) -> Path:
        """The run folder of the best trial."""
        return self.out / BEST


def search(
    data: str | Path,
    out: str | Path,
    *,
    task: str | None = None,
    options: Mapping[str, Any],
    trials: int = SearchOptions.model_fields["trials"].default,
    pruner: Pruner = SearchOptions.model_fields["pruner"].default,
    progress: bool = False,
    say: Callable[[str], None] = print,
) -> SearchResult:
    """Search options of `fit` for the best validation score: `cellwright search`.

        found = cellwright.search(
            "reviews.csv", "studies/reviews", options={"hidden_size": "64..512", "learning_rate": "1e-4..1e-2"}
        )
        predictor = cellwright.load(found.run)

    The same call goes on where a study was stopped or killed, and several processes may make it at once. A trial that
    cannot be trained, or diverges, is kept with the sentence that says why, and the search goes on.
    Many arguments: they are those of `fit`, and two of a search.

    Args:
        data: A file of examples, a folder of texts, or the name of a built-in set.
        out: The study's folder, made by the first call.
        task: What to learn, as of `fit`; None is classify.
        options: Options of `fit`, by name: each one value, a range "LOW..HIGH", or choices, as "lstm,gru" or a list.
        trials: Sets of options to try in all, those of earlier calls included.
        pruner: Which trials end early: "median", "halving" or "none".
        progress: Whether to show the progress bar of each trial on standard error.
        say: Is given sentences on the data, where the study begins, then a sentence a trial.

    Returns:
        The trials, and the best of them.

    Raises:
        InputError: An option is unknown or cannot be searched, the data cannot be learned from, the folder is of
            another search, Optuna is not installed, or no trial succeeded.

    """
    config = tasks.config_of(task or tasks.USUAL)
    asked = configured(SearchOptions, {"trials": trials, "pruner": pruner})
    space = Space.of(config, options)
    return Search(config, str(data), Path(out), space, asked, options).run(progress, say)


class Search:
    """One process at work on a study."""

    def __init__(
        self,
        config: type[FitConfig],
        data: str,
        out: Path,
        space: Space,
        options: SearchOptions,
        given: Mapping[str, Any],
    ) -> None:
        """given: the options as they were typed. Raises InputError where `out` is of another search, or is none."""
        from cellwright.training.processes import processes

        _check_installed()
        if processes() > 1:
            raise InputError("search under torchrun is not possible; start the same command several times instead")
        self.config, self.data, self.out, self.space, self.options = config, data, out, space, options
        self.seed = int(space.fixed.get("seed", config.model_fields["seed"].default))
        self.asked: dict[str, Any] = {
            "cellwright": cellwright.__version__,
            "task": config.task,
            "data": data,
            "options": {name: spelled(value) for name, value in given.items() if name not in SAME},
            "pruner": options.pruner,
        }
        self.notes: Sequence[str] = ()
        """On the data, of a study that begins."""
        known = self._known()
        self.metric = Metric(**known["metric"])
        self.fingerprint = known["fingerprint"]
        self._pictured = time.monotonic()

    def run(self, progress: bool, say: Callable[[str], None]) -> SearchResult:
        """Train trials until there are enough. Raises InputError where none succeeded."""
        from cellwright.tuning.study import Study

        higher, pruner = self.metric.higher_is_better, self.options.pruner
        study = Study(self.out, self.space, seed=self.seed, higher_is_better=higher, pruner=pruner)
        interrupted = False
        for note in self.notes:
            say(note)
        try:
            while (trial := study.next(self.options.trials)) is not None:
                try:
                    interrupted = self._trained(study, trial, progress)
                finally:
                    study.leave(trial)
                if interrupted:
                    break
                found = self._settled(study)
                ended = found.trials[trial.number]
                say(sentence(ended, self.metric.name, self.options.trials, best=ended == found.best))
            result = replace(self._settled(study, ended=True), interrupted=interrupted)
        finally:
            study.locks.close()
        failed = [each for each in result.trials if each.state == "failed"]
        if failed and len(failed) == len(result.trials) and not interrupted:
            raise InputError(f"{self.out}: no trial of {len(failed)} succeeded; the last: {failed[-1].error}")
        return result

    def _known(self) -> dict[str, Any]:
        """The score and the rows of the study, found out where it begins. Raises InputError."""
        path = self.out / ASKED
        if not path.exists():
            if self.out.exists() and (not self.out.is_dir() or any(map(_is_foreign, self.out.iterdir()))):
                raise InputError(f"{self.out}: is there already and holds no study; expected a new or empty folder")
            about = self._probed()
            _make(self.out)
            if not path.exists():  # else another process was faster
                own = path.with_name(f"{ASKED}.{os.getpid()}")  # two that begin at once write a file each
                write_json(own, self.asked | about)
                own.replace(path)
        before = read_json(path)
        for name in ("task", "data", "pruner"):
            if before[name] != self.asked[name]:
                raise self._another(f"{name} {before[name]}", f"{self.asked[name]}")
        was, now = before["options"], self.asked["options"]
        for name in sorted(was.keys() | now.keys()):
            if was.get(name) != now.get(name):
                raise self._another(*(f"{flag(name)} {given.get(name, '(not given)')}" for given in (was, now)))
        return before

    def _another(self, before: str, now: str) -> InputError:
        return InputError(
            f"{self.out}: was started with {before}, and now it is {now}; give what it was started with to go on, or "
            "another --out"
        )

    def _probed(self) -> dict[str, Any]:
        """Read the data with the options of a trial, for the score it would have. Raises InputError where none can."""
        from cellwright.tuning.study import drawn

        error = None
        for number in range(PROBES):
            try:
                config = self._configured(drawn(self.space, self.seed, number), self.out)
                prepared = tasks.get(config.task).prepare(with_key(config), None)
            except InputError as refused:
                error = refused
                continue
            if prepared.validation is None:
                raise InputError(
                    "trials are compared by their validation scores, and nothing is held out for validation; give "
                    "--validation FILE, or a --validation-share above 0"
                )
            metric, self.notes = prepared.objective.metric, prepared.notes
            about = {"name": metric.name, "higher_is_better": metric.higher_is_better}
            return {"metric": about, "fingerprint": prepared.run.fingerprint}
        assert error is not None  # there is at least one probe
        raise error

    def _configured(self, drawn: Mapping[str, Any], out: Path) -> FitConfig:
        """The options of a trial; raises InputError where they do not go together."""
        from cellwright.training.folder import CHECKPOINT

        files = SplitOptions.of(self.space.fixed).files.values()
        values: dict[str, Any] = shared_cache(self.config, self.data, files, self.out)
        values |= {name: as_given(value) for name, value in {**self.space.fixed, **drawn}.items()}
        begun = (out / CHECKPOINT).exists()
        again = not begun and (out / CONFIG).exists()  # killed before its first checkpoint
        return configured(self.config, values | {"data": self.data, "out": out, "resume": begun, "overwrite": again})

    def _trained(self, study: "Study", trial: "optuna.Trial", progress: bool) -> bool:
        """Train one, and keep how it ended; whether it was interrupted, and so did not end."""
        from cellwright.training import fit

        def goes_on(epoch: int, scores: Mapping[str, float]) -> bool:
            return study.goes_on(trial, epoch, scores[self.metric.name])

        out = folder_of(self.out, trial.number)
        try:
            result = fit(self._configured(trial.params, out), progress=progress, say=_unsaid, goes_on=goes_on)
            if result.stopped == "interrupted":
                return True
            self._check_comparable(out, result.metric)
        except InputError as error:
            study.end(trial, None, {"error": str(error)})
            return False
        except (MemoryError, RuntimeError) as error:
            if (said := no_memory(error)) is None:
                raise
            study.end(trial, None, {"error": said})
            return False
        score = result.validation[self.metric.name]
        about = {name: getattr(result, name) for name in ("epochs", "best_epoch", "seconds", "parameters")}
        about["scores"] = result.validation
        if not math.isfinite(score):
            study.end(trial, None, about | {"error": f"its validation {self.metric.name} is {score}"})
        else:
            study.end(trial, score, about, pruned=result.stopped == "pruned")
        return False

    def _check_comparable(self, out: Path, metric: str) -> None:
        """Raise InputError for a trial that was scored on other rows, or by another score."""
        if metric != self.metric.name:
            raise InputError(f"its score is {metric}; that of the other trials is {self.metric.name}")
        if load_config(out).fingerprint != self.fingerprint:
            raise InputError("its training and validation examples are not those of the other trials")

    def _settled(self, study: "Study", *, ended: bool = False) -> SearchResult:
        """Write table and picture, point `best` at the best trial, and drop what the others would resume from.

        While the search goes on the picture may be older by PICTURED seconds than the table.
        """
        from cellwright.training.folder import CHECKPOINT

        with study.alone():
            trials = [_row(each, self.metric.name) for each in study.trials()]
            done = [each for each in trials if each.state == "done"]
            best = max(done, key=lambda each: self.metric.rank(each.scores), default=None)
            write_table(self.out / TABLE, trials, self.metric.name, self.space)
            if best is not None:
                if ended or time.monotonic() - self._pictured > PICTURED:
                    draw(self.out / PICTURE, trials, best, self.metric.name, self.space)
                    self._pictured = time.monotonic()
                _point(self.out / BEST, folder_of(Path(), best.number))
            for each in trials:
                if each.state != "unfinished" and each != best:
                    for left in folder_of(self.out, each.number).rglob(str(CHECKPOINT)):
                        left.unlink()
        return SearchResult(self.out, self.metric, trials, best, interrupted=False)


def folder_of(out: Path, number: int) -> Path:
    """The run folder of a trial."""
    return out / TRIALS / f"{number:04d}"


def _row(trial: "FrozenTrial", metric: str) -> Trial:
    states: dict[str, Any] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}
    about = dict(trial.user_attrs)
    scores = about.pop("scores", {})
    state = states.get(trial.state.name, "unfinished")
    # Not Optuna's, which of a pruned one is that of its last epoch.
    score = scores[metric] if state in ("done", "pruned") else None
    return Trial(trial.number, state, score, dict(trial.params), scores, **about)


def _point(link: Path, target: Path) -> None:
    """Let a link point elsewhere, with no moment at which there is none."""
    if link.is_symlink() and Path(os.readlink(link)) == target:
        return
    part = beside(link)
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(link)


def _is_foreign(path: Path) -> bool:
    """Whether a file of the folder is none of those that another process begins the study with."""
    return not path.name.startswith(ASKED)


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made ({error.strerror}); expected a place that you may write to") from None


def _check_installed() -> None:
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        raise InputError("search needs the package optuna, which is not installed; pip install 'cellwright[search]'")


def _unsaid(sentence: str) -> None:
    """Of a trial, its last sentence is said by the search."""
