from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.longtext.windows import windows

TEN = list(range(10))


def test_windows_without_overlap_are_the_sequence_cut() -> None:
    assert windows(TEN, 4) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert windows(TEN, 5) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert windows(TEN, 10) == windows(TEN, 99) == [TEN]
    assert windows([], 4) == [[]]


def test_each_window_repeats_the_end_of_the_one_before() -> None:
    assert windows(TEN, 4, overlap=1) == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert windows(TEN, 4, overlap=3)[1:3] == [[1, 2, 3, 4], [2, 3, 4, 5]]


def test_windows_end_with_sentences_where_these_end_late_enough() -> None:
    assert windows(TEN, 4, sentence_ends=[3, 6, 10]) == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
    assert windows(TEN, 4, sentence_ends=[1, 10]) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]  # not after one token


def test_windows_end_where_a_cut_is_allowed() -> None:
    borders = {0, 3, 5, 8, 10}.__contains__
    assert windows(TEN, 4, may_cut=borders) == [[0, 1, 2], [3, 4], [5, 6, 7], [8, 9]]
    assert windows(TEN, 4, overlap=2, may_cut=borders) == [[0, 1, 2], [3, 4], [5, 6, 7], [8, 9]]
    assert windows(TEN, 4, may_cut={0, 10}.__contains__) == windows(TEN, 4)


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (4, 4), (4, -1)])
def test_windows_that_do_not_go_on_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match=f"size {size} and overlap {overlap}; expected a size from 1 on and a smaller"):
        windows(TEN, size, overlap=overlap)


def test_a_window_ends_beyond_the_one_before() -> None:
    """A sentence may end where nothing else may be cut; the next window goes on from there all the same."""
    found = windows(range(26), 4, overlap=2, sentence_ends=[23], may_cut={0, 1, 3, 21, 22}.__contains__)
    ends = [window[-1] for window in found]
    assert ends == sorted(set(ends))


@given(st.data())
def test_windows_cover_the_sequence_in_order(data) -> None:
    length, size = data.draw(st.integers(0, 60)), data.draw(st.integers(1, 12))
    overlap = data.draw(st.integers(0, size - 1))
    places = st.sets(st.integers(0, length))
    found = windows(
        range(length), size, overlap=overlap,
        sentence_ends=sorted(data.draw(places)), may_cut=data.draw(places).__contains__,
    )  # fmt: skip
    assert all(window == list(range(window[0], window[-1] + 1)) for window in found if window)
    assert max(map(len, found)) <= size
    covered = list(found[0])
    for before, window in pairwise(found):
        repeated = before[-1] + 1 - window[0]
        assert 0 <= repeated <= overlap
        assert window[0] > before[0]
        covered += window[repeated:]
    assert covered == list(range(length))


@given(st.integers(1, 400), st.integers(1, 20), st.data())
def test_the_number_of_windows_is_at_most_twice_as_many_for_the_sentences(length, size, data) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    ends = sorted(data.draw(st.sets(st.integers(0, length))))
    assert len(windows(range(length), size, overlap=overlap, sentence_ends=ends)) <= 1 + 2 * length / (size - overlap)
