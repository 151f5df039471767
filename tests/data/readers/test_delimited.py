"""CSV and TSV; what Python's csv module and pyarrow agree on is compared with pyarrow, an independent reader."""

import csv
import io
import re

import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.data.readers import read
from cellwright.data.readers.files import PIECE
from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.records import read_pieces
from cellwright.data.table import Table
from cellwright.errors import InputError


def test_csv_gives_texts_labels_and_lines(file):
    path = file("r.csv", "text,label\ngood,pos\nbad,neg\n")
    assert read(path) == Table(["good", "bad"], ["pos", "neg"], [2, 3], source=str(path))


def test_columns_are_found_by_name_in_any_order_and_others_ignored(file):
    path = file("r.csv", "id,stars,id,review\n1,5,7,good\n2,1,8,bad\n")
    table = read(path, text="review", label="stars")
    assert (table.texts, table.labels) == (["good", "bad"], ["5", "1"])


def test_no_label_column_is_needed_where_none_is_asked_for(file):
    assert read(file("r.csv", "text\ngood\n"), label=None).labels is None


def test_tsv_leaves_commas_alone(file):
    assert read(file("r.tsv", "text\tlabel\nyes, good\tpos\n")).texts == ["yes, good"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_are_those_of_the_file_after_line_ends_inside_quotes_and_blank_lines(file, end):
    lines = ["text,label", '"one', "two", 'three",pos', "", "four,neg", '"a ""b"", c",pos']
    table = read(file("r.csv", end.join(lines)))
    assert table.texts == [f"one{end}two{end}three", "four", 'a "b", c']
    assert table.lines == [2, 6, 7]


def test_columns_that_a_spreadsheet_leaves_at_the_end_are_none(file):
    path = file("r.csv", "text,label,, \n" + "good,pos,,\n" * 3)
    table = read(path, label="-1")
    assert (table.texts, table.labels) == (["good"] * 3, ["pos"] * 3)
    assert f"{path}: the last 2 columns, without a name, left out" in table.notes
    with pytest.raises(InputError, match=r"line 3: 3 fields.*; expected 4"):
        read(file("short.csv", "text,label,,\ngood,pos,,\nbad,neg,\n"))


@pytest.mark.parametrize("before", [0, PIECE + 200])
def test_a_column_without_a_name_is_one_thing_wherever_its_first_value_stands(file, before):
    rows = "good,pos,\n" * before + "bad,neg,see mail\nbad,neg,again\n"
    path = file("r.csv", f"text,label,\n{rows}")
    table = read(path)
    assert (table.texts, table.labels) == (["good"] * before + ["bad"] * 2, ["pos"] * before + ["neg"] * 2)
    first, second = table.notes
    assert first == f"{path}: the last column, without a name, left out"
    assert second.startswith(f"{path}, line {before + 2}: 'see mail' in the last column, left out since")
    asked = read(path, text="3", label="label")
    assert asked.texts == [""] * before + ["see mail", "again"]
    assert not any("left out" in note for note in asked.notes)
    with pytest.raises(InputError, match=rf"line {before + 2}: 'see mail' in the last column, .* so that -1 may count"):
        read(path, label="-1")
    pieces = list(read_pieces(path, asked=["text"]))
    assert [row for piece in pieces for row in piece.rows][-1] == [("text", "bad"), ("label", "neg")]
    assert [note for piece in pieces for note in piece.notes] == table.notes
    assert [text for piece in read_pieces(path, asked=["3"]) for text in piece.texts("3")] == asked.texts


def test_a_column_of_values_without_a_name_is_kept(file):
    assert read(file("r.csv", "text,\ngood,\nbad,neg\n"), label="2").labels == ["", "neg"]


def test_byte_order_mark_is_no_part_of_the_first_name(file):
    assert read(file("r.csv", b"\xef\xbb\xbftext,label\ngood,pos\n")).texts == ["good"]


def test_utf_16_is_read_when_named(file):
    path = file("r.csv", "text,label\n很好,pos\n".encode("utf-16"))
    assert read(path, how=ReadOptions("utf-16")).texts == ["很好"]


def test_gb18030_is_read_when_named(file):
    path = file("r.csv", "text,label\n很好,正\n".encode("gb18030"))
    assert read(path, how=ReadOptions("gb18030")) == Table(["很好"], ["正"], [2], source=str(path))


def test_a_missing_label_is_read_as_an_empty_one(file):
    assert read(file("r.csv", "text,label\na,1\nb,\nc,  \n")).labels == ["1", "", ""]


def test_empty_text_is_read_as_such_and_not_as_a_missing_row(file):
    table = read(file("r.csv", "text,label\n,pos\nbad,neg\n"))
    assert table.texts == ["", "bad"]


def test_unicode_line_separators_end_no_line(file):
    table = read(file("r.csv", "text,label\na\u2028b\x0bc,pos\nbad,neg\n"))
    assert (table.texts, table.lines) == (["a\u2028b\x0bc", "bad"], [2, 3])


def test_a_text_beyond_csv_field_size_limit_is_read_whole(file):
    limit = csv.field_size_limit()
    text = "长" * 300_000
    assert read(file("r.csv", f"text,label\n{text},pos\n")).texts == [text]
    assert csv.field_size_limit() == limit


# Line ends are left out: pyarrow reads them in quotes only on request, and blank lines differ.
_cells = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8)


