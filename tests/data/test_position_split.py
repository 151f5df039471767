import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data import documents
from cellwright.data.documents import Documents
from cellwright.data.position_split import split_by_position
from cellwright.errors import InputError


def cut(text, source="a.txt", **shares):
    return split_by_position(Documents.of([text]), source, **shares)


@settings(max_examples=40)
@given(st.text(min_size=1).filter(str.strip), st.sampled_from([0, 0.05, 0.1, 0.3]), st.sampled_from([0, 0.05, 0.4]))
def test_the_splits_are_the_text_in_order(text, validation, test):
    splits = cut(text, validation=validation, test=test)
    assert "".join(part for split in ("train", "validation", "test") for part in splits[split].texts) == text
    assert all(len(table) <= 1 for table in splits.values())
    assert all(text for table in splits.values() for text in table.texts)


@settings(max_examples=60)
@given(
    st.text("a é好\n.", min_size=1).filter(str.strip), st.sampled_from([0, 0.1, 0.3]), st.sampled_from([0, 0.2, 0.4])
)
def test_a_text_in_pieces_is_cut_where_one_in_one_is(text, validation, test):
    size = documents.SIZE
    try:
        documents.SIZE = 3
        pieces = cut(text, validation=validation, test=test)
    finally:
        documents.SIZE = size
    whole = cut(text, validation=validation, test=test)
    assert pieces == whole
    assert [[table.where(k) for k in range(len(table))] for table in pieces.values()] == [
        [table.where(k) for k in range(len(table))] for table in whole.values()
    ]


def test_nine_tenths_are_trained_on():
    splits = cut("x" * 1115394)
    assert [len(splits[split].texts[0]) for split in splits] == [1003854, 55770, 55770]
    assert splits.notes == [
        "one text of 1,115,394 characters, cut by position: train 1,003,854, validation 55,770, test 55,770"
    ]


def test_without_a_test_split_it_is_the_cut_of_nanogpt():
    text = "".join(chr(33 + i % 90) for i in range(1234))
    splits = cut(text, validation=0.1, test=0)
    n = int(0.9 * len(text))  # its data/shakespeare_char/prepare.py
    assert (splits["train"].texts, splits["validation"].texts, splits["test"].texts) == ([text[:n]], [text[n:]], [])


def test_a_part_knows_its_first_line():
    splits = cut("a\nb\nc\nd\ne\n", validation=0.2, test=0.2)
    assert splits["validation"].where(0) == "a.txt, line 4"
    assert splits["test"].where(0) == "a.txt, line 5"


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_no_text_is_refused(text):
    with pytest.raises(InputError, match=r"a\.txt: no text, only white space; expected something to learn from"):
        cut(text)


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0), (0, -0.1), (0.5, 0.5)])
def test_shares_that_leave_nothing_are_refused(validation, test):
    with pytest.raises(ValueError, match=f"shares of {validation} for validation and {test} for test"):
        cut("abc", validation=validation, test=test)
