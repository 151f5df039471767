"""Characters numbered by a table: what the library makes of a text by cutting it at every character."""

import pickle

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cellwright.data import characters
from cellwright.data.tokenizer import Tokenizer

# Composed and combining spellings, Hangul by its parts, compatible forms, halves of pairs, marks of the vocabulary.
CHARACTERS = "ab Àé한ᄒ好𠀀0１Ａﾞ\u0301\u3099\u0344\u1161\u11ab\u09be\u200d\u00a0\t\n\ud800<>padunk"
TEXTS = st.lists(st.text(CHARACTERS, max_size=12), min_size=1, max_size=30)
NEW = "\U000113c2\U000113c9"  # of Unicode 16, whose two characters are one where it is known


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, others=TEXTS, size=st.integers(3, 12), as_written=st.booleans())
@example(texts=["ab"], others=[NEW, "ab" + NEW, "a"], size=5, as_written=True)
@example(texts=["ab" + NEW], others=[NEW, NEW[::-1], "a"], size=12, as_written=False)
def test_numbers_are_the_librarys(texts, others, size, as_written):
    tokens = Tokenizer.train(texts, "characters", size=size, min_frequency=1)
    expected = [row.tolist() for row in tokens._by_library(others, as_written)]
    assert [row.tolist() for row in tokens.rows(others, as_written=as_written)] == expected
    assert pickle.loads(pickle.dumps(tokens)).encode(others, as_written=as_written) == expected


def test_what_is_known_and_composed_is_not_the_librarys_to_read():
    """Nor what stands beside what is not."""
    numbered = characters.NumberedCharacters({"a": 2, "é": 3, "\u0301": 4})
    rows, odd = numbered.rows(["aé", "", "e", "é", "a\u0301", "a"])
    assert odd.tolist() == [False, False, True, False, True, False]
    assert [row.tolist() for row, other in zip(rows, odd, strict=True) if not other] == [[2, 3], [], [3], [2]]


def test_no_character_is_known():
    rows, odd = characters.NumberedCharacters({}).rows(["", "a"])
    assert (rows[0].tolist(), odd.tolist()) == ([], [False, True])
