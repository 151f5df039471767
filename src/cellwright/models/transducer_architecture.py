"""What a user chooses of a transducer; no torch here, so that the command line can list the options at once."""

from typing import Literal

from pydantic import Field

from cellwright.models.architecture import Bidirectional, Embedded, Fixable, Remembering

Score = Literal["general", "dot", "additive"]


class TransducerArchitecture(Remembering, Embedded, Bidirectional):
    """What the user chooses of a transducer."""

    hidden_size: int = Field(256, ge=1)
    """Hidden size of each direction of a layer of the encoder, and of the decoder, which has one layer."""
    attention: Score = "general"
    """How a step of the decoder finds its place in the source: general or dot (Luong) or additive (Bahdanau)."""
    input_feeding: bool = False
    """Tell each step of the decoder what the one before had looked at: a step at a time in Python, far slower."""
    copying: bool | None = None
    """Let the decoder copy symbols of the source; None does where at least half of the targets' symbols stand in their
    source, as in inflection and spelling: fit says so."""
    dropout: float = Field(0.3, ge=0, lt=1)
    """Share of the numbers dropped behind the embeddings, between layers and before the dense output."""


class TransducerConfig(Fixable, TransducerArchitecture):
    """What a transducer is made of; written to a run's `config.json`, enough to build the same module again."""

    source_vocab_size: int = Field(ge=2)
    """Number of source ids, padding (0) and unknown (1) included."""
    target_vocab_size: int = Field(ge=2)
    """Number of target ids, begin and end (0) and unknown (1) included."""
    copying: bool = False
    """Whether symbols are copied; which of them can be stands among the weights. Older runs do not copy."""
