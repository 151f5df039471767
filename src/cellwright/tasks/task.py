"""What a task provides, so that `fit`, `evaluate`, `predict` and the server need not know it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, cast

from torch import Tensor, nn

from cellwright import tasks
from cellwright.data.feed import Feed
from cellwright.data.splits import Given, Split
from cellwright.evaluation.report import Report
from cellwright.tasks.config import FitConfig
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import Run, RunConfig

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

    def share_state(self, states: Sequence[Mapping[str, Any]], rank: int, world_size: int) -> Mapping[str, Any]:
        """What process `rank` goes on from, of the states of those that were there before, more of them or fewer."""
        return states[0]  # most carry what is the same in all


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
    weights: Path | None = None
    """A file of weights that the model begins from, which go before `Objective.begin`; None: those it is made with."""
    first: FitConfig | None = None
    """The run to train before this one, for `Objective.begin` to take from; its folder is FIRST in this one's."""


@dataclass(frozen=True)
class Task(Generic[Options, Description, Loaded]):
    """One thing that can be learned from a file.

    How its data is prepared and how a run is scored stand in `prepare.py` and `evaluate.py` of its folder, which are
    found by these names when they are called for: what they load, scikit-learn and Matplotlib among it, no prediction
    needs.
    """

    config: type[Options]
    """The options of `fit`; they have the task's name."""
    run_config: type[Description]
    """The content of `config.json`."""
    load: Callable[[Path, Description], Loaded]
    """Reads the rest of a run folder. Raises InputError."""
    predictor: Callable[[Loaded], Predictor[Any]]
    """Puts a run to use."""
    columns: tuple[str, ...]
    """Fields of the options that name columns of a file."""
    files: tuple[str, ...] = ()
    """Names of the task's own files in the folder."""
    pictures: tuple[str, ...] = ()
    """Names of the pictures that `fit` draws of its reports."""
    decoding: str | None = None
    """Field of the description with the options of how answers are looked for, which predict and evaluate take too."""
    suggestions: tuple[str, ...] = (
        'predict {run} "{text}"    (or a file, or lines on standard input)',
        "evaluate {run} other.csv",
    )
    """Commands to try on a new run; {text} is an example."""
    example: Callable[[Loaded], str] = lambda run: "a text of yours"
    """A text for a run, as commands have it."""
    right_or_wrong: Callable[[Loaded], bool] = lambda run: False
    """Whether an answer of the run is one of these, so that its reports have `mistakes`."""

    @property
    def name(self) -> str:
        """As `fit --task` has it."""
        return self.config.task

    def prepare(
        self, config: Options, before: Description | None, given: Given[Any] | None = None
    ) -> Prepared[Options, Description]:
        """Read the data and make what training needs; when a run is resumed, `before` is its description.

        given: rows in memory, in place of the data (classify, tag, series); `before` is then the description of the
        run that is gone on from, whose model, labels and tokens are kept.

        Raises InputError for data that cannot be read or learned from.
        """
        prepare = tasks.module(self.name, "prepare").prepare
        made = prepare(config, before) if given is None else prepare(config, before, given)
        return cast("Prepared[Options, Description]", made)

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
        scored = tasks.module(self.name, "evaluate").evaluate(run, data, split, columns, say, baselines)
        return cast(Report, scored)
