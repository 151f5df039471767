"""Token lists cut where their text may be cut, with every kind of tokenizer."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.tokenizer import Tokenizer
from cellwright.longtext.sentences import split_sentences
from cellwright.longtext.tokens import TokenisedText
from cellwright.longtext.truncate import head, tail, without_middle

FAMILY = "👨\u200d👩\u200d👧"
MIXED = f"他用e\u0301crit好。It works, {FAMILY}好! 走🇨🇳🇬🇧吧"
TOKENIZERS = {
    kind: Tokenizer.train([MIXED, "👍🏽 x"], kind, size=size, min_frequency=1)
    for kind, size in {"characters": 100, "words": 100, "bpe": 258}.items()
}


def tokenised(text: str, kind: str) -> TokenisedText:
    return TokenisedText(text, *TOKENIZERS[kind].encode_with_spans([text])[0])


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_numbers_are_those_of_encode(kind: str) -> None:
    assert tokenised(MIXED, kind).numbers == TOKENIZERS[kind].encode([MIXED])[0]


def test_a_byte_of_a_character_is_no_place_to_cut() -> None:
    assert [tokenised("好a", "bpe").may_cut(index) for index in range(5)] == [True, False, False, True, True]


def test_a_member_of_a_family_is_no_place_to_cut() -> None:
    assert [tokenised(FAMILY + "x", "characters").may_cut(index) for index in range(7)] == [
        True,
        *[False] * 4,
        True,
        True,
    ]


def test_halves_of_a_surrogate_pair_stay_together() -> None:
    pair = tokenised("a\ud83d\ude00b", "characters")
    assert [pair.may_cut(index) for index in range(5)] == [True, True, False, True, True]


@pytest.mark.parametrize("kind", ["characters", "bpe"])
def test_sentences_of_tokens_are_those_of_the_text(kind: str) -> None:
    sentences = [TOKENIZERS[kind].decode(sentence) for sentence in tokenised(MIXED, kind).sentences]
    assert sentences == [unicodedata.normalize("NFC", sentence) for sentence in split_sentences(MIXED)]
    assert len(sentences) == 3


def test_white_space_is_in_no_sentence_of_words() -> None:
    text = tokenised("One two.  Three!\n\n。", "words")
    assert [len(sentence) for sentence in text.sentences] == [3, 2, 1]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_an_empty_text(kind: str) -> None:
    text = tokenised("", kind)
    assert (text.sentences, text.sentence_ends, text.may_cut(0)) == ([], [], True)


CLUSTERS = st.lists(
    st.sampled_from(["好", "e\u0301", FAMILY, "🇨🇳", "👍🏽", "x", "。", ". ", "\ud83d\ude00"]), min_size=1
)


@given(
    CLUSTERS, st.integers(1, 40), st.sampled_from(["characters", "bpe"]), st.sampled_from([head, tail, without_middle])
)
def test_what_is_kept_is_whole_clusters(clusters, limit, kind, way) -> None:
    """The clusters whose tokens are kept are kept with all their tokens, where one fits."""
    text = tokenised("".join(clusters), kind)
    kept = way(range(len(text.numbers)), limit, may_cut=text.may_cut)
    borders = [index for index in range(len(text.numbers) + 1) if text.may_cut(index)]
    whole = [set(range(start, end)) for start, end in pairwise(borders)]
    cut = [cluster for cluster in whole if cluster & set(kept) and not cluster <= set(kept)]
    assert not cut or set(kept) <= set.union(*cut)
