"""Python's reference manual as `help()` prints it, the topics of the standard library's pydoc_data, by their names.

Its text is another with every version of Python.
"""

from cellwright.data.datasets.dataset import Dataset
from cellwright.data.documents import Documents
from cellwright.data.position_split import split_by_position
from cellwright.data.splits import Splits
from cellwright.data.table import Table


def _load() -> Splits[Table]:
    from pydoc_data.topics import topics  # half a megabyte, and who lists the sets does not read it

    return split_by_position(Documents.of(["\n".join(topics[name] for name in sorted(topics))]), DATASET.name)


DATASET = Dataset(
    name="pydoc",
    content="English text without labels, about 465,000 characters: Python's reference, as its help() prints it",
    source="pydoc_data.topics of the standard library (PSF), another text with each version of Python",
    labels=(),
    load=_load,
    example="The if statement is used for",
)
