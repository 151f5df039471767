"""What a task provides, so that `fit`, `evaluate`, `predict` and the server need not know it."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from torch import Tensor, nn

from cellwright import cells
from cellwright.data.feed import Feed
from cellwright.data.splits import SplitOptions
from cellwright.errors import InputError
from cellwright.evaluation.report import Report
from cellwright.nn import checks
from cellwright.tasks.config import LIMITS, ONE_CALL, FitConfig
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import Run, RunConfig

Split = Literal["train", "validation", "test", "all"]
Options = TypeVar("Options", bound=FitConfig)
Description = TypeVar("Description", bound=RunConfig)
Loaded = TypeVar("Loaded", bound=Run[Any, Any])


class Step(NamedTuple):
    """What a batch gives in training."""

    loss: Tensor
    """Mean over what the batch is scored on, in nats unless the objective says otherwise; 0-dimensional."""
    examples: int
    """How many the mean is over: its weight among the other batches'."""
    tokens: int
    """Steps of sequences read, padding not counted."""


@dataclass(frozen=True)
class Metric:
    """The validation score by which epochs are compared; equal ones by their loss."""

    name: str
    higher_is_better: bool = True

    def rank(self, scores: Mapping[str, float]) -> tuple[float, float]:
        """A key that is larger for better scores."""
        value = scores[self.name]
        return (value if self.higher_is_better else -value, -scores["loss"])


class Objective(ABC):
    """What is learned: the model, its loss, and its scores on the validation split. torch alone, no trainer."""

    metric: Metric

    @property
    def partial(self) -> bool:
        """Whether some steps train a part of the parameters only, which several processes have to know."""
        return False

    @abstractmethod
    def model(self) -> nn.Module:
        """A new model, its weights drawn from torch's generator."""

    def begin(self, model: Any) -> None:  # noqa: B027  # most begin from nothing
        """Give a new model what another run has learned; not called where a checkpoint holds its weights."""

    @abstractmethod
    def loss(self, model: Any, batch: Any) -> Step:
        """The loss of a batch in training; what is random comes from torch's generator, seeded by the step."""

    @abstractmethod
    def measure(self, model: Any, batch: Any) -> Tensor:
        """What a validation batch adds to the sums that `scores` is made of: (K,) numbers."""

    @abstractmethod
    def scores(self, sums: Sequence[float]) -> dict[str, float]:
        """The scores of the whole validation split: "loss", and that of `metric`; others as the task likes."""

    def begin_pass(self, training: bool) -> None:  # noqa: B027  # most have nothing to carry
        """Begin anew at the first batch of an epoch or of a validation; for what is carried from batch to batch."""

    def state_dict(self) -> dict[str, Any]:
        """What is carried from one training batch to the next: tensors, numbers, text; kept by the checkpoints."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Go on from there."""


@dataclass(frozen=True)
class Baseline:
    """The validation score that costs nothing: what any model should beat."""

    score: float
    meaning: str
    """What reaches it, as in "this is no better than …"."""


@dataclass(frozen=True)
class Prepared(Generic[Options, Description]):
    """What a run is trained from."""

    config: Options
    run: Description
    objective: Objective
    train: Feed
    validation: Feed | None
    """None: nothing was held out to choose an epoch by."""
    baseline: Baseline | None
    """None without validation."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What the folder holds beside `config.json` and the weights, by name."""
    notes: list[str] = field(default_factory=list)
    """Sentences on the data for the user."""
    first: FitConfig | None = None
    """The run to train before this one, for `Objective.begin` to take from; its folder is FIRST in this one's."""


class Task(ABC, Generic[Options, Description, Loaded]):
    """One thing that can be learned from a file."""

    name: str
    run_config: type[Description]
    """The content of `config.json`."""
    files: tuple[str, ...] = ()
    """Names of the task's own files in the folder."""
    pictures: tuple[str, ...] = ()
    """Names of the pictures that `fit` draws of its reports."""
    columns: tuple[str, ...]
    """Fields of its options that name columns of a file."""
    answering: str | None = None
    """Field of its description with the options of how answers are looked for, which predict and evaluate take too."""
    suggestions: tuple[str, ...] = (
        'predict {run} "a text of yours"    (or a file, or lines on standard input)',
        "evaluate {run} other.csv",
    )
    """Commands to try on a new run."""

    @abstractmethod
    def prepare(self, config: Options, before: Description | None) -> Prepared[Options, Description]:
        """Read the data and make what training needs; when a run is resumed, `before` is its description.

        Raises InputError for data that cannot be read or learnt from.
        """

    @abstractmethod
    def load(self, folder: Path, config: Description) -> Loaded:
        """Read the rest of a run folder. Raises InputError."""

    @abstractmethod
    def predictor(self, run: Loaded) -> Predictor[Any]:
        """The run put to use."""

    @abstractmethod
    def evaluate(
        self,
        run: Loaded,
        data: str,
        split: Split,
        columns: Mapping[str, Any],
        say: Callable[[str], None],
        baselines: bool = True,
    ) -> Report:
        """Score a run, beside baselines fitted on its own training examples.

        Args:
            run: the run.
            data: a file or a built-in set.
            split: of the data.
            columns: what differs from the run's own options: names of columns, how a file is written; or None.
            say: is given a sentence on what cannot be done or flatters.
            baselines: whether to fit those that take the training examples.

        Raises InputError for data that cannot be read or that the run does not know.

        """


def merged(given: Options, before: RunConfig) -> Options:
    """The options of the run being resumed, with the limits that were given.

    Raises InputError for another option that was given and differs: it would make it another run.
    """
    if given.task != before.task:
        raise InputError(
            f"{given.out}: was started with --task {before.task}, and {given.task} is given now; leave the option out "
            "to resume, or start another run"
        )
    # An option that is younger than the run has its default there.
    started = type(given).model_validate(before.options | {"out": given.out, "resume": True})
    was, now = (options.model_dump(mode="json") for options in (started, given))
    for name in sorted(given.model_fields_set - LIMITS):
        if now[name] != was[name]:
            raise InputError(
                f"{given.out}: was started with {name} {was[name]!r}, and {now[name]!r} is given now; "
                "leave the option out to resume, or start another run"
            )
    limits = {name: getattr(given, name) for name in given.model_fields_set & LIMITS}
    return type(given).model_validate(before.options | limits)


def check_forget_bias(cell: str, bias: float | None) -> None:
    """Raise InputError for a cell that there is not, and for a bias where it has no forget gate."""
    known = cells.get(cell)
    try:
        if bias is not None:
            checks.forget_bias("fit", known, bias, bias=True)
    except ValueError:
        raise InputError(
            f"--forget-bias: the cell {cell} has no gate f with a bias; leave it out, or take another cell"
        ) from None


def kept_options(config: FitConfig) -> dict[str, Any]:
    """The options as `config.json` keeps them."""
    return config.model_dump(mode="json", exclude=set(ONE_CALL))


def fingerprint(rows: Any) -> str:
    """SHA-256 of rows that JSON can hold."""
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def usual_split(run: Run[Any, Any], data: str, built_in: Sequence[str]) -> Split:
    """The split for the final score of the run's own data, or of a built-in set; of another file, all."""
    if data in built_in:
        return "test"
    own = Path(run.config.options["data"]).resolve() == Path(data).resolve()
    if not own:
        return "all"
    # Series have no shares to be chosen: their test split is always there.
    return SplitOptions.of(run.config.options).scored if "test_share" in run.config.options else "test"
