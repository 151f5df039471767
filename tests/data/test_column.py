"""Texts in one buffer are the texts, in whatever way they are asked for."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.column import Bare, Column, Lines, NamesBuilder, portions, taken

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


@given(st.lists(st.text(" ab\n", max_size=4)), st.booleans(), st.data())
def test_bare_texts_have_no_white_space_at_their_ends_and_what_belongs_behind(texts, ending, data):
    endings = [f" +{number}" for number in range(len(texts))] if ending else None
    expected = [text.strip() + (f" +{number}" if ending else "") for number, text in enumerate(texts)]
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1))) if texts else []
    for bare in (Bare(texts, endings), Bare(Column.of(texts), endings)):
        assert list(bare) == [bare[k] for k in range(len(texts))] == expected
        assert bare[1:3] == expected[1:3]
        assert bare.take(np.array(rows, np.int64)) == [expected[row] for row in rows]


@given(TEXTS, st.integers(1, 4), st.integers(1, 9), st.data())
def test_portions_are_all_texts_in_order_and_none_is_too_large(texts, most, size, data):
    start = data.draw(st.integers(0, len(texts)))
    for given_texts, length in ((texts, len), (Column.of(texts), lambda text: len(text.encode()))):
        found = list(portions(given_texts, most, start, size))
        assert [row for part in found for row in range(part.start, part.stop)] == list(range(start, len(texts)))
        sizes = [list(map(length, texts[part])) for part in found]
        assert all(len(each) <= most and (len(each) == 1 or sum(each) <= size) for each in sizes)
        # Nor smaller than it need be: the first of the next did not fit.
        assert all(len(a) == most or sum(a) + b[0] > size for a, b in pairwise(sizes))


@given(TEXTS, st.data())
def test_texts_between_two_bytes_are_cut_there(texts, data):
    content = [text for text in texts if text]
    both = [(row, byte) for row, text in enumerate(content) for byte in range(len(text))]
    first, last = sorted(data.draw(st.tuples(*[st.sampled_from([*both, (len(content), 0)])] * 2)))
    ascii_texts = ["x" * len(text) for text in content]
    found = Column.of(ascii_texts).between(first, last)
    place = lambda at: sum(map(len, ascii_texts[: at[0]])) + at[1]  # noqa: E731
    assert sum(map(len, found)) == place(last) - place(first)
    assert "".join(found) == "".join(ascii_texts)[place(first) : place(last)]


def test_other_texts_are_not_equal():
    assert Column.of(["a", "b"]) != ["a", "c"]
    assert Column.of(["a"]) != ["a", "b"]
    assert Column.of(["ab"]).take([0]) == Column.of(["x", "ab"]).take([1])


def test_half_a_character_is_refused():
    with pytest.raises(UnicodeEncodeError):
        Column.of(["b", "\ud800"])


def test_strings_that_come_some_at_a_time_are_those_of_the_names():
    builder = NamesBuilder(["a", "b"], 3)
    builder.add(["b"])
    builder.add(["a", "b"])
    assert builder.strings == ["b", "a", "b"]
    with pytest.raises(KeyError):
        builder.add(["c"])


def test_items_of_every_kind_are_taken_alike():
    rows = np.array([2, 0, 2])
    assert taken([5, 6, 7], rows) == [7, 5, 7]
    assert taken(Lines([5, 6, 7]), rows) == [7, 5, 7]
    assert taken(Column.of(["a", "b", "c"]), rows) == ["c", "a", "c"]
