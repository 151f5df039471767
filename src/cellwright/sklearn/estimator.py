"""What the estimators have in common: options to a run, a run to predictions, and the run kept with the estimator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from cellwright import tasks
from cellwright.cells.from_file import is_file
from cellwright.data.splits import SHARE, Given
from cellwright.errors import InputError
from cellwright.models.sampling import LARGEST_SEED
from cellwright.options import OFF, configured
from cellwright.sklearn.options import LISTS, as_listed
from cellwright.sklearn.wording import in_parameters
from cellwright.tasks.config import FitConfig
from cellwright.tasks.files import HeldOut
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import CONFIG, MODEL

if TYPE_CHECKING:
    from cellwright.training import FitResult

ONE_PASS: dict[str, Any] = {"max_epochs": 1, "lr_schedule": "constant"}
"""What partial_fit does, however long fit would train."""


BEGINNING = frozenset(
    {"vectors", "freeze_vectors", "feature_columns", "targets", "future_covariates", "static_covariates"}
)
"""Options that a model is made by, and that its own description does not hold."""

ONE_AT_A_TIME = Lock()
"""Held in training: torch's generator, by which dropout is drawn, and its threads are those of the whole process."""


class Refused(InputError, ValueError):
    """What cannot be learned from: scikit-learn expects a ValueError."""


@contextmanager
def refusing(estimator: Any) -> Iterator[None]:
    """Raise Refused, in the names of the estimator's parameters, where an InputError is raised."""
    try:
        yield
    except Refused:
        raise
    except InputError as error:
        raise Refused(in_parameters(estimator, str(error))) from error


class Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A model that a run holds: the files of its folder are the estimator's state, and so what is pickled."""

    random_state: int | np.random.RandomState | None
    cell: str
    validation_share: float
    warm_start: bool
    verbose: bool

    _task: ClassVar[str]
    _objective: ClassVar[dict[str, Any]] = {}
    """Options of the task that make it this estimator's."""

    n_iter_: int
    """Epochs done, those of the fits that this one goes on from included."""
    best_epoch_: int
    """Of the last fit, the epoch, from 1, whose weights are kept; without validation the last."""
    validation_scores_: dict[str, float]
    """Of the kept weights, on what chose the epoch; none where nothing did."""
    _files: dict[str, bytes]
    """Of the run's folder."""
    _runs: int
    """Fits that this one goes on from."""
    _predictor: Any
    """The run put to use, by the predictor of its task."""

    @property
    def model_(self) -> nn.Module:
        """The trained torch module."""
        check_is_fitted(self)
        model: nn.Module = self._predictor.run.model
        return model

    def save_run(self, path: str | Path) -> Path:
        """Write the run folder, which the command line and `cellwright.load` put to use.

        Args:
            path: a folder that is not there yet.

        Returns:
            The folder.

        Raises:
            InputError: the folder is there.
            NotFittedError: the estimator is not fitted.

        """
        check_is_fitted(self)
        folder = Path(path)
        if folder.exists():
            raise InputError(f"{folder}: is there already; give another folder")
        _write(self._files, folder)
        return folder

    def __sklearn_is_fitted__(self) -> bool:
        """Whether there is a run."""
        return hasattr(self, "_files")

    def __getstate__(self) -> dict[str, Any]:
        """The options and the run's files; the model is made of them again."""
        return {name: value for name, value in super().__getstate__().items() if name != "_predictor"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the model again."""
        super().__setstate__(state)
        if "_files" in state:
            self._predictor = self._loaded()

    @property
    def _goes_on(self) -> bool:
        """Whether fit begins from the weights there are."""
        return self.warm_start and self.__sklearn_is_fitted__()

    @property
    def _share(self) -> float:
        """Of the rows, those that choose the epoch; refused where the command line refuses it."""
        with refusing(self):
            share = configured(HeldOut, {"validation_share": _plain(self.validation_share)}).validation_share
        return SHARE if share is None else share

    def _train(self, given: Given[Any], *, go_on: bool, limits: dict[str, Any] | None = None) -> Self:
        """Train on rows, from the weights there are with `go_on`; `limits` replace options. Raises Refused."""
        from cellwright.training import fit_rows  # Lightning, which predictions need not load

        runs = self._runs + 1 if go_on else 0
        seed, threads = self._seed(), torch.get_num_threads()
        with refusing(self), ONE_AT_A_TIME, TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
            out = Path(folder) / "run"
            # Another seed where a run goes on: its dropout would be that of the first steps again.
            told = {"seed": (seed + runs) % (LARGEST_SEED + 1), **(limits or {})}
            config = self._config(out, told, go_on=go_on)
            if go_on:
                self._check_same_model(config)
                _write(self._files, out)
            try:
                result = fit_rows(config, given, go_on=go_on, say=self._say if self.verbose else _silent)
            finally:
                torch.set_num_threads(threads)
            if result.stopped == "interrupted":  # of a search, not this fit alone is to end
                raise KeyboardInterrupt
            self._keep(out, result, runs)
        return self

    def _seed(self) -> int:
        """The seed that random_state is, or draws. Raises ValueError."""
        try:
            generator = check_random_state(self.random_state)
        except ValueError as error:
            raise ValueError(f"random_state is {self.random_state!r} ({error}); expected None or a seed") from None
        own = isinstance(self.random_state, (int, np.integer))
        return int(self.random_state) if own else int(generator.randint(2**31 - 1))  # type: ignore[arg-type]

    def _say(self, sentence: str) -> None:
        print(in_parameters(self, sentence))

    def _config(self, out: Path, told: dict[str, Any], *, go_on: bool) -> FitConfig:
        """The options of the run. Raises InputError."""
        kind = tasks.config_of(self._task)
        params = {name: value for name, value in self.get_params(deep=False).items() if name in kind.model_fields}
        own = {name: as_listed(name, value) if name in LISTS else _plain(value) for name, value in params.items()}
        own.pop("validation_share", None)  # the rows are split here
        if own.get("vectors") is not None and own["embedding_dim"] == kind.model_fields["embedding_dim"].default:
            del own["embedding_dim"]  # which nobody has chosen, or as if: the file says it
            if go_on:
                own["embedding_dim"] = self._predictor.run.config.model.embedding_dim
        # What has its default is left out, as if nobody had given it: a process model refuses options of networks.
        given = {
            name: OFF if value is None else value
            for name, value in own.items()
            if value != kind.model_fields[name].default
        }
        return configured(kind, {**given, **self._objective, **told, "data": "X", "out": out})

    def _check_same_model(self, config: FitConfig) -> None:
        """Raise Refused where options that the model is made of are others than when it was begun."""
        before = self._predictor.run.config.options
        made_of = type(self._predictor.run.config.model).model_fields
        for name in sorted((made_of.keys() | BEGINNING) & type(config).model_fields.keys()):
            # A default that the data settled (--crf) may be written otherwise in the model: the options are compared.
            now = config.model_dump(mode="json")[name]
            if before.get(name) != now and not (name == "cell" and is_file(str(self.cell))):
                raise Refused(
                    f"{type(self).__name__}: {name} is {now!r}, and the model that is gone on from has "
                    f"{before.get(name)!r}; expected the same: set warm_start=False to begin anew"
                )

    def _keep(self, out: Path, result: FitResult, runs: int) -> None:
        names = (CONFIG, MODEL, *tasks.get(self._task).files, *(path.name for path in out.glob("cell.py")))
        done = self.n_iter_ if runs else 0
        self._files = {name: (out / name).read_bytes() for name in names}
        self._runs = runs
        self.n_iter_ = done + result.epochs
        self.best_epoch_ = result.best_epoch
        self.validation_scores_ = result.validation
        self._predictor = self._loaded()

    def _loaded(self) -> Predictor[Any]:
        with refusing(self), TemporaryDirectory() as folder:
            _write(self._files, Path(folder) / "run")
            cell = self.cell if is_file(self.cell) else None
            return Predictor.load(Path(folder) / "run", cell)


def _write(files: dict[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy's, as a search hands them in, as Python's; a path as its name, as options have it."""
    if isinstance(value, Path):
        return str(value)
    return value.tolist() if hasattr(value, "tolist") else value  # an index of pandas too


def _silent(sentence: str) -> None:
    """Say nothing."""
