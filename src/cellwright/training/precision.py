"""How exactly a run multiplies: what its option means to torch, to our kernels and to Lightning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

import torch

from cellwright.backends.precision import use_matmul_precision
from cellwright.tasks.config import MIXED


def of_lightning(precision: str) -> Literal["bf16-mixed", "32-true"]:
    """The Trainer's word: it turns autocast on, or lets everything be float32."""
    return "bf16-mixed" if precision == MIXED else "32-true"


@contextmanager
def multiplying(precision: str) -> Iterator[None]:
    """Within the block torch and our kernels multiply float32 as the option says; then as before.

    Kernels take the word from us, so that what a run says of itself holds whatever the process has set. torch's own
    switch, which other layers and GPUs go by, is set as well, but where autocast says it, or where the process has set
    `torch.backends`' newer switches, with which torch does not let the older one be read.
    """
    with use_matmul_precision("bf16" if precision == MIXED else precision):
        before = None if precision == MIXED else _switch()
        try:
            if before is not None:
                torch.set_float32_matmul_precision(precision)
            yield
        finally:
            if before is not None:
                torch.set_float32_matmul_precision(before)


def _switch() -> str | None:
    """What torch's switch says; None where it cannot be asked."""
    with suppress(RuntimeError):
        return torch.get_float32_matmul_precision()
    return None
