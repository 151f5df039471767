"""What a user chooses of a model of texts; no torch here, so that the command line can list the options at once."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Pooling = Literal["last", "max", "mean", "attention"]
Join = Literal["mean", "max", "recurrent"]


class RecurrentOptions(BaseModel):
    """What is chosen wherever there are recurrent layers."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    cell: str = "lstm"
    """Recurrent cell, as `cellwright cells` lists them, or FILE.py:NAME of your own."""


class Sized(RecurrentOptions):
    """Layers of one size."""

    hidden_size: int = Field(128, ge=1)
    """Hidden size of one direction of one layer."""


class Stacked(RecurrentOptions):
    """Layers on top of each other."""

    num_layers: int = Field(1, ge=1)
    """Recurrent layers on top of each other."""


class Bidirectional(Sized, Stacked):
    """Layers that may read from both ends."""

    bidirectional: bool = True
    """Read in both directions."""


class Embedded(BaseModel):
    """Tokens as vectors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embedding_dim: int = Field(128, ge=1)
    """Numbers a token is embedded in: a character, a word, a symbol."""


class Fixable(BaseModel):
    """Of an embedding that began from vectors, as the run keeps it: no option."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    fixed_vectors: bool = False
    """Whether the rows that were given stay as they are; which these are stands among the weights."""


class Remembering(BaseModel):
    """Layers that may remember before they have learned to."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    forget_bias: float | None = None
    """Bias of the forget gates at the start; none draws it as torch.nn does; for cells that have one. With 1 or more a
    layer remembers before it has learned to."""


class Dropped(BaseModel):
    """Features dropped before what is answered is computed of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the features dropped between stacked layers and before the dense output."""


class Pooled(BaseModel):
    """One vector of all steps."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    pooling: Pooling = "max"
    """How the outputs of all steps become one vector: last (valid one), max, mean or attention."""


class Architecture(Pooled, Dropped, Embedded, Bidirectional):
    """What the user chooses of a classifier."""

    bigram_buckets: int = Field(50_000, ge=0)
    """Most buckets in which pairs of neighbouring tokens are embedded too, nearly words to characters; 0: no pairs."""
    embedding_dropout: float = Field(0.4, ge=0, lt=1)
    """Share of the embedded numbers dropped."""
    join: Join = "mean"
    """How the vectors of a text's windows (--truncation windows, compress) become one: mean, max or a second layer of
    the cell."""


class ClassifierConfig(Fixable, Architecture):
    """What a classifier is made of; written to a run's `config.json`, enough to build the same module again."""

    vocab_size: int = Field(ge=2)
    """Number of token ids, padding (0) and unknown (1) included."""
    classes: int = Field(ge=2)
    """Number of labels."""
    code_dim: int | None = Field(None, ge=1)
    """Numbers that a text's piece is compressed to, as a sequence autoencoder does; None: its pooled features."""


class AutoencoderArchitecture(Embedded, Sized):
    """What the user chooses of a sequence autoencoder: the encoder reads in both directions, the decoder in one."""

    code_dim: int = Field(128, ge=1)
    """Numbers that a text is compressed to."""


class AutoencoderConfig(AutoencoderArchitecture):
    """What an autoencoder is made of; written to a run's `config.json`, enough to build the same module again."""

    vocab_size: int = Field(ge=2)
    """Number of token ids, padding (0) and unknown (1) included."""
