"""Texts in one buffer are the texts, in whatever way they are asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.column import Column, ColumnBuilder, Lines, taken

TEXTS = st.lists(st.text(max_size=6))


@given(TEXTS, st.data())
def test_a_column_is_its_texts(texts, data):
    column = Column.of(texts)
    assert list(column) == texts
    assert column == texts
    assert [column[k] for k in range(len(column))] == texts
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1))) if texts else []
    assert list(column.take(rows)) == [texts[row] for row in rows]
    first, last = sorted((data.draw(st.integers(-3, len(texts))), data.draw(st.integers(-3, len(texts)))))
    assert list(column[first:last]) == texts[first:last]


@given(st.lists(TEXTS))
def test_texts_that_come_some_at_a_time_are_all_there(pieces):
    builder = ColumnBuilder()
    for piece in pieces:
        builder.add(piece)
    assert list(builder.column()) == [text for piece in pieces for text in piece]


def test_other_texts_are_not_equal():
    assert Column.of(["a", "b"]) != ["a", "c"]
    assert Column.of(["a"]) != ["a", "b"]
    assert Column.of(["ab"]).take([0]) == Column.of(["x", "ab"]).take([1])


def test_half_a_character_is_refused_and_leaves_the_texts_before(file):
    builder = ColumnBuilder()
    builder.add(["a"])
    with pytest.raises(UnicodeEncodeError):
        builder.add(["b", "\ud800"])
    assert list(builder.column()) == ["a"]


def test_items_of_every_kind_are_taken_alike():
    rows = np.array([2, 0, 2])
    assert taken([5, 6, 7], rows) == [7, 5, 7]
    assert taken(Lines([5, 6, 7]), rows) == [7, 5, 7]
    assert taken(Column.of(["a", "b", "c"]), rows) == ["c", "a", "c"]
