"""The options of `fit --task autoencode`."""

from typing import ClassVar

from pydantic import Field

from cellwright.models.architecture import AutoencoderArchitecture
from cellwright.models.text_encoding import LongTextOptions
from cellwright.tasks.config import FIXED, FitConfig, Locations, TextColumn, Tokenising
from cellwright.tasks.files import Cached, TableFiles, check_files


class Texts(TextColumn):
    """Where the texts stand, and how much of one is compressed together."""

    model_config = FIXED

    max_length: int = Field(64, ge=1)
    """Most tokens compressed together; a longer text is cut into such windows, at sentence ends where it can be."""

    @property
    def long_text(self) -> LongTextOptions:
        """How texts become windows."""
        return LongTextOptions(truncation="windows", max_length=self.max_length)


# The last of the bases is the first in the help.
class AutoencodeConfig(FitConfig, AutoencoderArchitecture, Tokenising, Cached, TableFiles, Texts, Locations):
    """The options of a run that compresses texts. Only `data` and `out` must be given."""

    task: ClassVar[str] = "autoencode"
    incomparable: ClassVar[frozenset[str]] = frozenset({"tokenizer", "vocab_size", "min_frequency", "max_length"})

    def check(self) -> None:
        """Raise InputError for options that do not go together."""
        check_files(self)


CONFIG = AutoencodeConfig
