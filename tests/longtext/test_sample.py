from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.longtext.sample import sample

SENTENCES = [[0, 1], [2], [3, 4, 5], [6, 7], [8]]


def drawn(limit: int, count: int, **options) -> list[list[int]]:
    return [sample(SENTENCES, limit, seed=str(seed), **options) for seed in range(count)]


def test_the_same_seed_draws_the_same_on_every_version() -> None:
    assert drawn(4, 4) == [sample(SENTENCES, 4, seed=str(seed)) for seed in range(4)]
    assert sample(SENTENCES, 4, seed="a text") == FIXED


FIXED = [2, 6, 7, 8]
"""Written down once: saved runs must go on to draw this."""


def test_every_sentence_has_its_turn() -> None:
    counts = Counter(token for tokens in drawn(4, 400) for token in tokens)
    assert set(counts) == set(range(9))
    assert counts[0] == counts[1]  # sentences are kept whole
    assert counts[3] == counts[4] == counts[5]


def test_order_is_the_texts_unless_shuffled() -> None:
    assert all(tokens == sorted(tokens) for tokens in drawn(4, 50))
    shuffled = drawn(4, 50, shuffle=True)
    assert any(tokens != sorted(tokens) for tokens in shuffled)
    assert [sorted(tokens) for tokens in shuffled] == drawn(4, 50)


def test_no_sentence_is_left_out_that_fits() -> None:
    assert sample(SENTENCES, 9, seed="") == list(range(9))
    for tokens in drawn(4, 50):
        left = [sentence for sentence in SENTENCES if not set(sentence) <= set(tokens)]
        assert all(len(tokens) + len(sentence) > 4 for sentence in left)


def test_where_no_sentence_fits_the_head_of_one_is_taken() -> None:
    long = [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert {tuple(sample(long, 2, seed=str(seed))) for seed in range(20)} == {(0, 1), (4, 5)}
    borders = {0, 1, 4, 5, 8}.__contains__
    assert {tuple(sample(long, 2, seed=str(seed), may_cut=borders)) for seed in range(20)} == {(0,), (4,)}


def test_an_empty_text_stays_empty() -> None:
    assert sample([], 4, seed="") == []


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="a limit of 0 tokens; expected at least 1"):
        sample(SENTENCES, 0, seed="")


@given(st.lists(st.integers(0, 9)), st.integers(1, 20), st.text(max_size=3))
def test_sampled_tokens_are_a_subsequence_within_the_limit(sizes, limit, seed) -> None:
    tokens = iter(range(sum(sizes)))
    sentences = [[next(tokens) for _ in range(size)] for size in sizes]
    kept = sample(sentences, limit, seed=seed)
    assert len(kept) <= limit
    assert kept == sorted(set(kept))
    assert bool(kept) == bool(sum(sizes))
