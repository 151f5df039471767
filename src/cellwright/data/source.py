"""What a user names as DATA: a built-in set or a file."""

from cellwright.data import datasets
from cellwright.data.datasets.dataset import TEXTS
from cellwright.data.readers import read
from cellwright.data.readers.files import existing
from cellwright.data.split import Sides, split


def open_source(
    data: str,
    *,
    text: str = "text",
    label: str | None = "label",
    encoding: str = "utf-8",
    format: str | None = None,
) -> Sides:
    """Return "train", "validation" and "test" of a built-in set or of a file.

    A built-in name means the set, whatever lies in the working folder: a run folder called `reviews-zh` must
    not change what `fit reviews-zh` does. `./reviews-zh` means the file. The arguments after `data` are those
    of `readers.read`, and say nothing about a built-in set.

    Raises:
        InputError: neither a set nor a file, or a file that is not as expected.

    """
    if data in datasets.names():
        sides: Sides = datasets.load(data)
        return sides
    labelled = [name for name in datasets.names(TEXTS) if datasets.describe(name).labels]
    path = existing(data, built_in=labelled if label else datasets.names(TEXTS))
    return split(read(path, text=text, label=label, encoding=encoding, format=format))
