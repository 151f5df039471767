"""What training goes through: the examples of each epoch, which of them make a batch, and how they become one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from cellwright.data.batches import MOST_TOKENS, LengthBucketSampler, usual_budget


class Epoch(NamedTuple):
    """The examples of one epoch, and the indices of each batch, in order."""

    examples: Sequence[Any]
    batches: list[list[int]]


class Feed(Protocol):
    """Epochs that are pure functions of their number, so that a resumed run sees what it would have seen."""

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        """Epoch `number`, from 0, as one of `world_size` processes sees it; all of them get equally many batches."""
        ...

    def describe(self, world_size: int) -> str:
        """How much is in a batch, for the user."""
        ...

    @property
    def collate(self) -> Callable[[Sequence[Any]], Any]:
        """Makes a batch of examples; runs in DataLoader's workers, so it can be pickled."""
        ...


@dataclass(frozen=True)
class LengthBuckets:
    """Examples of similar length together, within a budget of padded tokens; see `LengthBucketSampler`.

    examples  of an epoch, from 0 on
    cost      tokens that an example takes in a batch
    collate   makes a batch of examples
    budget    the most padded tokens of a batch; None: `usual_budget` of the first epoch
    seed      chooses which examples go together, and the order of the batches
    """

    examples: Callable[[int], Sequence[Any]]
    cost: Callable[[Any], int]
    collate: Callable[[Sequence[Any]], Any]
    budget: int | None
    seed: int

    def epoch(self, number: int, rank: int, world_size: int) -> Epoch:
        """Epoch `number` as process `rank` sees it."""
        examples = self.examples(number)
        costs = [self.cost(example) for example in examples]
        budget = self.budget_among(world_size)
        sampler = LengthBucketSampler(costs, budget, seed=self.seed, rank=rank, world_size=world_size)
        return Epoch(examples, sampler.batches(number))

    def describe(self, world_size: int) -> str:
        """How much is in a batch."""
        return f"batches of at most {self.budget_among(world_size):,} tokens"

    def budget_among(self, world_size: int) -> int:
        """The most padded tokens of a batch, in each of `world_size` processes."""
        return self.budget or usual_budget(self._tokens, world_size)

    @cached_property
    def _tokens(self) -> int:
        return sum(self.cost(example) for example in self.examples(0))


def feeds(
    train: Callable[[int], Sequence[Any]],
    validation: Sequence[Any],
    *,
    cost: Callable[[Any], int],
    collate: Callable[[Sequence[Any]], Any],
    budget: int | None,
    seed: int,
) -> tuple[LengthBuckets, LengthBuckets | None]:
    """Both splits of a run, the second None where it has no example.

    Where nobody chooses, validation, which learns nothing, has the largest batches.
    """
    return (
        LengthBuckets(train, cost, collate, budget, seed),
        LengthBuckets(lambda epoch: validation, cost, collate, budget or MOST_TOKENS, seed) if validation else None,
    )
