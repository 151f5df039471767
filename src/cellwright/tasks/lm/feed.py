"""Texts as lanes side by side, read window after window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cellwright.data.feed import Epoch
from cellwright.models.language_model import MARK
from cellwright.nn.tbptt import Lanes, Window, Windows, lanes, windows

LEAST_WINDOWS = 32
"""Of an epoch: of a short text, many small steps teach more than a few large ones."""


@dataclass(frozen=True)
class LaneFeed:
    """The windows of an epoch, in order: what is new in each goes on where the one before ended.

    documents  token numbers of each text, its mark first
    lanes      side by side, of all processes; fewer where the texts do not fill them with LEAST_WINDOWS each
    window     steps
    seed       chooses in which order the documents come, of one where it begins, anew each epoch; None: as given
    both       whether the texts are read from their ends on as well
    stride     steps from one window's end to the next one's; None: `window`

    A batch is a tuple of windows, one for each direction.
    """

    documents: Sequence[Tensor]
    lanes: int
    window: int
    seed: int | None
    both: bool = False
    stride: int | None = None

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        """Epoch `number` as process `rank` sees it: its own lanes; where there are too few, the first's."""
        ways = [self.documents, [_backward(document) for document in self.documents]][: 1 + self.both]
        drawn = ways if self.seed is None else [_drawn(way, self.seed, number) for way in ways]
        idle = rank >= self._width()
        own = slice(0, 1) if idle else slice(rank, None, world_size)
        found = list(zip(*(self._windows(way, own) for way in drawn), strict=True))
        return Epoch(found, [[k] for k in range(len(found))], range(len(found)) if idle else ())

    def describe(self) -> str:
        """How much is in a batch."""
        width = self._width()
        return f"batches of {width} {'lane' if width == 1 else 'lanes'} side by side, {self.window} tokens of each"

    def _width(self) -> int:
        """Lanes of all processes."""
        fewest = self.window * LEAST_WINDOWS
        return max(1, min(self.lanes, (sum(map(len, self.documents)) - 1) // fewest))

    def _windows(self, documents: Sequence[Tensor], own: slice) -> Windows:
        whole = lanes(documents, self._width())
        mine = Lanes(*(None if part is None else part[:, own] for part in whole))  # type: ignore[arg-type]
        return windows(mine._replace(input=_marked(mine.input)), window=self.window, stride=self.stride)

    @property
    def collate(self) -> Callable[[Sequence[Any]], tuple[Window, ...]]:
        """A batch is an example."""
        return _only


def _only(examples: Sequence[tuple[Window, ...]]) -> tuple[Window, ...]:
    return examples[0]


def _marked(input: Tensor) -> Tensor:
    """(T, B) the same with the mark as each lane's first token, most of which stand in the midst of a text.

    So the mark comes to mean that nothing is known of what stands before. With a text's own mark alone, which one lane
    sees once an epoch, a model may read whatever follows it worse than what follows any other token.
    """
    return torch.cat([torch.full_like(input[:1], MARK), input[1:]])


def _backward(document: Tensor) -> Tensor:
    """Its mark, then its tokens from the last one on."""
    return torch.cat([document[:1], document[1:].flip(0)])


def _drawn(documents: Sequence[Tensor], seed: int, number: int) -> list[Tensor]:
    """The documents in another order; one alone from another place on, its beginning after its end."""
    draws = torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**64)
    if len(documents) > 1:
        return [documents[k] for k in torch.randperm(len(documents), generator=draws).tolist()]
    [document] = documents
    start = int(torch.randint(len(document), (1,), generator=draws))
    return [document[start:], document[:start]]
