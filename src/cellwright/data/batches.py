"""Batches of texts of similar length, under a budget of padded tokens.

Padding is wasted work, so a batch takes texts of nearly one length; and work goes with tokens, not with
texts, so a batch takes as many as its longest text allows. Which texts go together is drawn anew each epoch
among those whose lengths agree to an eighth; how many go together is not, so every epoch has equally many
batches and a progress bar or a learning rate schedule may count on it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from cellwright.data.arrays import MEMORY, Store, chunks

Pieces = Sequence[Sequence[int]]  # what a model reads of a text: the whole as one piece, or several
Example = tuple[Sequence[int], int | None]  # a text's token numbers, and its class or None
PiecedExample = tuple[Pieces, int | None]


MOST_TOKENS, LEAST_TOKENS = 4096, 256
"""Of a batch whose size is not chosen. A step costs as much as a few hundred tokens whatever is in it."""
USUAL_STEPS = 128
"""Of an epoch then: of few texts, many small steps teach more than a few large ones."""


class Batch(NamedTuple):
    """B texts of at most T tokens, or of R pieces together.

    `tokens` (R, T) int64, zero beyond each length; `lengths` (R,) int64; `labels` (B,) int64 or None; `pieces` (B,)
    int64, how many of the rows, in order, are each text's, or None: one each, so that R = B. T is the longest
    length, but at least 1, so that a batch of empty texts is still one.
    """

    tokens: torch.Tensor
    lengths: torch.Tensor
    labels: torch.Tensor | None
    pieces: torch.Tensor | None = None


class Labelled(Sequence[PiecedExample]):
    """Texts with their classes, put together when they are asked for."""

    def __init__(self, pieces: Sequence[Pieces], classes: NDArray[np.integer]) -> None:
        """pieces: of N texts; classes: (N,), the number of each one's."""
        self.pieces, self.classes = pieces, classes

    def __len__(self) -> int:
        return len(self.pieces)

    @overload
    def __getitem__(self, index: int) -> PiecedExample: ...
    @overload
    def __getitem__(self, index: slice) -> "Labelled": ...
    def __getitem__(self, index: int | slice) -> "PiecedExample | Labelled":
        if isinstance(index, slice):
            return Labelled(self.pieces[index], self.classes[index])
        return self.pieces[index], int(self.classes[index])


class LengthBucketSampler(Sampler[list[int]]):
    """Indices of each batch of an epoch, a pure function of (lengths, budget, seed, epoch).

        sampler = LengthBucketSampler([len(numbers) for numbers in encoded], budget=4096, seed=1)
        for epoch in range(5):
            sampler.set_epoch(epoch)
            for indices in sampler: ...

    Give it to a DataLoader as `batch_sampler`. A run that is resumed in the middle of an epoch gets the rest of it
    from `batches(epoch)[done:]`.
    """

    def __init__(
        self, lengths: Sequence[int] | NDArray[np.integer], budget: int, *, seed: int = 0, store: Store = MEMORY
    ) -> None:
        """Plan the batches.

        Args:
            lengths: tokens of each text, zeros allowed.
            budget: the most tokens of a batch, padding counted: rows × longest length. A text that is longer
                by itself makes a batch of its own.
            seed: chooses the order of all epochs, from 0 on.
            store: where the order of the texts lies.

        Raises:
            ValueError: an argument outside its range.

        """
        lengths = np.asarray(lengths)
        _check(lengths, budget)
        self.seed = seed
        self.epoch = 0
        self._store = store
        self._widths = store.empty(len(lengths), np.int32)
        self._counts: Counter[int] = Counter()  # of each width
        for part in chunks(len(lengths)):
            self._widths[part] = _widths(np.asarray(lengths[part], np.int64))
            self._counts.update(_counted(self._widths[part]))
        self._sizes = np.array(_sizes(self._counts, budget), np.int64)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0 on, that the next iteration goes through."""
        self.epoch = epoch

    def batches(self, epoch: int) -> "Batches":
        """Return the batches of that epoch, in order; the texts of each from the longest to the shortest."""
        random = np.random.default_rng((self.seed, epoch))
        shuffled = self._store.empty(len(self._widths), np.int32)
        for part in chunks(len(shuffled)):
            shuffled[part] = np.arange(part.start, part.stop)
        random.shuffle(shuffled)  # as random.permutation does
        ends = np.cumsum(self._sizes)
        order = random.permutation(len(ends))
        return Batches(self._descending(shuffled), ends - self._sizes, ends, order)

    def _descending(self, shuffled: NDArray[np.int32]) -> NDArray[np.int32]:
        """Sort indices by their widths, the largest first; those of one width stay in their order."""
        found, begin, begins = self._store.empty(len(shuffled), np.int32), 0, dict[int, int]()
        for width in sorted(self._counts, reverse=True):
            begins[width] = begin
            begin += self._counts[width]
        for part in chunks(len(shuffled)):
            some = shuffled[part]
            widths = self._widths[some]
            some, start = some[np.argsort(-widths, kind="stable")], 0
            for width, count in sorted(_counted(widths).items(), reverse=True):
                found[begins[width] : begins[width] + count] = some[start : start + count]
                begins[width] += count
                start += count
        return found

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches(self.epoch))

    def __len__(self) -> int:
        """The number of batches, the same in every epoch."""
        return len(self._sizes)


class Batches(Sequence[list[int]]):
    """Batches of indices, each made when it is asked for: lists of all take five times the memory of one array."""

    def __init__(
        self,
        indices: NDArray[np.int32],
        begins: NDArray[np.int64],
        ends: NDArray[np.int64],
        order: NDArray[np.int64],
    ) -> None:
        """indices: (N,) of all batches; begins, ends: (K,) of each one's in them; order: which come, and when."""
        self._indices, self._begins, self._ends, self._order = indices, begins, ends, order

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> list[int]: ...
    @overload
    def __getitem__(self, index: slice) -> "Batches": ...
    def __getitem__(self, index: int | slice) -> "list[int] | Batches":
        if isinstance(index, slice):
            return Batches(self._indices, self._begins, self._ends, self._order[index])
        batch = self._order[index]
        found: list[int] = self._indices[self._begins[batch] : self._ends[batch]].tolist()
        return found

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Batches | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of a list


