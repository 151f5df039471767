"""Shares of the data and files of their own: what is held out, what is not, and what is said of leaks."""

from pathlib import Path

import pytest

from cellwright.data.checks import check_splits
from cellwright.data.hash_split import split_of
from cellwright.data.labels import LabelOptions
from cellwright.data.source import open_source
from cellwright.data.splits import SHARE, SplitOptions, counts
from cellwright.errors import InputError

SHARES = {
    "nothing said": (SplitOptions(), SHARE, SHARE, "test"),
    "a file for the test": (SplitOptions(test="t"), SHARE, 0, "test"),
    "a file for validation alone": (SplitOptions(validation="v"), 0, 0, "validation"),
    "both": (SplitOptions("v", "t"), 0, 0, "test"),
    "a share beside a file": (SplitOptions("v", test_share=0.3), 0, 0.3, "test"),
    "no test": (SplitOptions(test_share=0), SHARE, 0, "validation"),
    "no validation": (SplitOptions(validation_share=0), 0, SHARE, "test"),
    "nothing": (SplitOptions(validation_share=0, test_share=0), 0, 0, "train"),
}


@pytest.mark.parametrize("case", SHARES)
def test_nothing_is_held_out_that_nobody_asked_for(case: str) -> None:
    options, validation, test, scored = SHARES[case]
    assert options.shares() == {"validation": validation, "test": test}
    assert options.scored == scored


@pytest.fixture
def published(tmp_path: Path) -> dict[str, str]:
    """Three files of texts; one text of each of the others stands in training too."""
    rows = {
        "train": [f"text {n},{'ab'[n % 2]}" for n in range(100)],
        "validation": ["text 7 ,b", "new,a", ",a", "new,b"],
        "test": [*(f"other {n},a" for n in range(5)), "text 3,b", "odd,c"],
    }
    for name, lines in rows.items():
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    return {name: str(tmp_path / f"{name}.csv") for name in rows}


def test_published_splits_are_taken_whole(published: dict[str, str]) -> None:
    splits = open_source(published["train"], splits=SplitOptions(published["validation"], published["test"]))
    assert counts(splits) == "100 train, 3 validation, 7 test"
    assert splits["validation"].texts == ["text 7 ", "new", "new"]  # a text with two labels stays: so it was published
    assert splits.notes == [
        f"1 row without text left out, the first on {published['validation']}, line 4",
        "validation: 1 of the 3 texts are among the training texts: the scores flatter",
        "test: 1 of the 7 texts are among the training texts: the scores flatter",
        "label 'c' has no row in the training split (of 1 row), so that no model can learn it",
    ]


def test_with_a_file_for_the_test_the_rest_is_split_in_two(published: dict[str, str]) -> None:
    splits = open_source(published["train"], splits=SplitOptions(test=published["test"]))
    assert len(splits["train"]) + len(splits["validation"]) == 100
    without_test = open_source(published["train"], splits=SplitOptions(test_share=0))
    assert splits["train"].texts == without_test["train"].texts


def test_splits_that_nobody_asked_for_may_be_empty_and_others_not(published: dict[str, str]) -> None:
    splits = open_source(published["validation"], splits=SplitOptions(validation_share=0, test_share=0))
    assert counts(splits) == "2 train, no validation, no test"  # "new" stands twice
    check_splits(splits, "a.csv", "text")
    few = open_source(published["validation"], splits=SplitOptions(validation_share=0.001, test_share=0))
    with pytest.raises(InputError, match="fill all splits, or a file of their own with --validation, or --validation-"):
        check_splits(few, "a.csv", "text")


def test_shares_that_equal_rows_make_lopsided_are_said(tmp_path: Path) -> None:
    """Of a tagger's file in which one sentence stood most of the time the splits were 31, 68 and 1 percent."""
    path = tmp_path / "many.csv"
    often = next(f"often {n}" for n in range(99) if split_of(f"often {n}", 0.1, 0.1) == "validation")
    path.write_text("text,label\n" + "".join(f"text {n},a\n" for n in range(100)) + f"{often},b\n" * 200)
    splits = open_source(str(path), labels=LabelOptions(duplicates="keep"))
    validation, test = (len(splits[split]) / 300 for split in ("validation", "test"))
    assert (
        f"{path}: {validation:.1%} of the texts fall to the validation split, where 10% were asked for: equal ones "
        "stay together; --validation FILE names others, or another --validation-share draws others"
    ) in splits.notes
    assert any(note.startswith(f"{path}: {test:.1%} of the texts fall to the test split") for note in splits.notes)


def test_usual_shares_are_not_said(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    for count in (30, 400):
        path.write_text("text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(count)))
        assert not any("were asked for" in note for note in open_source(str(path)).notes)
