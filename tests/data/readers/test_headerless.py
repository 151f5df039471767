"""Columns by number, files without a line that names them, and quotation marks that are part of the text."""

import pyarrow as pa
import pyarrow.parquet
import pytest

from cellwright.data.readers import read
from cellwright.data.readers.options import ReadOptions
from cellwright.errors import InputError

NO_HEADER = ReadOptions(header=False)


@pytest.mark.parametrize(("text", "label"), [("2", "1"), ("-2", "-3")])
def test_every_row_of_a_headerless_file_is_read(file, text: str, label: str) -> None:
    path = file("ag.csv", '"3","Wall St.","Bears, again"\n"4","Chips","New ""fab"""\n')
    table = read(path, text=text, label=label, how=NO_HEADER)
    assert (table.texts, table.labels, table.lines) == (["Wall St.", "Chips"], ["3", "4"], [1, 2])
    assert table.notes == []


def test_a_name_that_stands_in_the_header_goes_before_a_number(file) -> None:
    path = file("r.csv", "label,1,text\nx,a,b\n")
    assert read(path, text="1", label="label").texts == ["a"]
    assert read(path, text="3", label="label").texts == ["b"]


def test_a_line_that_is_taken_for_names_without_being_read_is_said(file) -> None:
    path = file("sms.tsv", "ham\tGo until\nspam\tWin\nham\tOk\n")
    said = f"{path}, line 1 is taken for the names of the columns: "
    assert read(path, text="2", label="1").notes == [f"{said}'ham', 'Go until'; if it is a row, give --no-header"]
    assert read(path, text="Go until", label="ham").notes == [
        f"{said}'ham', which is also a value of its column; if it is a row, give --no-header"
    ]
    assert read(file("r.csv", "text,label\na,b\n")).notes == []


def test_columns_of_parquet_have_numbers_too(tmp_path) -> None:
    path = tmp_path / "r.parquet"
    pyarrow.parquet.write_table(pa.table({"id": [1], "said": ["a"], "stars": [5]}), path)
    table = read(path, text="2", label="-1")
    assert (table.texts, table.labels) == (["a"], ["5"])


REFUSED = {
    "number 0": ("0", "1", "r.csv, line 1: no column 0, and there are 2; expected 1 to 2, or -1 to -2 counted from"),
    "beyond the last": ("1", "3", "no column 3, and there are 2; expected 1 to 2"),
    "a name": (
        "text",
        "2",
        "no column 'text', since no line names the columns; expected numbers from 1 to 2 for --text",
    ),
    "twice by its two numbers": ("1", "-2", "columns '1' and '-2' of --text and --label are one; expected different"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(file, case: str) -> None:
    text, label, message = REFUSED[case]
    with pytest.raises(InputError) as error:
        read(file("r.csv", "a,b\nc,d\n"), text=text, label=label, how=NO_HEADER)
    assert message in str(error.value)


def test_a_missing_name_tells_of_files_without_a_header(file) -> None:
    with pytest.raises(InputError, match="if this line is a row, give --no-header and the columns by number"):
        read(file("r.csv", "a,b\nc,d\n"))


def test_quotation_marks_that_are_part_of_the_text(file) -> None:
    path = file("sms.tsv", 'ham\t"so he said\nspam\twin "big"\nham\t"\n')
    with pytest.raises(InputError, match="or give --no-quoting where quotation marks are part of the text"):
        read(path, text="2", label="1", how=NO_HEADER)
    table = read(path, text="2", label="1", how=ReadOptions(header=False, quoting=False))
    assert table.texts == ['"so he said', 'win "big"', '"']


def test_rows_that_a_pair_of_stray_quotation_marks_hides_are_said(file) -> None:
    path = file("sms.tsv", 'ham\tone\nham\t"two\nspam\tthree\nham\tsaid "four"\nham\tfive\n')
    with pytest.raises(InputError, match="do not pair"):  # the second mark is followed by text
        read(path, text="2", label="1", how=NO_HEADER)
    path = file("sms.tsv", 'ham\tone\nham\t"two\nspam\tthree"\nham\tfive\n')
    table = read(path, text="2", label="1", how=NO_HEADER)
    assert len(table) == 3
    assert table.notes == [
        f"{path}, line 2: a field between quotation marks that holds tabs and line ends: if quotation marks are part "
        "of the texts, give --no-quoting"
    ]
