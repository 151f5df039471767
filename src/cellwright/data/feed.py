"""What training goes through: the examples of each epoch, which of them make a batch, and how they become one."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from cellwright.data.arrays import MEMORY, Store
from cellwright.data.batches import MOST_TOKENS, LengthBucketSampler, usual_budget


class Epoch(NamedTuple):
    """The examples of one epoch, and the indices of each batch, in order: of one of several processes, its share."""

    examples: Sequence[Any]
    batches: Sequence[list[int]]
    idle: Container[int] = ()
    """Numbers of the batches of which nothing falls to this process: what it has of them is another's, and counts for
    nothing, so that all of them take each step together."""

    def share(self, rank: int, world_size: int) -> "Epoch":
        """What process `rank` has of it: of each batch every `world_size`-th example, as long as those of the others.

        So all processes together take the steps of one, each on the same examples.
        """
        if world_size == 1:
            return self
        return Epoch(self.examples, _Share(self.batches, rank, world_size), _Idle(self.batches, rank))


class _Share(Sequence[list[int]]):
    """Of each batch what one process has of it; of one that has nothing for it, the first example."""

    def __init__(self, batches: Sequence[list[int]], rank: int, world_size: int) -> None:
        self._batches, self._rank, self._world_size = batches, rank, world_size

    def __len__(self) -> int:
        return len(self._batches)

    @overload
    def __getitem__(self, index: int) -> list[int]: ...
    @overload
    def __getitem__(self, index: slice) -> "_Share": ...
    def __getitem__(self, index: int | slice) -> "list[int] | _Share":
        if isinstance(index, slice):
            return _Share(self._batches[index], self._rank, self._world_size)
        batch = self._batches[index]
        return batch[self._rank :: self._world_size] or batch[:1]


class _Idle(Container[int]):
    """Numbers of the batches that have nothing for a process."""

    def __init__(self, batches: Sequence[list[int]], rank: int) -> None:
        self._batches, self._rank = batches, rank

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and len(self._batches[number]) <= self._rank


class Feed(Protocol):
    """Epochs that are pure functions of their number, so that a resumed run sees what it would have seen."""

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        """Epoch `number`, from 0, as one of `world_size` processes sees it: its share of each of the same batches."""
        ...

    def describe(self) -> str:
        """How much is in a batch, of all processes together, for the user."""
        ...

    @property
    def collate(self) -> Callable[[Sequence[Any]], Any]:
        """Makes a batch of examples; runs in DataLoader's workers, so it can be pickled."""
        ...


@dataclass(frozen=True)
class LengthBuckets:
    """Examples of similar length together, within a budget of padded tokens; see `LengthBucketSampler`.

    examples  of an epoch, from 0 on
    costs     tokens that each of the examples takes in a batch
    collate   makes a batch of examples
    budget    the most padded tokens of a batch; None: `usual_budget` of the first epoch
    seed      chooses which examples go together, and the order of the batches
    store     where the order of the examples lies
    """

    examples: Callable[[int], Sequence[Any]]
    costs: Callable[[Any], NDArray[np.integer]]
    collate: Callable[[Sequence[Any]], Any]
    budget: int | None
    seed: int
    store: Store = MEMORY

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        """Epoch `number` as process `rank` sees it."""
        examples = self.examples(number)
        sampler = LengthBucketSampler(self.costs(examples), self.most_tokens, seed=self.seed, store=self.store)
        return Epoch(examples, sampler.batches(number)).share(rank, world_size)

    def describe(self) -> str:
        """How much is in a batch."""
        return f"batches of at most {self.most_tokens:,} tokens"

    @property
    def most_tokens(self) -> int:
        """The most padded tokens of a batch."""
        return self.budget or usual_budget(self._tokens)

    @cached_property
    def _tokens(self) -> int:
        return int(self.costs(self.examples(0)).sum())


def costs_of(cost: Callable[[Any], int]) -> Callable[[Sequence[Any]], NDArray[np.int64]]:
    """Return the costs of examples, for `LengthBuckets`, of what one of them costs."""
    return lambda examples: np.fromiter(map(cost, examples), np.int64, len(examples))


def feeds(
    train: Callable[[int], Sequence[Any]],
    validation: Sequence[Any],
    *,
    costs: Callable[[Any], NDArray[np.integer]],
    collate: Callable[[Sequence[Any]], Any],
    budget: int | None,
    seed: int,
    store: Store = MEMORY,
) -> tuple[LengthBuckets, LengthBuckets | None]:
    """Both splits of a run, the second None where it has no example.

    Where nobody chooses, validation, which learns nothing, has the largest batches.

    Many arguments: the fields of both.
    """
    return (
        LengthBuckets(train, costs, collate, budget, seed, store),
        LengthBuckets(lambda epoch: validation, costs, collate, budget or MOST_TOKENS, seed, store)
        if len(validation)
        else None,
    )
