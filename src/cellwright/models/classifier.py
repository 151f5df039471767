"""Text classification: embedding → recurrent layers → pooling → dense layer."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Pooling = Literal["last", "max", "mean", "attention"]


class ClassifierConfig(BaseModel):
    """What a classifier is made of; written to a run's `config.json` and enough to build the same module again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocabulary: int = Field(ge=2)
    """Number of token ids, padding (0) and unknown (1) included."""
    classes: int = Field(ge=2)
    cell: str = "lstm"
    """Name of the recurrent cell, as `cellwright cells` lists it."""
    embedding: int = Field(128, ge=1)
    """Numbers a token is embedded in."""
    hidden: int = Field(128, ge=1)
    """Hidden size H of one direction of one layer."""
    layers: int = Field(1, ge=1)
    bidirectional: bool = True
    dropout: float = Field(0.5, ge=0, lt=1)
    """Share of the features dropped: after the embedding, between stacked layers, before the dense output."""
    pooling: Pooling = "max"
    """How (T, D·H) outputs become one vector: the last valid output, the maximum, the mean, or learned attention."""
