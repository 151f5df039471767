"""Rows of token numbers in one array are the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.token_rows import TokenRows

ROWS = st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=4))


@given(ROWS, st.data())
def test_rows_are_those_of_the_lists(lists, data):
    rows = TokenRows.of(lists)
    assert [row.tolist() for row in rows] == lists
    assert [rows[k].tolist() for k in range(len(rows))] == lists
    assert rows.lengths.tolist() == [len(each) for each in lists]
    chosen = data.draw(st.lists(st.integers(0, len(lists) - 1))) if lists else []
    assert [row.tolist() for row in rows.take(np.array(chosen, np.int64))] == [lists[k] for k in chosen]
    assert [row.tolist() for row in rows[1:3]] == lists[1:3]


@given(st.lists(ROWS))
def test_joined_rows_are_those_of_all_parts(parts):
    joined = TokenRows.joined([TokenRows.of(part) for part in parts])
    assert [row.tolist() for row in joined] == [row for part in parts for row in part]


@pytest.mark.parametrize(("size", "bytes_each"), [(2**16, 2), (2**16 + 1, 4)])
def test_a_number_takes_as_many_bytes_as_the_vocabulary_needs(size, bytes_each):
    rows = TokenRows.of([[size - 1]], size)
    assert rows.numbers.itemsize == bytes_each
    assert rows[0].tolist() == [size - 1]


def test_a_row_that_is_not_there():
    with pytest.raises(IndexError, match="row 2 of 2"):
        TokenRows.of([[1], []])[2]
    assert TokenRows.of([[1], [2]])[-1].tolist() == [2]
