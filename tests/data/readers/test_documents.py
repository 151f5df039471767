"""Texts of any length from files, against the same files read at once."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.data import documents
from cellwright.data.readers.documents import read_documents
from cellwright.data.readers.files import characters
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.several import as_one
from cellwright.errors import InputError

PROSE = "Salt, and pepper.\nOil 和 vinegar。\n" * 20


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(documents, "SIZE", 30)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_plain_text_is_one_text_in_pieces(file, newline, encoding):
    path = file("a.txt", PROSE.replace("\n", newline).encode(encoding))
    table = read_documents(path, how=ReadOptions(encoding=encoding))
    assert table.texts == [PROSE]
    assert len(table.texts.pieces) > 5
    assert table.where(0) == f"{path}, line 1"


def test_a_compressed_text_is_the_text(file):
    assert read_documents(file("a.txt.gz", gzip.compress(PROSE.encode()))).texts == [PROSE]


def test_texts_and_tables_beside_each_other_are_a_text_each(file):
    rows = file("rows.csv", 'text,n\n"one\ntwo",1\n,2\n')
    several = as_one([file("a.txt", PROSE), rows, file("b.md", "short")])
    table = read_documents(several)
    assert table.texts == [PROSE, "one\ntwo", "", "short"]
    assert [table.where(k).rpartition("/")[2] for k in range(4)] == [
        "a.txt, line 1", "rows.csv, line 2", "rows.csv, line 4", "b.md, line 1"
    ]  # fmt: skip


def test_a_byte_that_is_none_of_the_encoding_is_told_where_it_stands(file):
    content = PROSE.encode() * 30 + b"\xff" + PROSE.encode()
    with pytest.raises(InputError, match=rf"not utf-8: byte 0xff at offset {30 * len(PROSE.encode())} "):
        read_documents(file("a.txt", content))


@settings(max_examples=40)
@given(text=st.text("a\r\n\ufeff好", min_size=1, max_size=20), size=st.integers(1, 5))
def test_characters_come_so_many_at_a_time(tmp_path_factory, text, size):
    path = tmp_path_factory.getbasetemp() / "characters.txt"
    path.write_bytes(text.encode())
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(characters(path, "utf-8", size)) == expected
