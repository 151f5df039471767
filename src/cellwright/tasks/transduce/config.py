"""The options of `fit --task transduce`."""

from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from cellwright.data.pairs import PAIRS
from cellwright.models.transducer_architecture import TransducerArchitecture
from cellwright.tasks.config import FIXED, FitConfig, Locations, Smoothing, WordVectors
from cellwright.tasks.files import Cached, TableFiles, check_files

Symbols = Literal["auto", "characters", "tokens"]
LARGEST_BEAM = 1000
"""A beam is held in memory whole."""


class PairOptions(BaseModel):
    """Where sources and targets stand in a file, and what they consist of."""

    model_config = FIXED

    source: str = "source"
    """Column of the source: its name, or its number from 1 (-1 is the last)."""
    target: str = "target"
    """Column of the target, likewise; a source in several rows has several right targets."""
    features: str | None = None
    """Column, likewise, of what is asked of the target: V;PST becomes the symbols +V +PST behind the source, as predict
    takes them too."""
    source_symbols: Symbols = "auto"
    """What a source consists of; auto takes tokens where most sources have white space inside, else characters, and
    beside them features where most end in words with a + before them."""
    target_symbols: Symbols = "auto"
    """What a target consists of, as for the source."""
    min_frequency: int = Field(1, ge=1)
    """A source symbol seen less often than this in training is unknown."""


class DecodingOptions(BaseModel):
    """How answers are looked for once a model is trained; predict and evaluate take these options too."""

    model_config = FIXED

    beam_size: int = Field(5, ge=1, le=LARGEST_BEAM)
    """Beginnings of an answer that evaluate and predict keep; 1 follows greedy search, and ends where the
    score is best."""
    n_best: int = Field(3, ge=1, le=LARGEST_BEAM)
    """Answers that predict --json gives for each source."""
    length_penalty: float = Field(0.6, ge=0)
    """How much longer answers are favoured: log P / ((5 + symbols) / 6)^length_penalty is compared."""


# The last of the bases is the first in the help.
class TransduceConfig(
    FitConfig,
    Smoothing,
    TransducerArchitecture,
    WordVectors,
    DecodingOptions,
    Cached,
    TableFiles,
    PairOptions,
    Locations,
):
    """The options of a run that turns each source into a target. Only `data` and `out` must be given."""

    task: ClassVar[str] = "transduce"
    reads: ClassVar[str] = PAIRS
    usual_steps: ClassVar[int] = 2400

    batch_tokens: int | None = Field(None, ge=1)
    """Most tokens in a batch, source and target together, padding included; None goes by how much there is to train
    on."""

    def check(self) -> None:
        """Raise InputError for options that do not go together."""
        check_files(self)
        self.check_vectors()


CONFIG = TransduceConfig
