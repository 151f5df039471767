import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data.position_split import split_by_position
from cellwright.errors import InputError


@settings(max_examples=40)
@given(st.text(min_size=1).filter(str.strip), st.sampled_from([0, 0.05, 0.1, 0.3]), st.sampled_from([0, 0.05, 0.4]))
def test_the_splits_are_the_text_in_order(text, validation, test):
    splits = split_by_position(text, "a.txt", validation=validation, test=test)
    assert "".join(part for split in ("train", "validation", "test") for part in splits[split].texts) == text
    assert all(len(table) <= 1 for table in splits.values())
    assert all(text for table in splits.values() for text in table.texts)


def test_nine_tenths_are_trained_on():
    splits = split_by_position("x" * 1115394, "a.txt")
    assert [len(splits[split].texts[0]) for split in splits] == [1003854, 55770, 55770]
    assert splits.notes == [
        "one text of 1,115,394 characters, cut by position: train 1,003,854, validation 55,770, test 55,770"
    ]


def test_without_a_test_split_it_is_the_cut_of_nanogpt():
    text = "".join(chr(33 + i % 90) for i in range(1234))
    splits = split_by_position(text, "a.txt", validation=0.1, test=0)
    n = int(0.9 * len(text))  # its data/shakespeare_char/prepare.py
    assert (splits["train"].texts, splits["validation"].texts, splits["test"].texts) == ([text[:n]], [text[n:]], [])


def test_a_part_knows_its_first_line():
    splits = split_by_position("a\nb\nc\nd\ne\n", "a.txt", validation=0.2, test=0.2)
    assert splits["validation"].where(0) == "a.txt, line 4"
    assert splits["test"].where(0) == "a.txt, line 5"


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_no_text_is_refused(text):
    with pytest.raises(InputError, match=r"a\.txt: no text, only white space; expected something to learn from"):
        split_by_position(text, "a.txt")


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0), (0, -0.1), (0.5, 0.5)])
def test_shares_that_leave_nothing_are_refused(validation, test):
    with pytest.raises(ValueError, match=f"shares of {validation} for validation and {test} for test"):
        split_by_position("abc", "a.txt", validation=validation, test=test)
