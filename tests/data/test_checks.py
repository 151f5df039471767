import pytest

from cellwright.data.checks import check_known, classes_of, with_known_labels
from cellwright.data.splits import Splits
from cellwright.data.table import Table
from cellwright.errors import InputError


def _splits(train: str, validation: str, test: str) -> Splits[Table]:
    """Make the splits of one letter a label."""
    labels = {"train": list(train), "validation": list(validation), "test": list(test)}
    return Splits({name: Table(row, row, [2] * len(row), source="r.csv") for name, row in labels.items()}, [])


def test_classes_are_sorted_and_those_of_all_splits():
    assert classes_of(_splits("bbca", "d", "a")) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (_splits("aaa", "a", "a"), "r.csv: every label is 'a'; expected at least two classes"),
        (_splits("", "", ""), "r.csv: no row has a label; expected at least two classes"),
        (_splits("ab", "c", "d"), "r.csv: 2 rows to train on for 4 classes ('a', 'b', 'c', 'd'); expected more"),
        (_splits("abcd", "e", "f"), r"r.csv: 4 rows to train on for 6 classes ('a', 'b', 'c', 'd' and 2 more)"),
        (_splits("abab", "", "a"), "r.csv: no text falls to the validation split (4 train, 0 validation, 1 test)"),
        (_splits("abab", "a", ""), "r.csv: no text falls to the test split (4 train, 1 validation, 0 test)"),
    ],
)
def test_a_table_that_cannot_be_trained_on_is_refused(splits, message):
    with pytest.raises(InputError) as caught:
        classes_of(splits)
    assert str(caught.value).startswith(message)


def test_labels_that_a_run_knows_pass():
    check_known(Table(["t", "u"], ["b", "a"], [2, 3], source="r.csv"), ["a", "b", "c"])


def test_a_label_that_a_run_does_not_know_is_named_with_its_line():
    with pytest.raises(InputError, match=r"r\.csv, line 9: label 'Pos' is none that is learned from; expected"):
        check_known(Table(["t", "u"], ["pos", "Pos"], [2, 9], source="r.csv"), ["neg", "pos"])


def test_rows_of_unknown_labels_are_left_out_and_counted():
    table = Table(["t", "u", "v", "w"], ["pos", "Pos", "neg", "Pos"], [2, 3, 4, 5], source="r.csv")
    kept, notes = with_known_labels(table, ["neg", "pos"])
    assert (kept.texts, kept.lines) == (["t", "v"], [2, 4])
    assert notes == ["2 of the 4 texts have a label that the run does not know, and are not scored: 'Pos' (2)"]
    assert with_known_labels(kept, ["neg", "pos"]) == (kept, [])
    with pytest.raises(InputError, match=r"r\.csv, line 2: label 'pos' is none that is learned from; expected 'a'"):
        with_known_labels(table, ["a"])


def test_more_classes_than_rows_that_are_numbers_are_named_as_such():
    labels = [str(n / 2) for n in range(30)]
    splits = {"train": labels[:20], "validation": labels[20:25], "test": labels[25:]}
    tables = {name: Table(split, split, [2] * len(split), source="r.csv") for name, split in splits.items()}
    with pytest.raises(InputError, match=r"20 rows to train on for 30 classes .*: the 30 labels look like numbers, fr"):
        classes_of(Splits(tables, []))
