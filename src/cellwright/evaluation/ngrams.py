"""Interpolated Kneser-Ney, the baseline of language models: what counting short runs of tokens predicts.

    p_n(w | h) = max(c(h w) - D, 0) / c(h) + D · |{w' : c(h w') > 0}| / c(h) · p_(n-1)(w | h without its first token)

where c counts the runs of n tokens of the training text at the highest order, below it the different tokens that
stand before a run; p_0 is 1 / V, and D = n_1 / (n_1 + 2 n_2) of the runs counted once and twice. (Kneser and Ney 1995;
Chen and Goodman 1998, "An empirical study of smoothing techniques for language modeling", section 2.7.)

The kept libraries have none that is fast and plain: nltk.lm looks up a token at a time in Python.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellwright.stages import staged

Tokens = NDArray[np.int64]


@staged(lambda train, *_, order, **__: f"counting the {order}-grams of {len(train):,} tokens")
def kneser_ney(train: Tokens, test: Tokens, *, order: int, vocabulary: int) -> NDArray[np.float64]:
    """Nats of each token of `test` (M,), told the `order` - 1 before it in `test`; order 1 is the unigram.

    train: (N,) token numbers below `vocabulary`, N at least 1.
    """
    between = np.full(order - 1, vocabulary)  # so that no run goes from one text into the other
    stream = np.concatenate([between, train, between, test])
    counted, asked = np.arange(order - 1, order - 1 + len(train)), np.arange(len(stream) - len(test), len(stream))
    runs = _runs(stream, order)
    probability = np.full(len(test), 1 / vocabulary)
    for n in range(1, order + 1):
        counts = _counts(runs, n, counted)
        probability = _interpolated(runs[n], _moved(runs[n - 1]), counts, counted, asked, probability)
    nats: NDArray[np.float64] = -np.log(probability)
    return nats


def unigram(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """(V,) nats of each token by the unigram; counts: (V,) how often each stands in the training text."""
    found: NDArray[np.float64] = counts.astype(float)
    shorter = np.full(len(counts), 1 / len(counts))
    total, different = np.full(len(counts), float(found.sum())), np.full(len(counts), np.count_nonzero(counts))
    nats: NDArray[np.float64] = -np.log(_discounted(found, total, different, found, shorter))
    return nats


def _runs(stream: Tokens, order: int) -> list[Tokens]:
    """Of each length n, 0 … order, a number for the run of n tokens that ends at each place: the same for the same."""
    runs = [np.zeros_like(stream)]
    for _ in range(order):
        pairs = _moved(runs[-1]) * (stream.max() + 1) + stream
        runs.append(np.unique(pairs, return_inverse=True)[1])
    return runs


def _moved(run: Tokens) -> Tokens:
    """What ends one place earlier: a run's context."""
    return np.concatenate([run[:1], run[:-1]])


def _counts(runs: list[Tokens], n: int, counted: Tokens) -> NDArray[np.float64]:
    """c of each run of n tokens."""
    size = runs[n].max() + 1
    if n + 1 == len(runs):
        return np.bincount(runs[n][counted], minlength=size).astype(float)
    longer = counted[np.unique(runs[n + 1][counted], return_index=True)[1]]  # each once
    return np.bincount(runs[n][longer], minlength=size).astype(float)


def _interpolated(
    run: Tokens,
    context: Tokens,
    counts: NDArray[np.float64],
    counted: Tokens,
    asked: Tokens,
    shorter: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The probabilities of the asked places, of those of the order below."""
    kinds = counted[np.unique(run[counted], return_index=True)[1]]  # a place of each run that is counted
    size = context.max() + 1
    total = np.bincount(context[kinds], weights=counts[run[kinds]], minlength=size)[context[asked]]
    different = np.bincount(context[kinds], minlength=size)[context[asked]]
    return _discounted(counts[run[asked]], total, different, counts, shorter)


def _discounted(
    count: NDArray[np.float64],
    total: NDArray[Any],
    different: NDArray[Any],
    counts: NDArray[np.float64],
    shorter: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The probabilities of some places, told of each c(h w), c(h), how many w follow h, and those of the order below.

    counts: c of all runs.
    """
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    discount = once / (once + 2 * twice) if once and twice else 0.75
    told = np.maximum(total, 1)  # of a context never seen everything is left to the order below
    found = np.maximum(count - discount, 0) / told + discount * different / told * shorter
    return np.where(total > 0, found, shorter)