def usual_budget(tokens: int) -> int:
    """Most padded tokens of a batch where nobody chooses, of so many in an epoch."""
    return min(max(tokens // USUAL_STEPS, LEAST_TOKENS), MOST_TOKENS)


def collate(examples: Sequence[Example]) -> Batch:
    """Pad the texts of a batch to the longest; raises ValueError if only some of them have a label."""
    return Batch(*padded([numbers for numbers, _ in examples]), _labels(examples))


def padded(rows: Sequence[Sequence[int] | NDArray[Any]]) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T) int64 with zeros behind each row, T at least 1, and the lengths (B)."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    views = [row for row in rows if isinstance(row, np.ndarray)]
    whole = len(views) == len(rows) > 0
    numbers = np.concatenate(views) if whole else np.fromiter(chain.from_iterable(rows), np.int64, lengths.sum())
    return filled(numbers, lengths), torch.from_numpy(lengths)


def filled(numbers: NDArray[Any], lengths: NDArray[np.int64]) -> torch.Tensor:
    """(B, T) int64 with zeros behind each row, T at least 1, of all rows' numbers one after the other."""
    rows = np.zeros((len(lengths), max(lengths.max(initial=0), 1)), dtype=np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = numbers
    return torch.from_numpy(rows)


def collate_pieces(examples: Sequence[PiecedExample]) -> Batch:
    """Make each piece of each text, of which there is at least one, a row of a batch."""
    batch = collate([(piece, None) for pieces, _ in examples for piece in pieces])
    counts = torch.tensor([len(pieces) for pieces, _ in examples], dtype=torch.int64)
    return batch._replace(labels=_labels(examples), pieces=counts)


def _labels(examples: Sequence[Example] | Sequence[PiecedExample]) -> torch.Tensor | None:
    labels = [label for _, label in examples if label is not None]
    if labels and len(labels) < len(examples):
        raise ValueError(f"collate: {len(labels)} of {len(examples)} examples have a label; expected all or none")
    return torch.tensor(labels, dtype=torch.int64) if labels else None


def _widths(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Round each length (N,) up to three binary digits after its first: 17 -> 18, 100 -> 104, 0 -> 1.

    Texts of one width are exchangeable, which is what an epoch shuffles; the rounding costs at most 1/8 of padding.
    """
    lengths = np.maximum(lengths, 1)
    _, bits = np.frexp(lengths)  # the number of binary digits
    step = 1 << np.maximum(bits - 4, 0).astype(np.int64)
    rounded: NDArray[np.int64] = -(-lengths // step) * step
    return rounded


def _counted(widths: NDArray[np.int32]) -> dict[int, int]:
    """How often each stands there."""
    found, counts = np.unique(widths, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _sizes(counts: Mapping[int, int], budget: int) -> list[int]:
    """Cut texts of these widths, the largest first, into batches of as many as the first of each allows.

    counts: how many there are of each width.
    """
    order = sorted(counts, reverse=True)
    ends = list(accumulate(counts[width] for width in order))
    sizes, start = list[int](), 0
    for width, end in zip(order, ends, strict=True):
        rows = max(1, budget // width)
        while start < end:
            sizes.append(min(rows, ends[-1] - start))
            start += sizes[-1]
    return sizes


def _check(lengths: NDArray[np.integer], budget: int) -> None:
    if len(lengths) == 0 or lengths.min() < 0:
        least = lengths.min() if len(lengths) else None
        raise ValueError(f"LengthBucketSampler: {len(lengths)} lengths, the least {least}; expected some, from 0 on")
    if budget < 1:
        raise ValueError(f"LengthBucketSampler: a budget of {budget} tokens; expected at least 1")
