"""The options of `fit --task lm`."""

from typing import ClassVar

from pydantic import Field

from cellwright.data.position_split import SHARE
from cellwright.data.table import TEXT
from cellwright.errors import InputError
from cellwright.models.language_model_architecture import LanguageArchitecture
from cellwright.tasks.config import FIXED, FitConfig, Locations, TextColumn, Tokenising, TokenizerName
from cellwright.tasks.files import Cached, TableFiles, check_files


class Columns(TextColumn):
    """Where the texts stand in a file."""

    model_config = FIXED

    text: str = TEXT
    """Column of the text, its name or its number from 1, in a table (CSV, TSV, JSONL, Parquet); in a folder each file
    is a text, and any other file is one."""


# The last of the bases is the first in the help.
class LanguageConfig(FitConfig, LanguageArchitecture, Tokenising, Cached, TableFiles, Columns, Locations):
    """The options of a run that learns to write text. Only `data` and `out` must be given."""

    task: ClassVar[str] = "lm"
    incomparable: ClassVar[frozenset[str]] = frozenset(  # perplexity is of a token
        {"tokenizer", "vocab_size", "min_frequency", "train_split_only", "held_out"}
    )

    tokenizer: TokenizerName = "characters"
    """Kind of token; words are lower-cased and their spacing is lost; auto: characters for Chinese, else words."""
    train_split_only: bool = False
    """Read only the texts of DATA that other tasks train on, so that a classifier may begin from the run."""
    held_out: float | None = Field(None, ge=0, lt=1)
    """Share of DATA that other tasks do not train on, for --train-split-only: their --validation-share and
    --test-share together, by default a fifth."""
    validation_share: float | None = Field(None, ge=0, lt=1)
    """Share of DATA that chooses the best epoch, a twentieth unless --validation does, of one text what follows the
    training part; 0: none does, and the last is kept."""
    test_share: float | None = Field(None, ge=0, lt=1)
    """Share of DATA for the final score, a twentieth unless a file is given with --test or --validation, of one text
    its end; 0: there is no score on a test."""
    batch_tokens: int | None = Field(None, ge=1)
    """Most tokens in a batch; None takes 2,048, or of a short text as many as leave 32 windows to an epoch."""
    bptt: int = Field(64, ge=1)
    """Steps that a gradient goes back through; --batch-tokens divided by it are the lanes read side by side."""
    stride: int | None = Field(None, ge=1)
    """Steps from one window's end to the next one's; fewer than --bptt read steps again, so that every gradient goes
    back some way; by default --bptt."""

    def check(self) -> None:
        """Raise InputError for options that do not go together, for windows that would leave steps out, and for a
        dropout that nothing is dropped by."""
        check_files(self, SHARE)
        if self.held_out is not None and not self.train_split_only:
            raise InputError(f"--held-out is {self.held_out}, which --train-split-only reads; give both, or neither")
        if self.train_split_only and (self.validation is not None or self.test is not None):
            raise InputError(
                "--train-split-only takes its splits from what other tasks train on; leave --validation and --test out"
            )
        if self.stride is not None and self.stride > self.bptt:
            raise InputError(
                f"--stride is {self.stride} and --bptt {self.bptt}; expected a stride of at most the window, or "
                "steps would be left out"
            )
        if self.dropout and self.num_layers == 1:
            raise InputError(
                f"--dropout is {self.dropout}, which acts between layers, and --num-layers is 1; expected "
                "--output-dropout, which acts on the last layer's outputs, or more layers"
            )


CONFIG = LanguageConfig
