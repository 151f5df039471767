"""What a user chooses of a language model; no torch here, so that the command line can list the options at once."""

from typing import Literal

from pydantic import Field

from cellwright.models.architecture import Embedded, Remembering, Stacked


class LanguageArchitecture(Remembering, Embedded, Stacked):
    """What the user chooses of a language model.

    The kinds of dropout and the two penalties are those of Merity, Keskar and Socher 2017, "Regularizing and optimizing
    LSTM language models", whose names stand in brackets. All are off at first: they pay where training goes through the
    text many times.
    """

    hidden_size: int = Field(384, ge=1)
    """Hidden size of each layer; with --tie-weights the last one has as many units as the embedding."""
    directions: Literal["forward", "both"] = "forward"
    """Read backward too, with layers of its own, for a classifier to begin from (--encoder); it writes forward."""
    tie_weights: bool = False
    """Let the output layer's weights be the embedding's (Press and Wolf 2017)."""
    softmax: Literal["auto", "full", "adaptive"] = "auto"
    """Output layer; adaptive takes less work for frequent tokens (Grave et al. 2017); auto: from 10,000 words on."""
    embedding_row_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the vocabulary whose embeddings are dropped, each wherever it stands (dropoute)."""
    embedding_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the embedded numbers dropped, the same ones at all steps (dropouti)."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the outputs dropped between stacked layers, the same ones at all steps (dropouth)."""
    output_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the last layer's outputs dropped, the same ones at all steps (dropout)."""
    weight_drop: float = Field(0.0, ge=0, lt=1)
    """Share of the weights from h to the next step dropped, the same ones at all steps (wdrop)."""
    recurrent_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the units of h that the next step does not see, the same ones at all steps (Gal and Ghahramani 2016)."""
    activation_regularization: float = Field(0.0, ge=0)
    """Weight in the loss of the mean square of the last layer's outputs (alpha)."""
    temporal_activation_regularization: float = Field(0.0, ge=0)
    """Weight in the loss of the mean square of their change from step to step (beta)."""


class LanguageModelConfig(LanguageArchitecture):
    """What a language model is made of; written to a run's `config.json`, enough to build the same module again."""

    softmax: Literal["full", "adaptive"] = "full"  # what auto came to

    vocab_size: int = Field(ge=2)
    """Number of token ids, the mark that begins a document (0) and unknown (1) included."""
