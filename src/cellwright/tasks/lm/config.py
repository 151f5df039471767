"""The options of `fit --task lm`."""

from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from cellwright.errors import InputError
from cellwright.models.language_architecture import LanguageArchitecture
from cellwright.tasks.config import FIXED, FitConfig, Place, Tokenising


class TextColumn(BaseModel):
    """Where the texts stand in a file."""

    model_config = FIXED

    text: str = "text"
    """Column of the text, in a table (CSV, TSV, JSONL, Parquet); any other file is one text."""


# The last of the bases is the first in the help.
class LanguageConfig(FitConfig, LanguageArchitecture, Tokenising, TextColumn, Place):
    """The options of a run that learns to write text. Only `data` and `out` must be given."""

    task: ClassVar[str] = "lm"

    tokenizer: Literal["auto", "characters", "words", "bpe"] = "characters"
    """Kind of token; words are lower-cased and their spacing is lost; auto: characters for Chinese, else words."""
    train_side_only: bool = False
    """Read only the texts of DATA that other tasks train on, so that a classifier may begin from the run."""
    validation_share: float = Field(0.05, gt=0, lt=1)
    """Share of the text by which the best epoch is chosen: of one text what follows the training part."""
    test_share: float = Field(0.05, ge=0, lt=1)
    """Share for the final score, of one text its end; 0: the final score is that of the validation share."""
    batch_tokens: int | None = Field(None, ge=1)
    """Most tokens in a batch; None takes 2,048, or of a short text as many as leave 32 windows to an epoch."""
    window: int = Field(64, ge=1)
    """Steps that a gradient goes back through; --batch-tokens divided by it are the lanes read side by side."""
    stride: int | None = Field(None, ge=1)
    """Steps from one window's end to the next one's; fewer than --window read steps again, so that every gradient goes
    back some way; by default --window."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """Step size over the run: cosine rises first, then falls to 0 at the end of --max-epochs or --max-minutes."""

    def check(self) -> None:
        """Raise InputError for windows that would leave steps out, for shares that leave nothing to train on, and for a
        dropout that nothing is dropped by."""
        if self.stride is not None and self.stride > self.window:
            raise InputError(
                f"--stride is {self.stride} and --window {self.window}; expected a stride of at most the window, or "
                "steps would be left out"
            )
        if self.validation_share + self.test_share >= 1:
            raise InputError(
                f"--validation-share is {self.validation_share} and --test-share {self.test_share}; expected two that "
                "are together below 1, and leave something to train on"
            )
        if self.dropout and self.layers == 1:
            raise InputError(
                f"--dropout is {self.dropout}, which acts between layers, and --layers is 1; expected "
                "--output-dropout, which acts on the last layer's outputs, or more layers"
            )


CONFIG = LanguageConfig