@given(rows=st.lists(st.tuples(_cells, _cells.filter(str.strip)), min_size=1, max_size=6))
def test_csv_agrees_with_pyarrow(tmp_path_factory, rows):
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("text", "label"), *rows])
    path = tmp_path_factory.mktemp("csv") / "r.csv"
    path.write_bytes(buffer.getvalue().encode())
    strings = pyarrow.csv.ConvertOptions(column_types={"text": pyarrow.string(), "label": pyarrow.string()})
    expected = pyarrow.csv.read_csv(path, convert_options=strings)
    table = read(path)
    assert table.texts == expected["text"].to_pylist() == [text for text, _ in rows]
    assert table.labels == expected["label"].to_pylist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is blank; expected a line that names the columns"),
        ("text,label\n", "nothing but the line that names the columns ('text', 'label'); expected rows"),
        ("review,stars\na,1\n", "line 1: no column 'text'; the columns are 'review', 'stars'"),
        ("\ntext,stars\na,1\n", "line 2: no column 'label'; the columns are 'text', 'stars'"),
        ("text,label,text\na,1,b\n", "line 1: column 'text' stands 2 times (1 and 3); expected once"),
        ("text;label\na;1;2\n", "line 1: one column, 'text;label', with ';' inside; expected ',' between fields"),
        ("text,label\na,1\nb\n", "line 3: 1 fields; expected 2 as on line 1 ('text', 'label')"),
        ('text,label\n"a\nb",1\nc,d,2\n', "line 4: 3 fields; expected 2 as on line 1 ('text', 'label')"),
        ('text,label\na,1\n"b,2\nc,3\n', "line 3: the quotation marks of this row do not pair (unexpected end"),
        ('text,label\n"a" b,1\n', "line 2: the quotation marks of this row do not pair (',' expected after '\"')"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(file, content, message):
    path = file("r.csv", content)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}(: |, ){re.escape(message)}"):
        read(path)


def test_a_long_header_without_the_column_is_cut_short_in_the_message(file):
    path = file("r.csv", ",".join(f"c{k}" for k in range(20)) + "," + "x" * 99 + "\n" + "," * 20 + "\n")
    with pytest.raises(InputError, match=r"the columns are 'c0', .*'c11' and 9 more"):
        read(path)


def test_one_column_for_text_and_label_is_refused(file):
    with pytest.raises(InputError, match="column 'text' for both of --text and --label"):
        read(file("r.csv", "text\na\n"), label="text")
