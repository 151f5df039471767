import json
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data import cache, words
from cellwright.data.cache import Cache
from cellwright.data.column import Column
from cellwright.data.lists import Lists, lengths_of
from cellwright.data.words import MOST_CHARACTERS, Lexicon, collate_words
from cellwright.errors import InputError


@pytest.fixture
def lexicon() -> Lexicon:
    return Lexicon.train([["Fly", "to", "Boston"], ["fly", "to", "x"], ["a1", "b2", "a3"]], size=5, min_frequency=2)


def test_words_are_the_most_frequent_in_small_letters_and_with_any_digit(lexicon):
    assert lexicon.vocabulary == ["a0", "fly", "to"]  # equally frequent: by the alphabet
    assert lexicon.words(["FLY", "To", "ａ９", "Boston", ""]) == [3, 4, 2, 1, 1]
    assert "flY" in lexicon
    assert "x" not in lexicon


@given(st.lists(st.lists(st.text("aFl１½²٣ﬁ漢Ǆ\u0301", max_size=6), max_size=5), max_size=6))
def test_sentences_are_numbered_and_missed_word_by_word(sentences):
    lexicon = Lexicon.train([["Fly", "to", "Boston"], ["a1", "漢", "ﬁ"]], size=6, min_frequency=1)
    rows, tokens = lexicon.examples(sentences), [token for sentence in sentences for token in sentence]
    assert [list(row.words) for row in rows] == list(map(lexicon.words, sentences))
    spelled = [tuple(map(int, row.spellings[form])) for row in rows for form in row.forms]
    assert spelled == list(map(lexicon.spelling, tokens))
    words, characters = lexicon.unseen(sentences)
    assert words.lacks == Counter(token for token in tokens if token not in lexicon)
    assert (words.total, characters.total) == (len(tokens), sum(map(len, tokens)))
    read = {token: lexicon._compatible.changed(token) for token in tokens}
    assert characters.forms == {part: form for changed in read.values() for part, form in changed.items()}


def test_characters_are_spelled_as_they_stand(lexicon):
    assert "".join(lexicon.alphabet) == "123BFabflnostxy"
    assert lexicon.spelling("Fb?") == (6, 8, 1)
    assert lexicon.spelling("") == (1,)
    long = lexicon.spelling("F" * 50 + "b" * 50)
    assert (len(long), set(long[:16]), set(long[16:])) == (MOST_CHARACTERS, {6}, {8})


def test_the_same_whatever_the_order_and_through_json(lexicon):
    other = Lexicon.train([["a3", "b2", "a1"], ["x", "to", "fly"], ["Boston", "to", "Fly"]], size=5, min_frequency=2)
    again = Lexicon.from_json(lexicon.to_json(), "tokenizer.json")
    assert other.to_json() == lexicon.to_json() == again.to_json()


@pytest.mark.parametrize("content", ["{", "[]", '{"words": []}', json.dumps({"words": [1], "characters": []})])
def test_what_is_no_lexicon_is_refused(content):
    with pytest.raises(InputError, match=r"^run/tokenizer\.json: "):
        Lexicon.from_json(content, "run/tokenizer.json")


def test_a_batch_spells_each_word_once(lexicon):
    sentences = [["to", "Fly", "to"], [], ["Fly"]]
    tags = [[1, 2, 0], [], [2]]
    batch = collate_words(lexicon.examples(sentences, tags, [7, 7, 7]))
    assert batch.words.tolist() == [[4, 3, 4], [0, 0, 0], [3, 0, 0]]
    assert batch.lengths.tolist() == [3, 0, 1]
    assert batch.tags.tolist() == [[1, 2, 0], [0, 0, 0], [2, 0, 0]]
    assert batch.labels.tolist() == [7, 7, 7]
    assert len(batch.spellings) == 2
    for row, sentence in enumerate(sentences):
        for column, word in enumerate(sentence):
            form = batch.forms[row, column]
            assert tuple(batch.spellings[form, : batch.spelled[form]].tolist()) == lexicon.spelling(word)


def test_a_batch_without_words_is_still_one(lexicon):
    batch = collate_words(lexicon.examples([[]]))
    assert batch.words.shape == batch.forms.shape == (1, 1)
    assert batch.spelled.tolist() == [1]
    assert (batch.tags, batch.labels) == (None, None)
    assert torch.equal(batch.lengths, torch.tensor([0]))


def test_sentences_that_were_numbered_apart_make_no_batch(lexicon):
    apart = [lexicon.examples([[word]])[0] for word in ("fly", "to")]
    with pytest.raises(ValueError, match=r"several calls of Lexicon\.examples; expected those of one"):
        collate_words(apart)


def test_tags_and_labels_go_with_words_and_sentences(lexicon):
    for tags in ([[1]], [[1, 2], []], [[1], [1], [1]]):
        with pytest.raises(ValueError, match=r"other tags than words; expected one for each"):
            lexicon.examples([["fly"], ["to"]], tags=tags)
    with pytest.raises(ValueError, match=r"1 labels of 2 sentences; expected one for each"):
        lexicon.examples([["fly"], ["to"]], labels=[1])


@pytest.mark.parametrize("stopped", [None, 2, 3])
def test_sentences_are_numbered_alike_in_whatever_pieces_and_where_another_process_went_on(
    lexicon, tmp_path, monkeypatch, stopped
):
    rows = [["to", "Fly"], [], ["Oslo"], ["Fly", "Boston", "to"], ["Oslo", "to"]]
    expected = lexicon.examples(rows)
    monkeypatch.setattr(words, "TOGETHER", 1)
    monkeypatch.setattr(cache, "SHARD", 1)
    column = Lists.of(rows, Column.of)
    column.store = Cache(tmp_path)
    if stopped is not None:
        monkeypatch.setattr(words, "lengths_of", lambda cut: lengths_of(cut) if cut != [rows[stopped]] else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lexicon.examples(column)
        monkeypatch.setattr(words, "lengths_of", lengths_of)
    found = lexicon.examples(column)
    for one, other in zip(found, expected, strict=True):
        assert [one.words.tolist(), one.forms.tolist()] == [other.words.tolist(), other.forms.tolist()]
    assert [row.tolist() for row in found[0].spellings] == [row.tolist() for row in expected[0].spellings]
