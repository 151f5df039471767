"""What the tasks that read texts share: the run's tokenizer, and the batches of a prediction."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cellwright.data.arrays import Growing, store_of
from cellwright.data.tokenizer import LIBRARY, Tokenizer
from cellwright.stages import stage
from cellwright.tasks.config import Tokenising
from cellwright.tasks.run import check_size, present

TOKENIZER = "tokenizer.json"


def load_tokenizer(path: Path, vocabulary: int) -> Tokenizer:
    """Read the tokenizer of a model that knows this many tokens. Raises InputError."""
    tokenizer = Tokenizer.load(present(path, "copy the run folder again or train anew"))
    check_size(path, "tokens", tokenizer.size, vocabulary)
    return tokenizer


def train_tokenizer(texts: Sequence[str], config: Tokenising) -> Tokenizer:
    """A tokenizer for these texts, as the options say. Raises InputError."""
    kind, size, least = config.tokenizer, config.vocab_size, config.min_frequency
    return collected(texts, [kind, size, least], lambda: Tokenizer.train(texts, kind, size=size, min_frequency=least))


def collected(texts: Sequence[str], key: Sequence[object], train: Callable[[], Tokenizer]) -> Tokenizer:
    """The tokenizer that is trained on these texts, or was before by the same options, which are the key."""

    def collect(growing: Growing) -> str:
        return train().to_json()

    return Tokenizer.from_json(store_of(texts).of(lambda: [LIBRARY, *key]).made("vocabulary", {}, collect).told)


def batches_of(costs: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield the indices of batches, the cheapest first, as many at a time as the padded budget allows.

    costs: padded tokens of each text. One that is over the budget by itself makes a batch of its own.
    """
    batch: list[int] = []
    with stage("the model is at work", len(costs)) as done:
        for index in sorted(range(len(costs)), key=costs.__getitem__):
            if batch and (len(batch) + 1) * costs[index] > budget:
                yield batch
                done(len(batch))
                batch = []
            batch.append(index)
        if batch:
            yield batch
