"""What a user chooses of a tagger; no torch here, so that the command line can list the options at once."""

from pydantic import Field

from cellwright.models.architecture import Bidirectional, Dropped, Embedded, Fixable


class TaggerArchitecture(Dropped, Embedded, Bidirectional):
    """What the user chooses of a tagger; before the dense output, the same features of all words of a sentence drop."""

    char_embedding_dim: int = Field(32, ge=0)
    """Numbers a character is embedded in, and hidden size of each direction of the layer over a word's characters; 0:
    words are not spelled."""
    embedding_dropout: float = Field(0.3, ge=0, lt=1)
    """Share of the embedded numbers dropped, the same ones of all words of a sentence."""
    feature_dim: int = Field(16, ge=1)
    """Numbers that each feature of --feature-columns is embedded in."""


class TaggerConfig(Fixable, TaggerArchitecture):
    """What a tagger is made of; written to a run's `config.json`, enough to build the same module again."""

    vocab_size: int = Field(ge=2)
    """Number of word ids, padding (0) and unknown (1) included."""
    alphabet: int = Field(ge=2)
    """Number of character ids, padding (0) and unknown (1) included."""
    tags: int = Field(ge=1)
    """Number of tags."""
    crf: bool = True
    """Whether neighbouring tags are scored by a conditional random field; without it each is chosen by itself."""
    features: tuple[int, ...] = ()
    """Number of value ids of each column of features, padding (0) and unknown (1) included."""
    classes: int = Field(0, ge=0)
    """Number of labels of whole sentences; 0: they are not classified."""
