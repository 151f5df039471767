import pytest

from cellwright.data.symbols import cut, joined, usual_kind

KINDS = {
    "pronunciations": (["R IY D", "AH", "K AE T"], "tokens"),
    "words": (["read", "New York", "cat"], "characters"),
    "white space at the ends": ([" a ", "\tb\n"], "characters"),
    "half of them": (["a b", "ab"], "characters"),
    "none": ([], "characters"),
}


@pytest.mark.parametrize("case", KINDS)
def test_tokens_where_most_texts_have_white_space_inside(case):
    texts, expected = KINDS[case]
    assert usual_kind(texts) == expected


def test_characters_are_composed_and_tokens_keep_their_case():
    assert cut("cafe\u0301", "characters") == ["c", "a", "f", "é"]
    assert cut(" R  IY\tD ", "tokens") == ["R", "IY", "D"]
    assert (joined(["a", "b"], "characters"), joined(["A", "b"], "tokens")) == ("ab", "A b")
