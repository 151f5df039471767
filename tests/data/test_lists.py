"""Lists in arrays are the lists that they were made of, whatever part of them is taken."""

from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.arrays import MEMORY
from cellwright.data.cache import Cache
from cellwright.data.column import Column, Names
from cellwright.data.lists import Lists, Side, filled, flat, frequencies, said_of

ROWS = st.lists(st.lists(st.sampled_from(["a", "bc", "é", "d e"]), max_size=4), min_size=1, max_size=8)


@given(rows=ROWS, data=st.data(), kind=st.sampled_from([Column.of, Names.of]))
def test_taken_and_cut_like_lists(rows, data, kind):
    lists = Lists.of(rows, kind)
    assert lists == rows
    assert [lists[row] for row in range(len(rows))] == rows
    picked = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9))
    taken = lists.take(np.array(picked, np.int64))
    expected = [rows[row] for row in picked]
    assert list(taken) == expected
    assert taken[1:] == expected[1:]
    assert lists.apart(np.array(picked, np.int64)) == expected
    assert list(lists.apart(np.array(picked, np.int64)).items) == list(chain.from_iterable(expected))
    assert filled(taken).tolist() == [place for place, row in enumerate(expected) if row]
    if kind == Names.of:
        assert taken.flat() == flat(expected) == list(chain.from_iterable(expected))
        assert frequencies(taken) == frequencies(expected) == Counter(chain.from_iterable(expected))
        assert taken.renamed({"a": "x"}) == [["x" if each == "a" else each for each in row] for row in expected]


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_what_is_said_of_lists_some_at_a_time_has_their_shape(store, tmp_path, monkeypatch):
    monkeypatch.setattr("cellwright.data.lists.MANY", 2)
    lists = Lists.of([["a", "b"], [], ["c"], ["b", "b", "a"], ["c"]], Names.of)
    lists.store = MEMORY if store == "memory" else Cache(tmp_path)
    asked = []

    def answer(some):
        asked.append(len(some))
        return [[each.upper() for each in row] for row in some]

    assert said_of(lists, ["C", "A", "B"], answer) == [["A", "B"], [], ["C"], ["B", "B", "A"], ["C"]]
    assert asked == [2, 2, 1]
    assert frequencies(lists) == {"a": 2, "b": 3, "c": 2}
    assert flat(lists) == ["a", "b", "c", "b", "b", "a", "c"]


def test_tuples_are_put_together_of_lists():
    side = Side([Lists.of([["a", "b"], [], ["c"]], Names.of), Lists.of([["x", "y"], [], ["x"]], Names.of)])
    rows = [[("a", "x"), ("b", "y")], [], [("c", "x")]]
    assert list(side) == [side[row] for row in range(3)] == rows
    assert side.take(np.array([2, 0])) == [rows[2], rows[0]]
    assert side[1:] == rows[1:]
