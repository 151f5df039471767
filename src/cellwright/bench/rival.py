"""What a rival is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cellwright.bench.case import Case, Problem


@dataclass(frozen=True)
class Work:
    """A prepared computation.

    run     all that is timed: the output, and in training the gradients of the input and of every weight
    read    what `run` returned, as {"output": (T, B, D·H) zero beyond each length}, and in training "input" and every
            weight's name with their gradients
    """

    run: Callable[[], Any]
    read: Callable[[Any], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Rival:
    """A row of the table: why it cannot compute a case, or None; the work, where it can; whether in bfloat16."""

    name: str
    obstacle: Callable[[Case], str | None]
    prepare: Callable[[Problem], Work]
    bfloat16: bool = False
