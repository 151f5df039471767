import pytest

from cellwright.data.symbols import have_features, joined, tokenize, usual_kind, with_features, without_features
from cellwright.data.tokenizer import FEATURED, Tokenizer

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
    assert tokenize("cafe\u0301", "characters") == ["c", "a", "f", "é"]
    assert tokenize(" R  IY\tD ", "tokens") == ["R", "IY", "D"]
    assert (joined(["a", "b"], "characters"), joined(["A", "b"], "tokens")) == ("ab", "A b")


@pytest.mark.parametrize("cell", ["V;PST", "V|PST", "V,PST", " V PST ", "+V+PST", "+V +PST"])
def test_features_are_written_one_way_however_a_file_parts_them(cell):
    assert with_features("walk", cell) == "walk +V +PST"
    assert without_features("walk +V +PST") == "walk"


@pytest.mark.parametrize("source", ["walk", "3 + 4", "+49 30", "a +b c", "a+b", ""])
def test_what_is_no_feature_stays(source):
    assert with_features(source, " ") == without_features(source) == source


def test_most_sources_have_them_or_not():
    assert have_features(["walk +V", "go +V +PST", "be"])
    assert not have_features(["walk +V", "go"])
    assert not have_features([])


def test_a_feature_is_one_token_and_the_space_before_it_none():
    tokenizer = Tokenizer.train(["to go +V +V.PTCP"], FEATURED, min_frequency=1)
    assert tokenizer.tokens("go  to +V.PTCP +X") == ["g", "o", " ", " ", "t", "o", "+V.PTCP", "<unk>"]
    [(_, spans)] = tokenizer.encode_with_spans(["go +V"])
    assert spans == [(0, 1), (1, 2), (3, 5)]
