"""Unknown characters in their compatible form, by what `unicodedata` says of each."""

import string
import unicodedata

import pytest

from cellwright.data.compatible import Compatible
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.tokenizer import FEATURED, KINDS, Tokenizer
from cellwright.data.words import Lexicon

ASCII = string.digits + string.ascii_letters + " "


@pytest.mark.parametrize("text", ["５分", "ＯＫ １０５", "㎏ ﬁ", "²", "ｶﾞｿﾘﾝ", "①"])
def test_what_training_never_saw_is_read_as_nfkc_has_it(text):
    known = Compatible(ASCII + "分ガソリン")
    assert known.read(text) == unicodedata.normalize("NFKC", text)


def test_what_training_saw_stays_apart():
    assert Compatible("hʰ５5").read("tʰ５") == "tʰ５"


def test_a_form_that_is_unknown_too_is_not_taken():
    assert Compatible("km").read("㎏ ㎞") == "㎏ km"
    assert Compatible("").read("５") == "５"
    assert Compatible("]^-\\[").read("］＾－＼［") == "]^-\\["


def test_spans_lie_in_the_text():
    text = "a㎏ｶﾞz"
    read, spans = Compatible("azkgガ").read_with_spans(text)
    assert read == "akgガz"
    assert [text[start:end] for start, end in spans or []] == ["a", "㎏", "㎏", "ｶﾞ", "z"]
    assert Compatible("az").read_with_spans("a★z") == ("a★z", None)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_fullwidth_digits_and_letters_are_the_tokens_of_the_plain_ones(kind):
    tokenizer = Tokenizer.train(["give 5 points", "ok 10 points"] * 3, kind, min_frequency=1)
    full, plain = "ＯＫ ５ points", "OK 5 points" if kind == "words" else "ok 5 points"
    full = full if kind == "words" else "ｏｋ ５ points"
    assert tokenizer.encode([full]) == tokenizer.encode([plain])
    assert UNKNOWN not in tokenizer.encode([full])[0]
    assert UNKNOWN in tokenizer.encode([full], as_written=True)[0] or kind == "bpe"
    ((numbers, spans),) = tokenizer.encode_with_spans([full])
    assert numbers == tokenizer.encode([full])[0]
    assert "５" in [full[start:end].strip() for start, end in spans]


def test_words_of_a_tagger_are_spelled_in_the_compatible_form():
    lexicon = Lexicon.train([["Room", "5"]], size=10, min_frequency=1)
    assert lexicon.spelling("Ｒoom") == lexicon.spelling("Room")
    assert lexicon.words(["５"]) == lexicon.words(["5"])


def test_what_is_unknown_is_counted():
    tokenizer = Tokenizer.train(["abc 5"], "characters", min_frequency=1)
    found = tokenizer.unseen(["ab", "x５x", "zx"])
    assert (found.total, dict(found.lacks), found.forms) == (7, {"x": 3, "z": 1}, {"５": "5"})
    assert found.sentences() == [
        "unknown to this run: 4 of the 7 characters: 'x' (3 times), 'z'",
        "unknown characters that were read in their compatible form (NFKC): '５' as '5'",
    ]
    found.add(tokenizer.unseen(["xa"]))
    assert (found.total, found.lacks["x"]) == (9, 4)
    assert tokenizer.unseen(["abc"]).sentences() == []
    assert dict(tokenizer.unseen(["５"], as_written=True).lacks) == {"５": 1}


def test_words_and_characters_that_a_tagger_lacks_are_counted_apart():
    words, characters = Lexicon.train([["fly", "to"]], size=10, min_frequency=1).unseen(
        [["fly", "over"], ["over", "ｔo"]]
    )
    assert (words.total, dict(words.lacks)) == (4, {"over": 2})
    assert (characters.total, dict(characters.lacks), characters.forms) == (13, {"v": 2, "e": 2, "r": 2}, {"ｔ": "t"})


def test_features_are_counted_as_symbols():
    tokenizer = Tokenizer.train(["walk +V +PST"], FEATURED, min_frequency=1)
    found = tokenizer.unseen(["walk +V +PRS", "ｗalk +V"])
    assert (found.kind, found.total, dict(found.lacks)) == ("symbols", 11, {"+PRS": 1})
    assert found.forms == {"ｗ": "w"}
