"""The options of `fit --task classify`."""

from pathlib import Path
from typing import ClassVar, Literal, get_args

from pydantic import BaseModel, Field

from cellwright.data.duplicates import Duplicates
from cellwright.data.table import LABEL
from cellwright.errors import InputError
from cellwright.models.architecture import Architecture
from cellwright.models.text_encoding import LongTextOptions, Way
from cellwright.options import flag
from cellwright.tasks.config import FIRST, FIXED, FitConfig, Locations, Smoothing, TextColumn, Tokenising, WordVectors
from cellwright.tasks.files import OF_CACHED_FILES, Cached, TableFiles, check_files


class Columns(TextColumn):
    """Where texts and labels stand in a file."""

    model_config = FIXED

    label: str = LABEL
    """Column of the label, likewise; in a folder of texts each one's own folder is its label."""


class Labels(BaseModel):
    """What becomes of labels that are missing or contradict each other."""

    model_config = FIXED

    skip_missing: bool = False
    """Leave out rows without a label, which are refused else."""
    duplicates: Duplicates = "majority"
    """Of a text that stands several times keep one row, with its most frequent label or with the first; drop it where
    its labels differ; or keep every row."""


OF_TABLES = OF_CACHED_FILES | {name: field.default for name, field in Labels.model_fields.items()}
"""What says nothing of a built-in set, each with what it is where nobody gives it."""


# The last of the bases is the first in the help.
class ClassifyConfig(
    FitConfig,
    Smoothing,
    Architecture,
    WordVectors,
    LongTextOptions,
    Tokenising,
    Cached,
    TableFiles,
    Labels,
    Columns,
    Locations,
):
    """The options of a run that gives each text a label. Only `data` and `out` must be given."""

    task: ClassVar[str] = "classify"
    needs_labels: ClassVar[bool] = True
    usual_steps: ClassVar[int] = 1000
    incomparable: ClassVar[frozenset[str]] = frozenset({"class_weights", *Labels.model_fields})

    pretrain: str | None = None
    """Learn to write texts first, in both directions: own, the training texts of DATA, a file, or a built-in set."""
    pretrain_epochs: int = Field(4, ge=1)
    """Passes over the texts of --pretrain."""
    encoder: Path | None = None
    """Run whose tokens, embedding and layer the classifier begins from: of autoencode, or of lm --directions both."""
    freeze_encoder: bool = False
    """Leave what comes from --encoder or --pretrain as it is, and train the other layers alone."""
    unfreeze_epochs: int | None = Field(None, ge=0)
    """Epochs in which the recurrent layer that was given stays as it is, and twice as many its embedding; by default
    1 with --pretrain, else 0."""
    token_dropout: float = Field(0.2, ge=0, lt=1)
    """Share of the tokens shown as unknown in training, so that no single one is relied on."""
    class_weights: Literal["balanced"] | None = None
    """Let each class count alike however few its texts are: the loss of a text is weighted by how rare its label is.
    Epochs are then compared by macro-F1."""
    adversarial_epsilon: float = Field(0.0, ge=0)
    """Learn each text a second time with its embedded tokens moved where its loss grows fastest, by this share of their
    length: 0.1, say; 0: not at all. A step takes some two and a half times as long."""

    def check(self) -> None:
        """Raise InputError for options that do not go together."""
        check_files(self)
        self._long_options_agree()
        self._encoder_is_there()
        self._pretraining_fits()
        self._vectors_fit()

    def _long_options_agree(self) -> None:
        """Raise InputError for an option that the way to shorten does not read, and for windows that do not go on."""
        for name, ways in READ_BY.items():
            value = getattr(self, name)
            if value != ClassifyConfig.model_fields[name].default and self.truncation not in ways:
                raise InputError(
                    f"{flag(name)} is {value}, and --truncation is {self.truncation or 'none'}; leave "
                    f"it out, or give --truncation {' or '.join(ways)}"
                )
        if self.truncation == "windows" and self.overlap >= self.max_length:
            raise InputError(
                f"--overlap is {self.overlap} and --max-length {self.max_length}; expected windows that repeat less "
                "than they hold"
            )

    @property
    def thawing(self) -> int:
        """Epochs from one part's thawing to the next; 0: all train from the start."""
        if self.unfreeze_epochs is None:
            return int(self.pretrain is not None and not self.freeze_encoder)
        return self.unfreeze_epochs

    @property
    def begins_from(self) -> Path | None:
        """The run that the classifier begins from, whoever makes it."""
        return self.encoder if self.pretrain is None else self.out / FIRST

    def _encoder_is_there(self) -> None:
        """Raise InputError for options that need --encoder or --pretrain, where there is neither."""
        for option, needs in (
            ("--truncation compress", self.truncation == "compress"),
            ("--freeze-encoder", self.freeze_encoder),
            ("--unfreeze-epochs", self.unfreeze_epochs),
        ):
            if needs and self.begins_from is None:
                raise InputError(
                    f"{option} needs an encoder; give --encoder RUN, which cellwright fit DATA --task autoencode "
                    "--out RUN makes"
                )
        if self.freeze_encoder and self.unfreeze_epochs:
            raise InputError("--freeze-encoder never trains what --unfreeze-epochs trains later; give one of them")

    def _pretraining_fits(self) -> None:
        """Raise InputError for options that a language model in both directions cannot give a beginning to."""
        if self.pretrain is None:
            if self.pretrain_epochs != ClassifyConfig.model_fields["pretrain_epochs"].default:
                raise InputError(f"--pretrain-epochs is {self.pretrain_epochs}, and no --pretrain says of what text")
            return
        if Path(self.pretrain).resolve() == Path(self.data).resolve():
            raise InputError(
                f"--pretrain is {self.pretrain}, the texts to be labelled, those of the test split among them; "
                f"expected {OWN}, which takes those of the training split"
            )
        for option, clashes, fix in (
            (f"--encoder {self.encoder}", self.encoder is not None, "give one of them"),
            ("--truncation compress", self.truncation == "compress", "which takes --encoder RUN, a run of autoencode"),
            (f"--num-layers {self.num_layers}", self.num_layers != 1, "which makes one layer in each direction"),
            ("--no-bidirectional", not self.bidirectional, "which makes one layer in each direction"),
        ):
            if clashes:
                raise InputError(f"{option} does not go with --pretrain {self.pretrain}: {fix}")

    def _vectors_fit(self) -> None:
        """Raise InputError for vectors beside another beginning of the embedding, or of tokens that are no words."""
        self.check_vectors()
        if self.vectors is None:
            return
        if self.begins_from is not None:
            other = "--encoder" if self.pretrain is None else "--pretrain"
            raise InputError(f"--vectors and {other} both give the embedding its beginning; give one of them")
        if self.tokenizer == "bpe":
            raise InputError("--vectors are of words or characters, and --tokenizer is bpe; give --tokenizer words")


OWN = "own"
"""The text of --pretrain that is the training split of DATA."""

READ_BY: dict[str, tuple[str, ...]] = {
    "max_length": get_args(Way),
    "head_share": ("head+tail",),
    "overlap": ("windows",),
    "join": ("windows", "compress"),
    "samples": ("sentences",),
    "shuffle": ("sentences",),
}
"""The ways to shorten that an option is for: given with another, it would do nothing."""

CONFIG = ClassifyConfig
