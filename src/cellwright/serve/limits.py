"""Where the server listens, what its page offers and what it accepts: its options, each with its bounds."""

from pydantic import BaseModel, ConfigDict, Field


class Address(BaseModel):
    """Where the server listens, and to whom."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 is every one of this machine."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen at; 0 takes one that is free."""
    allow_origin: str | None = None
    """Origin whose pages may ask in a browser, such as https://example.com; several with commas between; * is any."""


class Computing(BaseModel):
    """What the model takes of the machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    threads: int | None = Field(default=None, ge=1)
    """Threads of the arithmetic; None leaves one processor to those who ask, for a team of threads waits for its
    slowest."""


class Greeting(BaseModel):
    """What the live page shows before anything is typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    example: str | None = None
    """Text that the empty page offers to begin with; of a run on a built-in set there is one without it."""


class Limits(BaseModel):
    """The most that a client may ask for; beyond it the answer is one sentence with status 413, 422, 503 or 504."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    max_length: int = Field(default=10_000, ge=1)
    """Most characters of a text."""
    max_inspected: int = Field(default=1_000, ge=1)
    """Most characters of a text whose gates are shown: its beginnings cost the square of its length."""
    max_generated: int = Field(default=500, ge=1)
    """Most tokens that a language model writes for a request."""
    max_batch: int = Field(default=256, ge=1)
    """Most texts of a request, and most that the model reads at once."""
    max_body: int = Field(default=10_000_000, ge=1)
    """Most bytes of a request."""
    max_waiting: int = Field(default=1_000, ge=1)
    """Most requests that wait for the model."""
    timeout: float = Field(default=30, gt=0)
    """Most seconds until a request has arrived, and again until it is answered."""
