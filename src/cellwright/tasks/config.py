"""What `fit` can be told whatever is learned, each option with its default; a task adds its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cellwright.data.datasets.dataset import TEXTS
from cellwright.data.table import TEXT
from cellwright.errors import InputError
from cellwright.models.architecture import Embedded
from cellwright.models.sampling import LARGEST_SEED

FIXED = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
"""Of every class of options: its docstrings are the help texts."""
TokenizerName = Literal["auto", "characters", "words", "bpe"]
ScheduleName = Literal["constant", "cosine"]


class Locations(BaseModel):
    """Where the data comes from and where the run goes."""

    model_config = FIXED

    data: str
    """File of examples, several, a folder or a pattern of them, or the name of a built-in set."""
    out: Path
    """Run folder to make."""
    encoding: str = "utf-8"
    """Encoding of a text file."""
    resume: bool = False
    """Continue the run in `out` from its last checkpoint."""
    overwrite: bool = False
    """Replace the run in `out`."""


class TextColumn(BaseModel):
    """Where the texts stand in a file."""

    model_config = FIXED

    text: str = TEXT
    """Column of the text: its name, or its number from 1 (-1 is the last)."""


class Tokenising(BaseModel):
    """How texts become tokens."""

    model_config = FIXED

    tokenizer: TokenizerName = "auto"
    """Kind of token; auto takes characters where the text is mostly Chinese or Japanese, else words."""
    vocab_size: int = Field(20_000, ge=3)
    """Most tokens kept."""
    min_frequency: int = Field(2, ge=1)
    """A token seen less often than this in the training texts is unknown."""


class WordVectors(Embedded):
    """Where an embedding begins."""

    model_config = FIXED

    vectors: str | None = None
    """File of vectors of words, or characters, that the embedding begins from, and takes its size from: word2vec (text
    or binary), GloVe, fastText .vec or safetensors. Once it is read, the run holds what it needs of it."""
    freeze_vectors: bool = False
    """Leave the vectors of --vectors as they are; what the file lacks is learned."""

    def check_vectors(self) -> None:
        """Raise InputError for vectors that are to stay as they are and are not given."""
        if self.freeze_vectors and self.vectors is None:
            raise InputError(
                "--freeze-vectors leaves vectors as they are, and --vectors gives none; give a file of them"
            )


class Smoothing(BaseModel):
    """How sure a model is taught to be."""

    model_config = FIXED

    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Share of the target spread evenly over all that it could be."""


class FitConfig(Locations):
    """The options of a training run that every task has.

    With `resume`, options that are given must equal the run's own and those not given are taken from it; only
    LIMITS may differ (train longer, on another number of threads).
    """

    model_config = FIXED

    task: ClassVar[str]
    """Name of the task that these are options of."""
    reads: ClassVar[str] = TEXTS
    """What its examples are, in the word of `Dataset.holds`."""
    needs_labels: ClassVar[bool] = False
    """Whether a set without labels is of no use to it."""
    usual_steps: ClassVar[int] = 1200
    """Steps of a run where nobody chooses its epochs; an epoch of many makes them more, of few fewer."""

    incomparable: ClassVar[frozenset[str]] = frozenset()
    """Options in which runs whose validation scores are compared must not differ, beside those of files."""

    @classmethod
    def check_cells(cls, cells: Sequence[str]) -> None:
        """Raise InputError for cells of the library that no run could be made of, or whose runs cannot be compared."""
        from cellwright.tasks.cell import check_cell  # torch, which reading options need not load

        for cell in cells:
            check_cell(cell)

    seed: int = Field(0, ge=0, le=LARGEST_SEED)
    """Seed of the initial weights, the dropout and the order of the batches."""
    max_epochs: int | None = Field(None, ge=1)
    """Most passes over the training examples; None goes by how many steps one has: fit says what that comes to."""
    max_minutes: float | None = Field(None, gt=0)
    """Most minutes of training, earlier parts of a resumed run included; None is no limit."""
    patience: int | None = Field(None, ge=1)
    """Stop after this many epochs without a better validation score; None takes half of them all, at least 3."""
    batch_tokens: int | None = Field(None, ge=1)
    """Most tokens in a batch, padding included; None goes by how much there is to train on."""
    accumulate_grad_batches: int = Field(1, ge=1)
    """Batches whose gradients make one step, as if they were one: the loss is the mean over all their examples."""
    learning_rate: float = Field(3e-3, gt=0)
    """Step size of AdamW, and of its sparse form for the rows of large embeddings."""
    lr_schedule: ScheduleName = "cosine"
    """Step size over the run: cosine rises first, then falls to 0 at the end of the epochs or of --max-minutes,
    and rises again where a run is resumed with more of them."""
    weight_decay: float = Field(0.01, ge=0)
    """Decay of the weight matrices (not of biases)."""
    ema_decay: float = Field(0.998, ge=0, lt=1)
    """Decay per step of the exponential moving average of the weights, which is scored and kept; 0 keeps the last."""
    clip_norm: float | None = Field(1.0, gt=0)
    """Scale gradients down to this norm; None does not."""
    clip_value: float | None = Field(None, gt=0)
    """Cut each gradient to ± this value, before clip_norm; None does not."""
    checkpoint_seconds: float = Field(20.0, ge=0)
    """Seconds between checkpoints within an epoch: the most that a kill can cost. 0 writes one every step."""
    num_workers: int = Field(0, ge=0)
    """Processes that prepare batches beside the training process; 0 prepares them in it."""
    threads: int | None = Field(None, ge=1)
    """Threads of the arithmetic; None leaves PyTorch's choice."""
    precision: Literal["highest", "high", "medium", "bf16-mixed"] = "highest"
    """How training multiplies: highest in float32; high and medium in fewer bits where that is faster, as torch's
    switch of these words; bf16-mixed in bfloat16, by autocast, as Lightning's."""
    baseline: bool = True
    """Score baselines beside the model when it is trained."""
    logger: str | None = None
    """Trackers that follow the run, with commas between them: csv, tensorboard, mlflow, wandb. Each writes into its
    folder of the run's logs, without a network."""

    @property
    def loggers(self) -> tuple[str, ...]:
        """The trackers by name. Raises InputError for one that there is not, or that stands twice."""
        found = () if self.logger is None else tuple(self.logger.split(","))
        if len({*found}) < len(found) or not {*found} <= {*LOGGERS}:
            raise InputError(f"--logger is {self.logger}; expected one of {', '.join(LOGGERS)}, or several with commas")
        return found

    @model_validator(mode="after")
    def _options_agree(self) -> Self:
        _ = self.loggers
        # Of a resumed run, what is not given is the run's and not the default: `merged` holds what is given against it.
        if not self.resume:
            self.check()
        return self

    def check(self) -> None:
        """Raise InputError for options that do not go together; a task says which."""


LOGGERS = ("csv", "tensorboard", "mlflow", "wandb")
"""What --logger takes."""
MIXED = "bf16-mixed"
"""The precision that is autocast's; the others are words of torch.set_float32_matmul_precision."""
LIMITS = frozenset({
    "data", "out", "resume", "overwrite", "cache", "max_epochs", "max_minutes", "patience", "checkpoint_seconds",
    "num_workers", "threads", "baseline", "logger",
})  # fmt: skip
"""Options that a resumed run may change: none of them alters a step that was already taken."""
FIRST = "pretrained"
"""Folder, in a run's own, of the run that is trained before it."""
ONE_CALL = frozenset({"out", "resume", "overwrite"})
"""Options that concern one call only, and are not kept in the run."""
