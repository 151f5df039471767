import re

import pyarrow as pa
import pyarrow.parquet
import pytest

from cellwright.data.readers import read
from cellwright.data.table import Table
from cellwright.errors import InputError


@pytest.fixture
def parquet(tmp_path):
    def write(**columns):
        path = tmp_path / "r.parquet"
        pyarrow.parquet.write_table(pa.table(columns), path, row_group_size=2)
        return path

    return write


def test_columns_give_texts_labels_and_rows_over_all_row_groups(parquet):
    path = parquet(id=[1, 2, 3], label=["pos", "neg", "pos"], text=["很好", "bad", "🙂"])
    assert read(path) == Table(["很好", "bad", "🙂"], ["pos", "neg", "pos"], [1, 2, 3], source=str(path), unit="row")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pa.array([0, 12], pa.int8()), ["0", "12"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([1.0, float("nan")]), ["1", ""]),  # whole numbers, one missing, as pandas writes them
        (pa.array([None, 2.5]), ["", "2.5"]),
    ],
)
def test_labels_become_strings(parquet, labels, expected):
    assert read(parquet(text=["good", "bad"], label=labels)).labels == expected


def test_null_is_an_empty_text(parquet):
    assert read(parquet(text=["good", None], label=[1, 2])).texts == ["good", ""]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"review": ["a"], "label": [1]}, ": no column 'text'; the columns are 'review', 'label'"),
        ({"text": [], "label": []}, ": columns without rows; expected at least one row"),
        ({"text": [7], "label": [1]}, ", row 1: column 'text' holds 7 (int); expected a string"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_row(parquet, columns, message):
    path = parquet(**columns)
    with pytest.raises(InputError, match="^" + re.escape(f"{path}{message}")):
        read(path)


def test_a_column_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "r.parquet"
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["text", "label", "label"])
    pyarrow.parquet.write_table(table, path)
    with pytest.raises(InputError, match=r"column 'label' stands 2 times \(2 and 3\)"):
        read(path)


def test_a_file_that_is_cut_short_is_refused(parquet):
    path = parquet(text=["a"] * 100, label=[1] * 100)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"r\.parquet: not a whole Parquet file"):
        read(path)


def test_a_damaged_page_is_refused(parquet):
    path = parquet(text=["a"] * 100, label=[1] * 100)
    content = bytearray(path.read_bytes())
    content[4:200] = b"\xff" * 196
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"r\.parquet: not a whole Parquet file"):
        read(path)


def test_empty_file_is_refused(file):
    with pytest.raises(InputError, match=r"r\.parquet: the file is empty"):
        read(file("r.parquet", b""))
