"""Texts in pieces: joined they are the texts, and the tokens of a text are those of its pieces."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data import documents
from cellwright.data.column import Column
from cellwright.data.documents import Documents, cut, pieces_of, stripped
from cellwright.data.hash_split import hashes_of
from cellwright.data.tokenizer import Tokenizer

# What is composed with what stands before it, what a tokenizer looks behind or ahead for, and what Python alone calls
# white space.
SIGNS = "ab ÀéßΣσ한好のไ0１ \u0301\u3099\u1161\u11a8\u200d\u00a0\u2003\x1c\t\n\r_-'s,.!，。、<>"
TEXTS = st.lists(st.text(SIGNS, max_size=40), max_size=6)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(documents, "SIZE", 4)
    monkeypatch.setattr(documents, "MOST", 12)


@given(st.lists(st.text(SIGNS, max_size=30), max_size=5))
def test_pieces_joined_are_the_text_however_it_comes(blocks):
    found = list(cut(blocks))
    assert "".join(found) == "".join(blocks)
    assert found == list(cut(["".join(blocks)]))
    assert all(found) or found == [""]


@pytest.mark.parametrize("kind", ["characters", "words", "bpe"])
@settings(max_examples=150, deadline=None)
@given(text=st.text(SIGNS, max_size=60))
def test_the_tokens_of_a_text_are_those_of_its_pieces(kind, text):
    most, documents.MOST = documents.MOST, 10**6  # no word is cut in two
    pieces = list(cut([text]))
    documents.MOST = most
    size = 280 if kind == "bpe" else 20
    vocabularies = [Tokenizer.train(texts, kind, size=size, min_frequency=1) for texts in ([text], pieces)]
    assert len({tokenizer.to_json() for tokenizer in vocabularies}) == 1
    whole, parts = (vocabularies[0].encode(texts, as_written=True) for texts in ([text], pieces))
    assert list(chain.from_iterable(parts)) == whole[0]


@given(text=st.text("é好한a\u0301\u1161\u11a8", max_size=60))
def test_characters_are_those_of_the_pieces_wherever_these_end(text):
    """A text without a blank ends its pieces where it must, and never before what is composed with what is there."""
    tokenizer = Tokenizer.train([text], "characters", min_frequency=1)
    pieces, whole = (tokenizer.encode(texts, as_written=True) for texts in (list(cut([text])), [text]))
    assert list(chain.from_iterable(pieces)) == whole[0]


@given(TEXTS, st.data())
def test_documents_are_their_texts(texts, data):
    found = Documents.of(Column.of(texts))
    assert found == texts == list(Documents.of(texts))
    assert [found[k] for k in range(-len(texts), len(texts))] == texts * 2
    assert ["".join(pieces) for pieces in pieces_of(found)] == ["".join(pieces) for pieces in pieces_of(texts)] == texts
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=5)) if texts else []
    assert found.take(np.array(rows, np.int64)) == [texts[row] for row in rows]
    first, last = sorted((data.draw(st.integers(-3, len(texts))), data.draw(st.integers(-3, len(texts)))))
    assert found[first:last] == texts[first:last]
    with pytest.raises(IndexError, match=f"text {len(texts)} of {len(texts)}"):
        found[len(texts)]


def test_a_column_whose_texts_are_short_is_not_cut():
    column = Column.of(["a b", "", "c"])
    assert Documents.of(column).pieces is column


@given(st.lists(st.text(" \n\tab好", max_size=6), max_size=6))
def test_a_text_in_pieces_is_stripped_as_a_whole(pieces):
    assert "".join(stripped(pieces)) == "".join(pieces).strip()


@given(TEXTS, st.sampled_from(["", "salt: "]))
def test_the_hash_of_a_text_in_pieces_is_its_own(texts, salt):
    assert hashes_of(Documents.of(texts), salt).tolist() == hashes_of([salt + text for text in texts]).tolist()
