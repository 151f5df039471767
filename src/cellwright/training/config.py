"""Everything `fit` can be told, each with its default."""

from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cellwright.errors import InputError
from cellwright.models.architecture import Architecture
from cellwright.models.reading import Reading, Way


class Source(BaseModel):
    """Where the texts come from, where the run goes, and how texts become tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    data: str
    """File of labelled texts (CSV, TSV, JSONL, Parquet) or the name of a built-in set."""
    out: Path
    """Run folder to make."""
    text: str = "text"
    """Column of the text."""
    label: str = "label"
    """Column of the label."""
    encoding: str = "utf-8"
    """Encoding of a text file."""
    resume: bool = False
    """Continue the run in `out` from its last checkpoint."""
    overwrite: bool = False
    """Replace the run in `out`."""

    tokenizer: Literal["auto", "characters", "words", "bpe"] = "auto"
    """Kind of token; auto takes characters where the text is mostly Chinese or Japanese, else words."""
    vocabulary: int = Field(20_000, ge=3)
    """Most tokens kept."""
    minimum: int = Field(2, ge=1)
    """A token seen less often than this in the training texts is unknown."""


class FitConfig(Architecture, Reading, Source):
    """The options of one training run. Only `data` and `out` must be given.

    With `resume`, options that are given must equal the run's own and those not given are taken from it; only
    LIMITS may differ (train longer, on another number of threads).
    """

    seed: int = Field(0, ge=0)
    """Seed of the initial weights, the dropout and the order of the batches."""
    max_epochs: int = Field(6, ge=1)
    """Most passes over the training texts."""
    max_minutes: float | None = Field(None, gt=0)
    """Most minutes of training, earlier parts of a resumed run included; None is no limit."""
    patience: int = Field(3, ge=1)
    """Stop after this many epochs without a better validation score."""
    batch_tokens: int = Field(2048, ge=1)
    """Most tokens in a batch, padding included."""
    learning_rate: float = Field(3e-3, gt=0)
    """Step size of AdamW."""
    weight_decay: float = Field(0.01, ge=0)
    """Decay of the weight matrices (not of biases)."""
    token_dropout: float = Field(0.2, ge=0, lt=1)
    """Share of the tokens shown as unknown in training, so that no single one is relied on."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Share of the target spread evenly over all classes."""
    averaging: float = Field(0.998, ge=0, lt=1)
    """Weight of the past, per step, in the running mean of the weights that is scored and kept; 0 keeps the last."""
    clip_norm: float | None = Field(1.0, gt=0)
    """Scale gradients down to this norm; None does not."""
    clip_value: float | None = Field(None, gt=0)
    """Cut each gradient to ± this value, before clip_norm; None does not."""
    checkpoint_seconds: float = Field(20.0, ge=0)
    """Seconds between checkpoints within an epoch: the most that a kill can cost. 0 writes one every step."""
    workers: int = Field(0, ge=0)
    """Processes that prepare batches beside the training process; 0 prepares them in it."""
    threads: int | None = Field(None, ge=1)
    """Threads of the arithmetic; None leaves PyTorch's choice."""

    @model_validator(mode="after")
    def _long_options_agree(self) -> Self:
        """Raise InputError for an option that the way to shorten does not read, and for windows that do not go on."""
        for name, ways in READ_BY.items():
            value = getattr(self, name)
            if value != FitConfig.model_fields[name].default and self.long not in ways:
                raise InputError(
                    f"--{name.replace('_', '-')} is {value}, and --long is {self.long or 'none'}; leave it out, "
                    f"or give --long {' or '.join(ways)}"
                )
        if self.long == "windows" and self.overlap >= self.max_length:
            raise InputError(
                f"--overlap is {self.overlap} and --max-length {self.max_length}; expected windows that repeat less "
                "than they hold"
            )
        return self


READ_BY: dict[str, tuple[str, ...]] = {
    "max_length": get_args(Way),
    "long_ratio": ("head+tail",),
    "overlap": ("windows",),
    "join": ("windows",),
    "samples": ("sentences",),
    "shuffle": ("sentences",),
}
"""The ways to shorten that an option is for: given with another, it would do nothing."""

LIMITS = frozenset(
    "data out resume overwrite max_epochs max_minutes patience checkpoint_seconds workers threads".split()  # noqa: SIM905
)
"""Options that a resumed run may change: none of them alters a step that was already taken."""
