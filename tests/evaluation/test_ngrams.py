"""Kneser-Ney against its formula by dictionaries, and as a distribution."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreement import assert_agree
from cellwright.evaluation.ngrams import kneser_ney, unigram

TOKENS = st.lists(st.integers(0, 3), min_size=1, max_size=40)


def by_hand(train: list[int], test: list[int], order: int, vocabulary: int) -> list[float]:
    padded = ["start"] * (order - 1) + train
    runs = {
        n: Counter(tuple(padded[i - n + 1 : i + 1]) for i in range(order - 1, len(padded))) for n in range(1, order + 1)
    }
    counts = {order: dict(runs[order])}
    for n in range(1, order):
        before = defaultdict(set)
        for run in runs[n + 1]:
            before[run[1:]].add(run[0])
        counts[n] = {run: len(kinds) for run, kinds in before.items()}

    def probability(run: tuple[object, ...]) -> float:
        if not run:
            return 1 / vocabulary
        table = counts[len(run)]
        once, twice = (sum(c == k for c in table.values()) for k in (1, 2))
        discount = once / (once + 2 * twice) if once and twice else 0.75
        following = [c for other, c in table.items() if other[:-1] == run[:-1]]
        if not following:
            return probability(run[1:])
        share = discount * len(following) / sum(following)
        return max(table.get(run, 0) - discount, 0) / sum(following) + share * probability(run[1:])

    padded = ["start"] * (order - 1) + test
    return [-np.log(probability(tuple(padded[i - order + 1 : i + 1]))) for i in range(order - 1, len(padded))]


@settings(max_examples=40)
@given(TOKENS, TOKENS, st.integers(1, 4))
def test_it_is_the_formula(train: list[int], test: list[int], order: int) -> None:
    found = kneser_ney(np.array(train), np.array(test), order=order, vocabulary=5)
    assert_agree(found, by_hand(train, test, order, 5))


@settings(max_examples=40)
@given(TOKENS, TOKENS)
def test_the_unigram_of_counts_is_that_of_their_tokens(train: list[int], test: list[int]) -> None:
    nats = unigram(np.bincount(train, minlength=5))
    assert nats[test].tolist() == kneser_ney(np.array(train), np.array(test), order=1, vocabulary=5).tolist()


@pytest.mark.parametrize("context", [[0, 1], [3, 3], [4, 4], [2]])
def test_the_probabilities_of_all_tokens_are_one(context: list[int]) -> None:
    train = np.random.default_rng(0).integers(0, 4, 50)
    each = [kneser_ney(train, np.array([*context, w]), order=3, vocabulary=5)[-1] for w in range(5)]
    assert np.exp(-np.array(each)).sum() == pytest.approx(1)


def test_longer_contexts_predict_what_they_determine() -> None:
    text = np.array([0, 1, 0, 2, 0, 3] * 60)
    unigram, trigram = (kneser_ney(text, text[:60], order=order, vocabulary=4).mean() for order in (1, 3))
    assert unigram == pytest.approx(1.24, abs=0.01)  # ½ log 2 + ½ log 6
    assert trigram < 0.1
