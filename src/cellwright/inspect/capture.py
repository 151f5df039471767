"""Gates and states from a model's own pass: layers that are listened to tell their letters, and return what they do.

with capturing([model.encoder]) as captured:
    model.encode(sources, lengths)
captured.letters([model.encoder])    # of the first text of the batch, one a direction of each layer
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from cellwright.inspect.recording import Direction, Letters
from cellwright.nn import Recurrent
from cellwright.pauses import pausing

DIRECTIONS: tuple[Direction, ...] = ("forward", "reverse")


class Captured:
    """What layers told while they were listened to."""

    def __init__(self) -> None:
        self._told: dict[Recurrent, list[Sequence[dict[str, Tensor]]]] = {}

    def add(self, layer: Recurrent, letters: Sequence[dict[str, Tensor]]) -> None:
        """Keep what a call of a layer told of the first text, each letter as (T, H)."""
        first = [{n: v.select(0 if layer.batch_first else 1, 0) for n, v in one.items()} for one in letters]
        self._told.setdefault(layer, []).append(first)

    def letters(
        self, layers: Sequence[Recurrent], stack: str = "", *, written: bool = False, first: int = 0
    ) -> list[Letters]:
        """Of layers on top of each other, from their step `first` on; calls of one layer follow each other in time."""
        found: list[Letters] = []
        for layer in layers:
            below = len({each.layer for each in found})
            for k, calls in enumerate(zip(*self._told[layer], strict=True)):
                values = {name: torch.cat([call[name] for call in calls])[first:].numpy() for name in calls[0]}
                depth, direction = divmod(k, layer.directions)
                found.append(Letters(below + depth, DIRECTIONS[direction], values, stack, written))
        return found


@contextmanager
def capturing(layers: Sequence[Recurrent]) -> Iterator[Captured]:
    """Listen to every call of these layers that this thread makes until the block ends."""
    captured, here = Captured(), threading.get_ident()

    def ask(layer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        return (given, named | {"return_gates": True}) if threading.get_ident() == here else None

    def capture(layer: Any, given: tuple[Any, ...], output: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if threading.get_ident() != here:
            return None
        captured.add(layer, output[-1])
        return output[:-1]

    with ExitStack() as hooks, pausing(None):  # a call of another text would be captured
        for layer in layers:
            hooks.enter_context(layer.register_forward_pre_hook(ask, with_kwargs=True))
            hooks.enter_context(layer.register_forward_hook(capture))
        yield captured
