import pytest

from cellwright.data.table import Table


def test_where_names_the_file_and_the_line_of_the_row_not_its_index():
    table = Table(["a", "b"], ["x", "y"], [2, 9], source="reviews.csv")
    assert table.where(1) == "reviews.csv, line 9"


def test_where_names_rows_in_a_file_without_lines():
    assert Table(["a"], None, [4], source="reviews.parquet", unit="row").where(0) == "reviews.parquet, row 4"


def test_take_keeps_text_label_and_line_together_in_the_order_asked_for():
    table = Table(["a", "b", "c"], ["x", "y", "z"], [2, 3, 5], source="f", unit="row")
    assert table.take([2, 0]) == Table(["c", "a"], ["z", "x"], [5, 2], source="f", unit="row")


def test_take_of_a_table_without_labels_has_none():
    assert Table(["a", "b"], None, [1, 2], source="f").take([1]).labels is None


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 texts, 1 labels and 2 lines"):
        Table(["a", "b"], ["x"], [1, 2], source="f")
