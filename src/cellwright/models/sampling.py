"""How text is drawn from a language model; no torch here, so that the command line can list the options at once."""

from pydantic import BaseModel, ConfigDict, Field

LARGEST_SEED = 2**63 - 1
"""What a generator of torch takes."""


class Sampling(BaseModel):
    """How the next token is drawn, and when to end."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    temperature: float = Field(1.0, ge=0)
    """Divides the logarithms of the probabilities: below 1 probable tokens gain; 0 takes the most probable one."""
    top_k: int | None = Field(None, ge=1)
    """Draw among this many most probable tokens."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Draw among the fewest most probable tokens that have this probability together (Holtzman et al. 2020)."""
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED)
    """Seed of the draws: the same text again; none is another text each time."""
    length: int = Field(500, ge=0)
    """Most tokens to write; fewer where the model ends the document."""
    stop: str | None = Field(None, min_length=1)
    """Text to end before."""
