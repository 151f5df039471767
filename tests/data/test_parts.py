"""Texts in parts between blanks: numbered by parts they are what the library makes of the whole."""

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data import parts, tokenizer
from cellwright.data.tokenizer import Tokenizer

CHARACTERS = "ab ÀéßΣσςİ한好0１Ａﾞ\u0301\u3099\u0345\u200d\u00a0\u2003\x1c\t\n_-'<>padunk"
TEXTS = st.lists(st.text(CHARACTERS, max_size=12), min_size=1, max_size=30)


def by_the_library(texts: list[str], kind: str, size: int, min_frequency: int) -> Tokenizer:
    """The vocabulary that the library's own trainer collects."""
    recipe = tokenizer._RECIPES[kind]
    inner = tokenizers.Tokenizer(recipe.model())
    inner.normalizer, inner.pre_tokenizer = recipe.normalizer(), recipe.pre_tokenizer()
    special = ["<pad>", "<unk>"]
    inner.train_from_iterator(
        texts,
        recipe.trainer(vocab_size=size, min_frequency=min_frequency, special_tokens=special, show_progress=False),
    )
    return Tokenizer(inner)


@pytest.mark.parametrize("kind", ["words", "tokens"])
@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, others=TEXTS, size=st.integers(3, 12), min_frequency=st.integers(1, 3))
def test_vocabulary_and_numbers_are_the_librarys(kind, texts, others, size, min_frequency):
    theirs = by_the_library(texts, kind, size, min_frequency)
    ours = Tokenizer.train(texts, kind, size=size, min_frequency=min_frequency)
    assert ours.to_json() == theirs.to_json()
    whole = [e.ids for e in theirs._inner.encode_batch_fast([theirs._compatible.read(each) for each in others])]
    assert ours.encode(others) == whole
    assert [row.tolist() for row in ours.rows(others)] == whole


def test_numbers_are_the_same_in_whatever_company(monkeypatch):
    texts = [f"word{k % 5} of {k}" for k in range(40)]
    tokens = Tokenizer.train(texts, "words", min_frequency=1)
    expected = tokens.encode(texts)
    monkeypatch.setattr(tokenizer, "TOGETHER", 3)
    monkeypatch.setattr(parts, "REMEMBERED", 4)  # so that parts are forgotten and numbered again
    assert [row.tolist() for row in tokens.rows(texts)] == expected
    assert Tokenizer.train(texts, "words", min_frequency=1).to_json() == tokens.to_json()


def test_parts_are_counted_over_all_texts():
    assert parts.count_parts(["a  b", "", "b\tc b"], together=2) == {"a": 1, "b": 2, "b\tc": 1}
