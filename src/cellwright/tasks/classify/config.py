"""The options of `fit --task classify`."""

from pathlib import Path
from typing import ClassVar, Self, get_args

from pydantic import BaseModel, Field, model_validator

from cellwright.errors import InputError
from cellwright.models.architecture import Architecture
from cellwright.models.reading import Reading, Way
from cellwright.tasks.config import FIXED, FitConfig, Place, Tokenising


class Columns(BaseModel):
    """Where texts and labels stand in a file."""

    model_config = FIXED

    text: str = "text"
    """Column of the text."""
    label: str = "label"
    """Column of the label."""


# The last of the bases is the first in the help.
class ClassifyConfig(FitConfig, Architecture, Reading, Tokenising, Columns, Place):
    """The options of a run that gives each text a label. Only `data` and `out` must be given."""

    task: ClassVar[str] = "classify"
    needs_labels: ClassVar[bool] = True

    encoder: Path | None = None
    """Run whose tokens, embedding and layer the classifier begins from: of autoencode, or of lm --directions both."""
    freeze_encoder: bool = False
    """Leave what comes from --encoder as it is, and train the other layers alone."""
    thaw_epochs: int = Field(0, ge=0)
    """Epochs in which the recurrent layer of --encoder stays as it is, and twice as many its embedding; 0: none."""
    token_dropout: float = Field(0.2, ge=0, lt=1)
    """Share of the tokens shown as unknown in training, so that no single one is relied on."""
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    """Share of the target spread evenly over all classes."""

    @model_validator(mode="after")
    def _long_options_agree(self) -> Self:
        """Raise InputError for an option that the way to shorten does not read, and for windows that do not go on."""
        for name, ways in READ_BY.items():
            value = getattr(self, name)
            if value != ClassifyConfig.model_fields[name].default and self.long not in ways:
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

    @model_validator(mode="after")
    def _encoder_is_there(self) -> Self:
        """Raise InputError for options that need --encoder, where there is none."""
        for option, needs in (
            ("--long compress", self.long == "compress"),
            ("--freeze-encoder", self.freeze_encoder),
            ("--thaw-epochs", self.thaw_epochs > 0),
        ):
            if needs and self.encoder is None:
                raise InputError(
                    f"{option} needs an encoder; give --encoder RUN, which cellwright fit DATA --task autoencode "
                    "--out RUN makes"
                )
        if self.freeze_encoder and self.thaw_epochs:
            raise InputError("--freeze-encoder never trains what --thaw-epochs trains later; give one of them")
        return self


READ_BY: dict[str, tuple[str, ...]] = {
    "max_length": get_args(Way),
    "long_ratio": ("head+tail",),
    "overlap": ("windows",),
    "join": ("windows", "compress"),
    "samples": ("sentences",),
    "shuffle": ("sentences",),
}
"""The ways to shorten that an option is for: given with another, it would do nothing."""

CONFIG = ClassifyConfig
