import pyarrow
import pyarrow.parquet
import pytest

from cellwright.data.readers.options import ReadOptions
from cellwright.data.readers.records import read_pieces
from cellwright.errors import InputError


def test_columns_go_by_name_and_by_number(file):
    (records,) = read_pieces(file("a.csv", "n,text\n1,a\n2,b\n"))
    assert records.values("text") == records.values("2") == records.values("-1") == ["a", "b"]
    assert records.rows[1] == [("n", "2"), ("text", "b")]
    assert (records.where(1), records.notes) == (f"{records.source}, line 3", [])


def test_columns_that_no_line_names_have_numbers(file):
    (records,) = read_pieces(file("a.tsv", "1\ta\n2\tb\n"), ReadOptions(header=False))
    assert records.rows == [[("1", "1"), ("2", "a")], [("1", "2"), ("2", "b")]]
    assert records.texts("-1") == ["a", "b"]


def test_a_column_that_is_not_there_names_the_line_of_the_names_which_may_be_a_row(file):
    (records,) = read_pieces(file("a.tsv", "good\tpos\nbad\tneg\n"))
    with pytest.raises(InputError, match=r"line 1: no column 'text'; .* if this line is a row, give --no-header"):
        records.texts("text")


def test_keys_of_json_have_no_numbers(file):
    """They may stand in another order on each line."""
    (records,) = read_pieces(file("a.jsonl", '{"n": 1, "text": "a"}\n{"text": "b", "n": 2}\n'))
    assert records.texts("text") == ["a", "b"]
    with pytest.raises(InputError, match=r"line 1: no column '2'; the columns are 'n', 'text'"):
        records.texts("2")


def test_what_is_found_in_a_file_is_kept(file):
    (records,) = read_pieces(file("a.csv", "n;text\n1;a\n2;b\n"))
    (note,) = records.notes
    assert "found semicolon between the fields" in note


def test_a_column_of_parquet_that_stands_twice_is_kept(tmp_path):
    table = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["n", "n"])
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    (records,) = read_pieces(tmp_path / "a.parquet")
    assert records.rows == [[("n", 1), ("n", 2)]]
