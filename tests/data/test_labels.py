import unicodedata

import pytest

from cellwright.data.labels import LabelOptions, labelled, numbers, one_spelling, spelled
from cellwright.data.source import open_source
from cellwright.data.splits import SplitOptions
from cellwright.data.table import Table
from cellwright.errors import InputError

ALL = SplitOptions(validation_share=0, test_share=0)


def table(*rows: tuple[str, str]) -> Table:
    texts, labels = zip(*rows, strict=True)
    return Table(list(texts), list(labels), range(2, len(rows) + 2), "r.csv")


@pytest.mark.parametrize(
    ("label", "one"),
    [
        ("pos", "pos"),
        ("\u00a0pos\t", "pos"),
        ("very \u3000 good", "very good"),
        (unicodedata.normalize("NFD", "café"), "café"),
        ("1.00", "1"),
        ("-3.0", "-3"),
        ("0.0", "0"),
        ("1.50", "1.50"),
        ("1.0.0", "1.0.0"),
        ("v1.0", "v1.0"),
        ("01", "01"),
        ("", ""),
    ],
)
def test_a_label_has_one_spelling(label: str, one: str) -> None:
    assert spelled(label) == one
    assert spelled(one) == one


def test_what_was_spelled_otherwise_is_said_and_what_differs_in_case_too() -> None:
    labels, notes = one_spelling(["neg", " neg", " neg", "1.0", "Neg"], "r.csv")
    assert labels == ["neg", "neg", "neg", "1", "Neg"]
    assert notes == [
        "r.csv: white space around labels does not count and zeros behind a whole number do not count: ' neg' (2 rows) "
        "as 'neg', '1.0' (1 row) as '1'",
        "r.csv: labels that differ in case are several: 'Neg', 'neg'",
    ]
    assert one_spelling(["neg", "1.5"], "r.csv") == (["neg", "1.5"], [])


ALONE = {
    " neg": "white space around labels does not count: ' neg' (1 row) as 'neg'",
    "2.0": "zeros behind a whole number do not count: '2.0' (1 row) as '2'",
    "cafe\u0301": "characters are composed (Unicode's NFC): 'café' (1 row) as 'café'",
}


@pytest.mark.parametrize("label", ALONE)
def test_what_did_not_occur_is_not_said(label: str) -> None:
    """White space and zeros were named together, whichever there was."""
    _, notes = one_spelling([label, "x"], "r.csv")
    assert notes == [f"r.csv: {ALONE[label]}".replace("'café' (1", "'cafe\u0301' (1")]


def test_labels_that_look_alike_are_said() -> None:
    labels, notes = one_spelling(["pos", "p\u200bos", "\uff50os", "neg"], "r.csv")
    assert labels == ["pos", "p\u200bos", "\uff50os", "neg"]
    (note,) = notes
    assert note.startswith("r.csv: labels that differ in characters of no width, or of another are several: ")


def test_rows_without_a_label_are_refused_or_left_out() -> None:
    rows = table(("a", "x"), ("b", ""), ("", ""), ("", "x"), ("c", ""), ("d", "y"))
    with pytest.raises(InputError, match=r"^r\.csv, line 3: the label is missing in column 'stars', as in 2 of 6 rows"):
        labelled(rows, "stars", LabelOptions())
    kept, notes = labelled(rows, "stars", LabelOptions(skip_missing=True))
    assert (kept.texts, kept.labels, kept.lines) == (["a", "", "d"], ["x", "x", "y"], [2, 5, 7])
    assert notes == [
        "2 rows without a label left out, the first on r.csv, line 3",
        "1 row with neither text nor label left out, the first on r.csv, line 4",
    ]


def test_a_row_with_nothing_in_it_is_no_missing_label() -> None:
    kept, notes = labelled(table(("a", "x"), ("", "")), "label", LabelOptions())
    assert (kept.texts, len(notes)) == (["a"], 1)


def test_the_labels_of_all_files_are_spelled_alike(tmp_path) -> None:
    for name, rows in {"train": "a,1.0\nb,2\nc,1\n", "test": "d, 1 \ne,2.0\n"}.items():
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{rows}")
    test = SplitOptions(test=str(tmp_path / "test.csv"), validation_share=0)
    splits = open_source(str(tmp_path / "train.csv"), splits=test)
    assert (splits["train"].labels, splits["test"].labels) == (["1", "2", "1"], ["1", "2"])


def test_missing_labels_of_a_file_of_its_own_are_refused_too(tmp_path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,1\nb,2\n")
    (tmp_path / "test.csv").write_text("text,label\na,1\nb,\n")
    test = SplitOptions(test=str(tmp_path / "test.csv"), validation_share=0)
    with pytest.raises(InputError, match=r"test\.csv, line 3: the label is missing"):
        open_source(str(tmp_path / "train.csv"), splits=test)
    splits = open_source(str(tmp_path / "train.csv"), splits=test, labels=LabelOptions(skip_missing=True))
    assert len(splits["test"]) == 1


def test_faults_classify_label_spaces(tmp_path) -> None:
    """'neg' and ' neg', 'pos' and 'pos ' were four classes, without a word."""
    rows = [f"text {n},{['neg', 'pos', ' neg', 'pos '][n % 4]}" for n in range(40)]
    path = tmp_path / "r.csv"
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    splits = open_source(str(path), splits=ALL)
    assert set(splits["train"].labels or []) == {"neg", "pos"}
    assert splits.notes == [
        f"{path}: white space around labels does not count: ' neg' (10 rows) as 'neg', 'pos ' (10 rows) as 'pos'"
    ]


def test_labels_of_many_numbers_are_named_with_what_to_do() -> None:
    said = numbers([str(n / 4) for n in range(-3, 40)])
    assert said is not None
    assert said.startswith("the 43 labels look like numbers, from -0.75 to 9.75, and each is a class of its own")
    assert said.endswith("put them into bands (low, middle, high) in a column of their own")
    assert numbers([str(n) for n in range(20)]) is None  # a scale of marks
    assert numbers([*map(str, range(30)), "none"]) is None
    commas = numbers([f"{n / 4}".replace(".", ",") for n in range(-3, 40)])
    assert commas is not None
    assert "from -0,75 to 9,75" in commas
    assert numbers(["1e3", ".5", "5.", *map(str, range(30))]) is not None


def test_labels_that_may_mean_that_there_is_none_are_named() -> None:
    found, (first, second) = labelled(table(("a", "NA"), ("b", "none"), ("c", "NA"), ("d", "pos")), "y", LabelOptions())
    assert found.labels == ["NA", "none", "NA", "pos"]
    assert first.startswith("r.csv: the label 'NA' (2 rows) is a class like any other: if it means that there is none,")
    assert first.replace("NA", "none").replace("2 rows", "1 row") == second
