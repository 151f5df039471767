import pytest

from cellwright.data.checks import check_known, classes_of
from cellwright.data.split import Sides
from cellwright.data.table import Table
from cellwright.errors import InputError


def _sides(train: str, validation: str, test: str) -> Sides:
    """Make the sides of one letter a label."""
    labels = {"train": list(train), "validation": list(validation), "test": list(test)}
    return Sides({name: Table(row, row, [2] * len(row), source="r.csv") for name, row in labels.items()}, [])


def test_classes_are_sorted_and_those_of_all_sides():
    assert classes_of(_sides("bbca", "d", "a")) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (_sides("aaa", "a", "a"), "r.csv: every label is 'a'; expected at least two classes"),
        (_sides("", "", ""), "r.csv: no row has a label; expected at least two classes"),
        (_sides("ab", "c", "d"), "r.csv: 2 rows to train on for 4 classes ('a', 'b', 'c', 'd'); expected more"),
        (_sides("abcd", "e", "f"), r"r.csv: 4 rows to train on for 6 classes ('a', 'b', 'c', 'd' and 2 more)"),
        (_sides("abab", "", "a"), "r.csv: no text falls to the validation side (4 train, 0 validation, 1 test)"),
        (_sides("abab", "a", ""), "r.csv: no text falls to the test side (4 train, 1 validation, 0 test)"),
    ],
)
def test_a_table_that_cannot_be_trained_on_is_refused(sides, message):
    with pytest.raises(InputError) as caught:
        classes_of(sides)
    assert str(caught.value).startswith(message)


def test_labels_that_a_run_knows_pass():
    check_known(Table(["t", "u"], ["b", "a"], [2, 3], source="r.csv"), ["a", "b", "c"])


def test_a_label_that_a_run_does_not_know_is_named_with_its_line():
    with pytest.raises(InputError, match=r"r\.csv, line 9: label 'Pos' is none that is learned from; expected"):
        check_known(Table(["t", "u"], ["pos", "Pos"], [2, 9], source="r.csv"), ["neg", "pos"])
