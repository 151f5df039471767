"""Texts in pieces are the pieces that each text was cut into, and cost what these take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data import arrays
from cellwright.data.cache import Cache
from cellwright.data.column import Column
from cellwright.data.pieces import InPieces, Whole, shortened
from cellwright.data.token_rows import TokenRows
from cellwright.data.tokenizer import Tokenizer

TEXTS = st.lists(st.lists(st.lists(st.integers(0, 99), max_size=4), min_size=1, max_size=3), max_size=6)


@given(TEXTS)
def test_pieces_of_a_text_are_its_own(texts):
    flat = [piece for pieces in texts for piece in pieces]
    pieces = InPieces(TokenRows.of(flat), np.cumsum([len(each) for each in texts], dtype=np.int64))
    assert [[piece.tolist() for piece in each] for each in pieces] == texts
    assert [[piece.tolist() for piece in each] for each in pieces[1:3]] == texts[1:3]
    alone = [len(each[0]) if len(each) == 1 else 5 * len(each) for each in texts]
    for at_once in (1, 100):
        before, arrays.CHUNK = arrays.CHUNK, at_once
        assert pieces.costs(5).tolist() == alone
        arrays.CHUNK = before
    windows = pieces.one_by_one()
    assert [(window.tolist(), label) for window, label in windows] == [(piece, None) for piece in flat if piece]
    assert [window.tolist() for window, _ in windows[1:3]] == [piece for piece in flat if piece][1:3]
    assert windows.costs().tolist() == [len(piece) for piece in flat if piece]
    with pytest.raises(IndexError, match=f"text {len(texts)} of {len(texts)}"):
        pieces[len(texts)]


def test_a_whole_text_is_one_piece():
    texts = Whole(TokenRows.of([[1, 2], [], [3]]))
    assert [[piece.tolist() for piece in each] for each in texts] == [[[1, 2]], [[]], [[3]]]
    assert texts.costs(2).tolist() == [2, 0, 1]


def test_texts_are_cut_where_they_lie(tmp_path, monkeypatch):
    texts = [f"a b c d {k}" for k in range(30)]
    tokenizer = Tokenizer.train(texts, "words", min_frequency=1)

    def cut(some):
        return [(numbers, [numbers[:2], numbers[2:]][: 1 + numbers[4] % 2]) for numbers in tokenizer.encode(list(some))]

    monkeypatch.setattr("cellwright.data.pieces.TOGETHER", 7)
    column = Column.of(texts).take(range(30), Cache(tmp_path))
    for found in (shortened(texts, tokenizer, cut, "halves"), shortened(column, tokenizer, cut, "halves")):
        assert [numbers.tolist() for numbers in found.numbers] == tokenizer.encode(texts)
        assert [[piece.tolist() for piece in each] for each in found.pieces] == [pieces for _, pieces in cut(texts)]
    assert [folder.name.partition("-")[0] for folder in tmp_path.iterdir()] == ["pieces"]
