"""The options of `cellwright bench`: what is measured."""

from typing import Literal

from pydantic import Field

from cellwright.models.architecture import RecurrentOptions


class BenchConfig(RecurrentOptions):
    """One layer over one batch."""

    hidden_size: int = Field(128, ge=1)
    """Hidden units, and as many inputs."""
    batch_size: int = Field(32, ge=1)
    """Sequences."""
    seq_len: int = Field(100, ge=1)
    """Steps of the longest sequence."""
    lengths: Literal["ragged", "padded"] = "ragged"
    """Lengths from a fifth of --seq-len to all of it, in any order; or all of it."""
    precision: Literal["highest", "high", "medium", "bf16x6"] = "highest"
    """How our kernels multiply, by the words of cellwright.use_matmul_precision; torch.nn multiplies float32, and where
    fewer bits are asked for it is timed within autocast to bfloat16 too."""
    threads: int | None = Field(None, ge=1)
    """Threads of the arithmetic; None leaves PyTorch's choice."""
