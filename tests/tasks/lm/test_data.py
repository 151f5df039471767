import json
from pathlib import Path

import pytest

from cellwright.data import datasets
from cellwright.data.readers.documents import read_documents
from cellwright.data.readers.options import ReadOptions
from cellwright.data.splits import SplitOptions
from cellwright.errors import InputError
from cellwright.tasks.lm.data import open_texts

TEXT = "first line\r\n\r\nsecond 行\rthird\n" * 40


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a"])
def test_a_file_of_any_other_suffix_is_one_text(file, name):
    text = "first line\n\nsecond 行\nthird\n" * 40
    splits = open_texts(str(file(name, TEXT)), splits=SplitOptions(validation_share=0.25, test_share=0.25))
    assert [table.texts for table in splits.values()] == [
        [text[: len(text) // 2]],
        [text[len(text) // 2 : len(text) * 3 // 4]],
        [text[len(text) * 3 // 4 :]],
    ]
    assert read_documents(str(file(name, TEXT))).texts == [text]


def test_a_table_is_a_text_a_row_and_none_stands_in_two_splits(file):
    rows = [f"text {n}\nof two lines" for n in range(200)] * 2
    path = file("a.jsonl", "\n".join(json.dumps({"body": row, "label": 1.5}) for row in rows))
    splits = open_texts(str(path), text="body")
    assert sorted(text for split in splits.values() for text in split.texts) == sorted(rows[:200])
    assert all(len(split) for split in splits.values())
    assert splits.notes == ["200 rows left out that repeat an earlier text"]


def test_every_row_of_a_table_is_read_repeated_and_empty_ones_too(file):
    assert read_documents(str(file("a.csv", "text,n\na,1\n,2\na,3\n"))).texts == ["a", "", "a"]


def test_a_format_that_is_told_goes_before_the_suffix(file):
    path = file("a.csv", "text\n1\n2\n")
    none = SplitOptions(validation_share=0, test_share=0)
    assert len(open_texts(str(path), how=ReadOptions(format="plain"), splits=none)["train"]) == 1
    assert len(open_texts(str(path), splits=none)["train"]) == 2


def test_a_built_in_name_is_the_set():
    assert open_texts("pydoc")["train"].texts == datasets.load("pydoc")["train"].texts


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no such file; did you mean .*pydoc\?"):
        open_texts("pydocc")
    path = tmp_path / "a.txt"
    path.touch()
    with pytest.raises(InputError, match=r"a\.txt: the file is empty"):
        open_texts(str(path))


def test_a_column_that_is_not_there_names_the_option_that_there_is(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("said\nhello\n")
    with pytest.raises(InputError, match=r"no column 'text'; the columns are 'said': name yours with --text \(eval"):
        open_texts(str(path))


def test_a_text_and_one_of_its_own_for_the_test(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x" * 1000)
    (tmp_path / "b.txt").write_text("yes\n")
    splits = open_texts(str(tmp_path / "a.txt"), splits=SplitOptions(test=str(tmp_path / "b.txt")))
    assert [len(splits[split].texts[0]) for split in splits] == [950, 50, 4]
