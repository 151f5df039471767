import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.longtext.truncate import head, head_and_tail, tail, without_middle

WAYS = [head, tail, head_and_tail, without_middle]
TEN = list(range(10))


def test_what_is_kept() -> None:
    assert head(TEN, 3) == [0, 1, 2]
    assert tail(TEN, 3) == [7, 8, 9]
    assert without_middle(TEN, 4) == [0, 1, 8, 9]


def test_of_an_odd_limit_the_head_gets_the_one_more() -> None:
    assert without_middle(TEN, 5) == [0, 1, 2, 8, 9]
    assert without_middle(TEN, 1) == [0]


@pytest.mark.parametrize(
    ("ratio", "kept"),
    [(0.25, [0, 7, 8, 9]), (0.75, [0, 1, 2, 9]), (0, [6, 7, 8, 9]), (1, [0, 1, 2, 3]), (0.3, [0, 7, 8, 9])],
)
def test_the_ratio_is_the_heads_share(ratio: float, kept: list[int]) -> None:
    assert head_and_tail(TEN, 4, ratio) == kept


def test_a_ratio_is_rounded_and_not_cut_off() -> None:
    assert head_and_tail(list(range(200)), 100, 0.29)[:30] == [*range(29), 200 - 71]  # 0.29 · 100 is 28.999…


@pytest.mark.parametrize("way", WAYS)
def test_a_text_within_the_limit_stays(way) -> None:
    assert way(TEN, 10) == way(TEN, 11) == TEN
    assert way([], 1) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_limit_below_one_is_refused(way) -> None:
    with pytest.raises(ValueError, match="a limit of 0; expected at least 1"):
        way(TEN, 0)


def test_a_ratio_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a ratio of 1\.5; expected the head's share of the limit, from 0 to 1"):
        head_and_tail(TEN, 4, 1.5)


def test_clusters_are_left_out_whole() -> None:
    borders = {0, 2, 4, 7, 10}  # two tokens, two, three, three
    assert head(TEN, 5, borders.__contains__) == [0, 1, 2, 3]
    assert tail(TEN, 5, borders.__contains__) == [7, 8, 9]
    assert without_middle(TEN, 6, borders.__contains__) == [0, 1, 7, 8, 9]
    assert without_middle(TEN, 3, borders.__contains__) == [0, 1]  # the tail's one token is a third of a cluster


def test_where_no_cluster_fits_it_is_cut_rather_than_nothing_kept() -> None:
    assert head(TEN, 3, {0, 10}.__contains__) == [0, 1, 2]
    assert without_middle(TEN, 3, {0, 10}.__contains__) == [0, 1, 9]


@given(st.lists(st.integers()), st.integers(1, 20), st.sets(st.integers(0, 30)), st.sampled_from(WAYS))
def test_kept_is_a_subsequence_within_the_limit(tokens, limit, borders, way) -> None:
    numbered = list(enumerate(tokens))
    kept = way(numbered, limit, may_cut=borders.__contains__)
    assert len(kept) <= limit
    assert kept == sorted(kept)
    assert set(kept) <= set(numbered)
    assert bool(kept) == bool(tokens)
