"""Texts as lanes side by side, read window after window: views of one array of tokens, whatever its size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellwright.data.arrays import OnDemand
from cellwright.data.feed import Epoch
from cellwright.data.wording import counted
from cellwright.models.language_model import MARK
from cellwright.nn.spans import span, spans
from cellwright.nn.tbptt import Window
from cellwright.tasks.lm.stream import Stream

LEAST_WINDOWS = 32
"""Of an epoch: of a short text, many small steps teach more than a few large ones."""


@dataclass(frozen=True)
class LaneFeed:
    """The windows of an epoch, in order: what is new in each goes on where the one before ended.

    stream     the texts
    lanes      side by side, of all processes; fewer where the texts do not fill them with LEAST_WINDOWS each
    window     steps
    seed       chooses in which order the documents come, of one where it begins, anew each epoch; None: as given
    both       whether the texts are read from their ends on as well
    stride     steps from one window's end to the next one's; None: `window`

    A batch is a tuple of windows, one for each direction.
    """

    stream: Stream
    lanes: int
    window: int
    seed: int | None
    both: bool = False
    stride: int | None = None

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        """Epoch `number` as process `rank` sees it: its own lanes; where there are too few, the first's."""
        drawn = self.stream if self.seed is None else self.stream.drawn(self.seed, number)
        width = self._width()
        steps, idle = (drawn.size - 1) // width, rank >= width
        own = np.arange(0, 1) if idle else np.arange(rank, width, world_size)
        found = LaneWindows(drawn, own * steps, steps, self.window, self.stride or self.window, self.both)
        return Epoch(found, _Each(len(found)), range(len(found)) if idle else ())

    def describe(self) -> str:
        """How much is in a batch."""
        width = self._width()
        return f"batches of {counted(width, 'lane')} side by side, {self.window} tokens of each"

    def _width(self) -> int:
        """Lanes of all processes."""
        fewest = self.window * LEAST_WINDOWS
        return max(1, min(self.lanes, (self.stream.size - 1) // fewest))

    @property
    def collate(self) -> Callable[[Sequence[Any]], tuple[Window, ...]]:
        """A batch is an example."""
        return _only


@dataclass(frozen=True)
class LaneWindows(OnDemand[tuple[Window, ...]]):
    """The windows of some lanes, each a tuple of one for each direction.

    begins  (B,) the place in the stream at which each lane begins
    steps   of each lane
    """

    stream: Stream
    begins: NDArray[np.int64]
    steps: int
    window: int
    stride: int
    both: bool

    called = "window"

    def __len__(self) -> int:
        return spans(self.steps, self.stride)

    def _item(self, index: int) -> tuple[Window, ...]:
        return tuple(self._way(index, backward) for backward in (False, True)[: 1 + self.both])

    def _way(self, index: int, backward: bool) -> Window:
        within = span(index, self.steps, self.window, self.stride)
        places = self.begins + np.arange(within.start, within.end + 1)[:, None]  # (t + 1, B)
        tokens = torch.from_numpy(self.stream.at(places, backward=backward))
        input, targets = tokens[:-1].clone(), tokens[1:]
        # As the stream begins no document goes on, be it in the midst of one.
        reset = (input == MARK) | torch.from_numpy(places[:-1] == 0)
        if within.start == 0:
            # Most lanes begin in the midst of a text: so the mark comes to mean that nothing is known of what stands
            # before. With a text's own mark alone, which one lane sees once an epoch, a model may read whatever follows
            # it worse than what follows any other token.
            input[0] = MARK
        return Window(input, targets, reset if bool(reset.any()) else None, index == 0, within.new, within.ahead)


class _Each(OnDemand[list[int]]):
    """Batches of one example each."""

    called = "batch"

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def _item(self, index: int) -> list[int]:
        return [index]


def _only(examples: Sequence[tuple[Window, ...]]) -> tuple[Window, ...]:
    return examples[0]
